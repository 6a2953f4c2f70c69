// Binary tiles for instruction sets that count bits within lanes: xor (or and) a broadcast unit of
// activations with the units of kVectors vectors of outputs, count, add. Included inside the namespace of an
// ISA unit, after `Words`.

template <BitProduct kProduct>
inline Words::Vector combine(Words::Vector a, Words::Vector b) {
  return kProduct == BitProduct::kXor ? Words::exclusive_or(a, b) : Words::both(a, b);
}

// Counts of one unit: added to the sums, or their first values.
template <BitProduct kProduct, bool kFirst, int kPixels, int kVectors>
inline void count_unit(const char* const (&a)[kPixels], int64_t at, const Words::Unit* weights,
                       Words::Vector (&sums)[kPixels][kVectors]) {
  Words::Vector w[kVectors];
  BMX_UNROLL
  for (int v = 0; v < kVectors; ++v) w[v] = Words::load(weights + v * Words::kLanes);
  BMX_UNROLL
  for (int p = 0; p < kPixels; ++p) {
    const Words::Vector unit = Words::broadcast(a[p] + at);
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const Words::Vector count = Words::popcount(combine<kProduct>(unit, w[v]));
      sums[p][v] = kFirst ? count : Words::add(sums[p][v], count);
    }
  }
}

// The compiler may not move the work on a tile across this point, where it would run out of registers.
template <int kPixels, int kVectors>
inline void keep_in_registers(Words::Vector (&sums)[kPixels][kVectors]) {
  BMX_UNROLL
  for (int p = 0; p < kPixels; ++p) {
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) Words::keep(sums[p][v]);
  }
}

// The sums of a tile in registers.
template <BitProduct kProduct, int kPixels, int kVectors>
inline void sum_tile(const void* const* pixels, const Span* spans, int64_t span_count, const void* panel,
                     Words::Vector (&sums)[kPixels][kVectors]) {
  constexpr int64_t kUnit = sizeof(Words::Unit);
  const Words::Unit* weights = static_cast<const Words::Unit*>(panel);
  const char* a[kPixels];
  const auto enter = [&](const Span& span) {
    BMX_UNROLL
    for (int p = 0; p < kPixels; ++p) a[p] = static_cast<const char*>(pixels[p]) + span.offset;
  };
  enter(spans[0]);
  count_unit<kProduct, true>(a, 0, weights, sums);
  keep_in_registers(sums);
  weights += kVectors * Words::kLanes;
  int64_t at = kUnit;
  for (int64_t r = 0;;) {
    for (const int64_t end = spans[r].units * kUnit; at < end;
         at += kUnit, weights += kVectors * Words::kLanes) {
      count_unit<kProduct, false>(a, at, weights, sums);
    }
    if (++r == span_count) return keep_in_registers(sums);
    enter(spans[r]);
    at = 0;
  }
}

template <BitProduct kProduct, int kPixels, int kVectors>
void binary_tile(const void* const* pixels, const Span* spans, int64_t span_count, const void* panel,
                 int32_t* counts) {
  Words::Vector sums[kPixels][kVectors];
  sum_tile<kProduct>(pixels, spans, span_count, panel, sums);
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
