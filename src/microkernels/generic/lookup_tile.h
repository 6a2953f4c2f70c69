// Binary tiles for instruction sets without a bit count: four channels at a time, a byte shuffle looks up how
// many of them count for every output of a vector. Included inside the namespace of an ISA unit, after
// `Bytes`.
//
// One lookup serves two pixels: the table that their two nibbles select holds the count of the first pixel in
// the low half of every byte and that of the second in the high half. A half holds the counts of three units;
// a group of three is then added to bytes of its own. Those are `total`, first + 16 * second modulo 256, and
// `second`, from which `first` follows; at the next widening they are added to the 16-bit sums.

inline constexpr int32_t kGroupUnits = 3;    // 4 a unit in 4 bits
inline constexpr int32_t kNarrowUnits = 63;  // 4 a unit in 8 bits
inline constexpr int64_t kWideUnits = 65535 / 4;

// [nibble of the second pixel][nibble of the first][nibble of the weights]
struct PairTable {
  alignas(64) uint8_t entry[16][16][16] = {};
};

constexpr int count_nibble(int nibble) {
  return (nibble & 1) + (nibble >> 1 & 1) + (nibble >> 2 & 1) + (nibble >> 3 & 1);
}

constexpr int combine_nibbles(BitProduct product, int a, int b) {
  return product == BitProduct::kXor ? a ^ b : a & b;
}

constexpr PairTable make_pair_table(BitProduct product) {
  PairTable table;
  for (int second = 0; second < 16; ++second) {
    for (int first = 0; first < 16; ++first) {
      for (int weights = 0; weights < 16; ++weights) {
        const int low = count_nibble(combine_nibbles(product, first, weights));
        const int high = count_nibble(combine_nibbles(product, second, weights));
        table.entry[second][first][weights] = static_cast<uint8_t>(low + 16 * high);
      }
    }
  }
  return table;
}

template <BitProduct kProduct>
inline constexpr PairTable kPairTable = make_pair_table(kProduct);

inline constexpr int64_t kPairStride =
    kNarrowUnits + 1;  // from the offsets of one pair of pixels to the next

// Units hold their nibble in the high half: the first pixel selects one of 16 tables of 16 bytes, the second
// one of 16 rows of tables. The last kStep units overlap those before them.
template <int64_t kStep>
inline void pair_units_by(const uint8_t* first, const uint8_t* second, int64_t count, uint16_t* offsets) {
  for (int64_t u = 0; u < count - kStep; u += kStep)
    Bytes::pair_units<kStep>(first + u, second + u, offsets + u);
  const int64_t last = count - kStep;
  Bytes::pair_units<kStep>(first + last, second + last, offsets + last);
}

inline void pair_units(const uint8_t* first, const uint8_t* second, int64_t count, uint16_t* offsets) {
  if (count >= 16) return pair_units_by<16>(first, second, count, offsets);
  if (count >= 8) return pair_units_by<8>(first, second, count, offsets);
  for (int64_t u = 0; u < count; ++u) offsets[u] = static_cast<uint16_t>(first[u] | second[u] << 4);
}

template <int kPairs, int kVectors>
struct NarrowCounts {
  Bytes::Vector total[kPairs][kVectors];
  Bytes::Vector second[kPairs][kVectors];
};

template <BitProduct kProduct, int kUnits, int kPairs, int kVectors>
inline void count_group(const uint16_t* offsets, const uint8_t* weights,
                        NarrowCounts<kPairs, kVectors>& counts) {
  const uint8_t* table = &kPairTable<kProduct>.entry[0][0][0];
  BMX_UNROLL
  for (int p = 0; p < kPairs; ++p) {
    Bytes::Vector entries[kUnits];
    BMX_UNROLL
    for (int u = 0; u < kUnits; ++u) entries[u] = Bytes::load_table(table + offsets[p * kPairStride + u]);
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const uint8_t* w = weights + v * Bytes::kLanes;
      Bytes::Vector group = Bytes::look_up(entries[0], Bytes::load(w));
      BMX_UNROLL
      for (int u = 1; u < kUnits; ++u)
        group = Bytes::add(group, Bytes::look_up(entries[u], Bytes::load(w + u * kVectors * Bytes::kLanes)));
      counts.total[p][v] = Bytes::add(counts.total[p][v], group);
      counts.second[p][v] = Bytes::add(counts.second[p][v], Bytes::high_nibbles(group));
    }
  }
}

// 16-bit sums of a vector of bytes: first the low halves of all its 16-byte parts, then the high halves, as
// unpacking leaves them.
inline void widen(Bytes::Vector x, bool add, uint16_t* sums) {
  uint16_t* high_sums = sums + Bytes::kLanes / 2;
  Bytes::Vector low = Bytes::widen_low(x), high = Bytes::widen_high(x);
  if (add) {
    low = Bytes::add_16(low, Bytes::load(sums));
    high = Bytes::add_16(high, Bytes::load(high_sums));
  }
  Bytes::store(sums, low);
  Bytes::store(high_sums, high);
}

// Stores the sums in the order of the outputs.
inline void store_counts(const uint16_t* sums, int64_t count, int32_t* counts) {
  for (int64_t i = 0; i < count; i += Bytes::kLanes) {
    BMX_UNROLL
    for (int part = 0; part < Bytes::kLanes / 16; ++part) {
      Bytes::store_counts(sums + i + part * 8, counts + i + part * 16);
      Bytes::store_counts(sums + i + Bytes::kLanes / 2 + part * 8, counts + i + part * 16 + 8);
    }
  }
}

template <int kPairs, int kVectors>
inline void add_counts(const NarrowCounts<kPairs, kVectors>& counts, bool add, uint16_t* sums) {
  constexpr int64_t kLanes = kVectors * Bytes::kLanes;
  BMX_UNROLL
  for (int p = 0; p < kPairs; ++p) {
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const Bytes::Vector second = counts.second[p][v];
      const Bytes::Vector first = Bytes::subtract_16_times(counts.total[p][v], second);
      uint16_t* to = sums + 2 * p * kLanes + v * Bytes::kLanes;
      widen(first, add, to);
      widen(second, add, to + kLanes);
    }
  }
}

// Counts units of all pairs; stores the counts as the sums, [pixel][lane], or adds them.
template <BitProduct kProduct, int kPairs, int kVectors>
inline void count_units(const uint16_t* offsets, int64_t units, const uint8_t* weights, bool add,
                        uint16_t* sums) {
  constexpr int64_t kLanes = kVectors * Bytes::kLanes;
  NarrowCounts<kPairs, kVectors> counts;
  BMX_UNROLL
  for (int p = 0; p < kPairs; ++p) {
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) counts.total[p][v] = counts.second[p][v] = Bytes::zero();
  }
  for (; units % kGroupUnits != 0; --units, ++offsets, weights += kLanes)
    count_group<kProduct, 1>(offsets, weights, counts);
  for (; units > 0; units -= kGroupUnits) {
    count_group<kProduct, kGroupUnits>(offsets, weights, counts);
    offsets += kGroupUnits;
    weights += kGroupUnits * kLanes;
  }
  add_counts(counts, add, sums);
}

// How many units to count at a time: no more than bytes can count, in whole groups, so that there are as few
// batches as possible, of nearly equal size.
inline int64_t batch_units(int64_t units) {
  const int32_t last = static_cast<int32_t>(units) - 1;
  const int32_t batches = last / kNarrowUnits + 1;
  return (last / (batches * kGroupUnits) + 1) * kGroupUnits;
}

// Collects the units of a tile, span by span, and counts them whenever a batch is full.
template <BitProduct kProduct, int kPixels, int kVectors>
class PairTile {
 public:
  static constexpr int64_t kLanes = kVectors * Bytes::kLanes;

  PairTile(const void* const* pixels, const void* panel, int64_t units)
      : pixels_(pixels), weights_(static_cast<const uint8_t*>(panel)), batch_(batch_units(units)) {}

  void take(const Span& span) {
    int64_t offset = span.offset;
    for (int64_t left = span.units; left > 0;) {
      const int64_t units = std::min(left, batch_ - waiting_);
      pair(offset, units);
      offset += units;
      left -= units;
      if (waiting_ == batch_) count();
    }
  }
  void finish(int32_t* counts) {
    if (waiting_ > 0 || !summed_) count();
    store_counts(sums_, kPixels * kLanes, counts);
  }

 private:
  static constexpr int kPairs = (kPixels + 1) / 2;  // an odd last pixel is paired with itself

  void pair(int64_t offset, int64_t units) {
    for (int p = 0; p < kPairs; ++p) {
      const int first = 2 * p, second = std::min(2 * p + 1, kPixels - 1);
      pair_units(static_cast<const uint8_t*>(pixels_[first]) + offset,
                 static_cast<const uint8_t*>(pixels_[second]) + offset, units,
                 offsets_ + p * kPairStride + waiting_);
    }
    waiting_ += units;
  }
  void count() {
    count_units<kProduct, kPairs, kVectors>(offsets_, waiting_, weights_, summed_, sums_);
    weights_ += waiting_ * kLanes;
    waiting_ = 0;
    summed_ = true;
  }

  const void* const* pixels_;
  const uint8_t* weights_;
  const int64_t batch_;
  int64_t waiting_ = 0;
  bool summed_ = false;
  uint16_t offsets_[kPairs * kPairStride];  // where the table of a pair starts, for the units that wait
  alignas(64) uint16_t sums_[2 * kPairs * kLanes];
};

template <BitProduct kProduct, int kPixels, int kVectors>
void binary_tile(const void* const* pixels, const Span* spans, int64_t span_count, const void* panel,
                 int32_t* counts) {
  int64_t units = 0;
  for (int64_t r = 0; r < span_count; ++r) units += spans[r].units;
  PairTile<kProduct, kPixels, kVectors> tile(pixels, panel, units);
  for (int64_t r = 0; r < span_count; ++r) tile.take(spans[r]);
  tile.finish(counts);
}

struct BinaryFormat {
  static constexpr int64_t unit_bits = 4;
  static constexpr int64_t unit_bytes = 1;
  static constexpr int64_t weight_bytes = 1;
  static constexpr int64_t lanes = Bytes::kLanes;
  static constexpr int64_t narrow_units = 0;  // a tile widens by itself
  static constexpr int64_t wide_units = kWideUnits;
  static constexpr int max_vectors = Bytes::kMaxVectors;
  static constexpr int pixels(int vectors) { return Bytes::tile_pixels(vectors); }
};

// One byte a unit, its nibble in the high half.
inline void expand_units(const uint64_t* x, int64_t count, void* out) {
  constexpr int64_t kWordUnits = 16;
  uint8_t* units = static_cast<uint8_t*>(out);
  int64_t u = 0;
  for (; u + kWordUnits <= count; u += kWordUnits) Bytes::expand_word(*x++, units + u);
  if (u == count) return;
  uint8_t rest[kWordUnits];
  Bytes::expand_word(*x, rest);
  std::memcpy(units + u, rest, static_cast<size_t>(count - u));
}
