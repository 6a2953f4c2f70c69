// Binary tiles for instruction sets without a bit count: four channels at a time, a byte shuffle looks up how many
// of them count for every output of a vector. Included inside the namespace of an ISA unit, after `Bytes`.
//
// One lookup serves two pixels: the table that their two nibbles select holds the count of the first pixel in the
// low half of every byte and that of the second in the high half. A half holds the counts of three units; a group of
// three is then added to bytes of its own. Those are `total`, first + 16 * second modulo 256, and `second`, from
// which `first` follows; at the next widening they are added to the 16-bit sums.

inline constexpr int64_t kGroupUnits = 3;    // 4 a unit in 4 bits
inline constexpr int64_t kNarrowUnits = 63;  // 4 a unit in 8 bits
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

// For each unit up to the next widening, where the table of a pair of pixels starts. Vectors of units are stored
// whole.
template <int kPairs>
using PairOffsets = uint16_t[kPairs][kNarrowUnits + 1];

// Units hold their nibble in the high half: the first pixel selects one of 16 tables of 16 bytes, the second one of
// 16 rows of tables.
inline void pair_units(const uint8_t* first, const uint8_t* second, int64_t count, uint16_t* offsets) {
  constexpr int64_t kStep = Bytes::kPairedUnits;
  if (count < kStep) {
    for (int64_t u = 0; u < count; ++u) offsets[u] = static_cast<uint16_t>(first[u] | second[u] << 4);
    return;
  }
  for (int64_t u = 0; u < count - kStep; u += kStep) Bytes::pair_units(first + u, second + u, offsets + u);
  const int64_t last = count - kStep;
  Bytes::pair_units(first + last, second + last, offsets + last);
}

template <int kPairs, int kVectors>
struct NarrowCounts {
  Bytes::Vector total[kPairs][kVectors];
  Bytes::Vector second[kPairs][kVectors];
};

template <BitProduct kProduct, int kUnits, int kPairs, int kVectors>
inline void count_group(const PairOffsets<kPairs>& offsets, int64_t first_unit, const uint8_t* weights,
                        NarrowCounts<kPairs, kVectors>& counts) {
  const uint8_t* table = &kPairTable<kProduct>.entry[0][0][0];
  Bytes::Vector group[kPairs][kVectors];
  BMX_UNROLL
  for (int u = 0; u < kUnits; ++u) {
    Bytes::Vector w[kVectors];
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) w[v] = Bytes::load(weights + (u * kVectors + v) * Bytes::kLanes);
    BMX_UNROLL
    for (int p = 0; p < kPairs; ++p) {
      const Bytes::Vector entries = Bytes::load_table(table + offsets[p][first_unit + u]);
      BMX_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        const Bytes::Vector found = Bytes::look_up(entries, w[v]);
        group[p][v] = u == 0 ? found : Bytes::add(group[p][v], found);
      }
    }
  }
  BMX_UNROLL
  for (int p = 0; p < kPairs; ++p) {
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      counts.total[p][v] = Bytes::add(counts.total[p][v], group[p][v]);
      counts.second[p][v] = Bytes::add(counts.second[p][v], Bytes::high_nibbles(group[p][v]));
    }
  }
}

// The counts of all units of `offsets`, added to or stored as the sums of [pixel][lane].
template <BitProduct kProduct, int kPairs, int kVectors>
inline void count_units(const PairOffsets<kPairs>& offsets, int64_t units, const uint8_t* weights, bool add,
                        uint16_t* sums) {
  constexpr int64_t kLanes = kVectors * Bytes::kLanes;
  NarrowCounts<kPairs, kVectors> counts;
  BMX_UNROLL
  for (int p = 0; p < kPairs; ++p) {
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) counts.total[p][v] = counts.second[p][v] = Bytes::zero();
  }
  int64_t u = 0;
  for (; u + kGroupUnits <= units; u += kGroupUnits)
    count_group<kProduct, kGroupUnits>(offsets, u, weights + u * kLanes, counts);
  for (; u < units; ++u) count_group<kProduct, 1>(offsets, u, weights + u * kLanes, counts);
  BMX_UNROLL
  for (int p = 0; p < kPairs; ++p) {
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const Bytes::Vector second = counts.second[p][v];
      const Bytes::Vector first = Bytes::subtract_16_times(counts.total[p][v], second);
      uint16_t* to = sums + 2 * p * kLanes + v * Bytes::kLanes;
      Bytes::widen(first, add, to);
      Bytes::widen(second, add, to + kLanes);
    }
  }
}

template <BitProduct kProduct, int kPixels, int kVectors>
void binary_tile(const void* const* pixels, const Run* runs, int64_t run_count, const void* panel,
                 int32_t* counts) {
  constexpr int kPairs = (kPixels + 1) / 2;  // an odd last pixel is paired with itself
  constexpr int64_t kLanes = kVectors * Bytes::kLanes;
  const uint8_t* weights = static_cast<const uint8_t*>(panel);
  PairOffsets<kPairs> offsets;
  alignas(64) uint16_t sums[2 * kPairs * kLanes];
  int64_t units = 0;
  bool add = false;
  for (int64_t r = 0; r < run_count; ++r) {
    for (int p = 0; p < kPairs; ++p) {
      const int second = 2 * p + 1 < kPixels ? 2 * p + 1 : 2 * p;
      pair_units(static_cast<const uint8_t*>(pixels[2 * p]) + runs[r].offset,
                 static_cast<const uint8_t*>(pixels[second]) + runs[r].offset, runs[r].units,
                 offsets[p] + units);
    }
    units += runs[r].units;
    if (runs[r].widen == 0 && r + 1 < run_count) continue;
    count_units<kProduct, kPairs, kVectors>(offsets, units, weights, add, sums);
    weights += units * kLanes;
    units = 0;
    add = true;
  }
  Bytes::store_counts(sums, kPixels * kLanes, counts);
}

struct BinaryFormat {
  static constexpr int64_t unit_bits = 4;
  static constexpr int64_t unit_bytes = 1;
  static constexpr int64_t weight_bytes = 1;
  static constexpr int64_t lanes = Bytes::kLanes;
  static constexpr int64_t narrow_units = kNarrowUnits;
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
