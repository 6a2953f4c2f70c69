// Float tiles, once for all ISAs. Included inside the namespace of an ISA unit, after its `Floats`.
//
// Lanes run across outputs and every output is one chain of fused multiply-adds in the order of the spans, so
// the result does not depend on the ISA or the tile.

template <int kPixels, int kVectors>
void float_tile(const void* const* pixels, const Span* spans, int64_t span_count, const float* panel,
                const float* init, float* values) {
  constexpr int kLanes = Floats::kLanes;
  Floats::Vector sums[kPixels][kVectors];
  BMX_UNROLL
  for (int p = 0; p < kPixels; ++p) {
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) sums[p][v] = Floats::load(init + v * kLanes);
  }
  for (int64_t r = 0; r < span_count; ++r) {
    const float* x[kPixels];
    BMX_UNROLL
    for (int p = 0; p < kPixels; ++p) {
      x[p] = reinterpret_cast<const float*>(static_cast<const char*>(pixels[p]) + spans[r].offset);
    }
    for (int64_t u = 0; u < spans[r].units; ++u, panel += kVectors * kLanes) {
      Floats::Vector w[kVectors];
      BMX_UNROLL
      for (int v = 0; v < kVectors; ++v) w[v] = Floats::load(panel + v * kLanes);
      BMX_UNROLL
      for (int p = 0; p < kPixels; ++p) {
        const Floats::Vector value = Floats::broadcast(x[p][u]);
        BMX_UNROLL
        for (int v = 0; v < kVectors; ++v) sums[p][v] = Floats::fma(value, w[v], sums[p][v]);
      }
    }
  }
  BMX_UNROLL
  for (int p = 0; p < kPixels; ++p) {
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) Floats::store(values + (p * kVectors + v) * kLanes, sums[p][v]);
  }
}
