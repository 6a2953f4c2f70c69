// Binary tiles for instruction sets that count bits within lanes: xor (or and) a broadcast unit of activations with
// the units of kVectors vectors of outputs, count, add. Included inside the namespace of an ISA unit, after `Words`.

template <BitProduct kProduct>
inline Words::Vector combine(Words::Vector a, Words::Vector b) {
  return kProduct == BitProduct::kXor ? Words::exclusive_or(a, b) : Words::both(a, b);
}

template <BitProduct kProduct, int kPixels, int kVectors>
void binary_tile(const void* const* pixels, const Run* runs, int64_t run_count, const void* panel,
                 int32_t* counts) {
  using Unit = Words::Unit;
  Words::Vector sums[kPixels][kVectors];
  BMX_UNROLL
  for (int p = 0; p < kPixels; ++p) {
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) sums[p][v] = Words::zero();
  }
  const Unit* weights = static_cast<const Unit*>(panel);
  for (int64_t r = 0; r < run_count; ++r) {
    const char* a[kPixels];
    BMX_UNROLL
    for (int p = 0; p < kPixels; ++p) a[p] = static_cast<const char*>(pixels[p]) + runs[r].offset;
    const int64_t bytes = runs[r].units * static_cast<int64_t>(sizeof(Unit));
    for (int64_t u = 0; u < bytes; u += static_cast<int64_t>(sizeof(Unit)), weights += kVectors * Words::kLanes) {
      Words::Vector w[kVectors];
      BMX_UNROLL
      for (int v = 0; v < kVectors; ++v) w[v] = Words::load(weights + v * Words::kLanes);
      BMX_UNROLL
      for (int p = 0; p < kPixels; ++p) {
        const Words::Vector unit = Words::broadcast(a[p] + u);
        BMX_UNROLL
        for (int v = 0; v < kVectors; ++v) {
          sums[p][v] = Words::add(sums[p][v], Words::popcount(combine<kProduct>(unit, w[v])));
        }
      }
    }
  }
  BMX_UNROLL
  for (int p = 0; p < kPixels; ++p) {
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      Words::store(counts + (p * kVectors + v) * Words::kLanes, sums[p][v]);
    }
  }
}

struct BinaryFormat {
  static constexpr int64_t unit_bits = sizeof(Words::Unit) * 8;
  static constexpr int64_t unit_bytes = sizeof(Words::Unit);
  static constexpr int64_t weight_bytes = sizeof(Words::Unit);
  static constexpr int64_t lanes = Words::kLanes;
  static constexpr int64_t narrow_units = 0;  // lanes of 32 bits hold any sum
  static constexpr int64_t wide_units = 0;
  static constexpr int max_vectors = Words::kMaxVectors;
  static constexpr int pixels(int vectors) { return Words::tile_pixels(vectors); }
};

constexpr decltype(BinaryTiles::expand) expand_units = nullptr;  // tiles read the bits themselves
