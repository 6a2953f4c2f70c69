// Binary tiles for instruction sets that count the bits of bytes: every output has four byte counters, the bytes of its
// units. Included inside the namespace of an ISA unit, after `Bytes`.
//
// Units of activations are stored kLanes times (expand_units), so that the inner loop loads vectors and needs no
// broadcasts. A byte counts at most 8 a unit: after kNarrowUnits units the counters are added to 16-bit sums.

inline constexpr int64_t kNarrowUnits = 31;
inline constexpr int64_t kUnitBytes = 16;

template <BitProduct kProduct>
inline Bytes::Vector combine(Bytes::Vector a, Bytes::Vector b) {
  return kProduct == BitProduct::kXor ? Bytes::exclusive_or(a, b) : Bytes::both(a, b);
}

// Where a tile stands between two widenings.
struct TilePosition {
  const void* const* pixels;
  const Run* run;
  const Run* end;
  const uint8_t* weights;
};

// Counts the runs up to the next widening or the end.
template <BitProduct kProduct, int kPixels, int kVectors>
struct CountRuns {
  static inline void count(TilePosition& at, uint8_t* counters) {
    Bytes::Vector sums[kPixels][kVectors];
    BMX_UNROLL
    for (int p = 0; p < kPixels; ++p) {
      BMX_UNROLL
      for (int v = 0; v < kVectors; ++v) sums[p][v] = Bytes::zero();
    }
    do {
      count_run(*at.run, at, sums);
    } while (at.run++->widen == 0 && at.run != at.end);
    BMX_UNROLL
    for (int p = 0; p < kPixels; ++p) {
      BMX_UNROLL
      for (int v = 0; v < kVectors; ++v) Bytes::store(counters + (p * kVectors + v) * kUnitBytes, sums[p][v]);
    }
  }

  static void count_run(const Run& run, TilePosition& at, Bytes::Vector (&sums)[kPixels][kVectors]) {
    const uint8_t* a[kPixels];
    BMX_UNROLL
    for (int p = 0; p < kPixels; ++p) a[p] = static_cast<const uint8_t*>(at.pixels[p]) + run.offset;
    const uint8_t* weights = at.weights;
    for (int64_t u = 0; u < run.units * kUnitBytes; u += kUnitBytes, weights += kVectors * kUnitBytes) {
      Bytes::Vector w[kVectors];
      BMX_UNROLL
      for (int v = 0; v < kVectors; ++v) w[v] = Bytes::load(weights + v * kUnitBytes);
      BMX_UNROLL
      for (int p = 0; p < kPixels; ++p) {
        const Bytes::Vector unit = Bytes::load(a[p] + u);
        BMX_UNROLL
        for (int v = 0; v < kVectors; ++v) {
          sums[p][v] = Bytes::add(sums[p][v], Bytes::popcount(combine<kProduct>(unit, w[v])));
        }
      }
    }
    at.weights = weights;
  }
};

// Adds the counters to the 16-bit sums, or sets these.
template <int kCount>
inline void widen_counters(const uint8_t* counters, bool add, uint16_t* sums) {
  BMX_UNROLL
  for (int i = 0; i < kCount; ++i) {
    const Bytes::Vector x = Bytes::load(counters + i * kUnitBytes);
    Bytes::store(sums + i * 8, add ? Bytes::add_widened(Bytes::load(sums + i * 8), x) : Bytes::widen(x));
  }
}

template <BitProduct kProduct, int kPixels, int kVectors>
void binary_tile(const void* const* pixels, const Run* runs, int64_t run_count, const void* panel, int32_t* counts) {
  constexpr int kCount = kPixels * kVectors;
  alignas(kUnitBytes) uint8_t counters[kCount * kUnitBytes];
  alignas(kUnitBytes) uint16_t sums[kCount * kUnitBytes / 2];
  TilePosition at{pixels, runs, runs + run_count, static_cast<const uint8_t*>(panel)};
  bool widened = false;
  for (;; widened = true) {
    CountRuns<kProduct, kPixels, kVectors>::count(at, counters);
    if (at.run == at.end) break;
    widen_counters<kCount>(counters, widened, sums);
  }
  if (widened) {
    Bytes::store_counts<kCount>(sums, counters, counts);
  } else {
    Bytes::store_counts<kCount>(counters, counts);
  }
}

struct BinaryFormat {
  static constexpr int64_t unit_bits = 32;
  static constexpr int64_t unit_bytes = kUnitBytes;
  static constexpr int64_t weight_bytes = 4;
  static constexpr int64_t lanes = 4;
  static constexpr int64_t narrow_units = kNarrowUnits;
  static constexpr int64_t wide_units = 65535 / 16;  // a 16-bit sum counts two bytes
  static constexpr int max_vectors = Bytes::kMaxVectors;
  static constexpr int pixels(int vectors) { return Bytes::tile_pixels(vectors); }
};

// Every unit four times.
inline void expand_units(const uint64_t* x, int64_t count, void* out) {
  const auto* units = reinterpret_cast<const uint8_t*>(x);
  auto* to = static_cast<uint8_t*>(out);
  for (int64_t u = 0; u < count; ++u) Bytes::store(to + u * kUnitBytes, Bytes::broadcast_unit(units + 4 * u));
}
