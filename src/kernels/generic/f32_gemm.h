// Float matrix product, once for all ISAs.
//
// Included inside the namespace of an ISA unit, after its `Floats`. Lanes run across outputs and every output
// is one chain of fused multiply-adds in ascending k, so the result does not depend on the ISA or the tile.

struct F32Tile {
  const float* a;
  int64_t a_stride;
  int64_t depth;
  const float* panel;
  int64_t outputs;  // of this panel
  const float* bias;
  float* out;
  int64_t out_stride;
};

constexpr int kFloatVectors = Floats::kVectors;
constexpr int kFloatLanes = Floats::kLanes;
constexpr int kFloatPanel = kFloatVectors * kFloatLanes;

template <int kRows>
inline void store_tile(const Floats::Vector (&sums)[kRows][kFloatVectors], float* out, int64_t out_stride) {
  BMX_UNROLL
  for (int r = 0; r < kRows; ++r) {
    BMX_UNROLL
    for (int v = 0; v < kFloatVectors; ++v) Floats::store(out + r * out_stride + v * kFloatLanes, sums[r][v]);
  }
}

template <int kRows>
void f32_tile(const F32Tile& tile) {
  Floats::Vector sums[kRows][kFloatVectors];
  BMX_UNROLL
  for (int r = 0; r < kRows; ++r) {
    BMX_UNROLL
    for (int v = 0; v < kFloatVectors; ++v) sums[r][v] = Floats::load(tile.bias + v * kFloatLanes);
  }
  const float* a = tile.a;
  const float* panel = tile.panel;
  const int64_t a_stride = tile.a_stride;
  const int64_t depth = tile.depth;
  for (int64_t k = 0; k < depth; ++k, panel += kFloatPanel) {
    Floats::Vector b[kFloatVectors];
    BMX_UNROLL
    for (int v = 0; v < kFloatVectors; ++v) b[v] = Floats::load(panel + v * kFloatLanes);
    BMX_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const Floats::Vector row = Floats::broadcast(a[r * a_stride + k]);
      BMX_UNROLL
      for (int v = 0; v < kFloatVectors; ++v) sums[r][v] = Floats::fma(row, b[v], sums[r][v]);
    }
  }
  if (tile.outputs == kFloatPanel) return store_tile<kRows>(sums, tile.out, tile.out_stride);
  float values[kRows * kFloatPanel];
  store_tile<kRows>(sums, values, kFloatPanel);
  for (int r = 0; r < kRows; ++r) {
    std::memcpy(tile.out + r * tile.out_stride, values + r * kFloatPanel,
                static_cast<size_t>(tile.outputs) * sizeof(float));
  }
}

// Fewer rows than a full tile has.
template <int kRows>
void f32_rest(const F32Tile& tile, int64_t rows) {
  if constexpr (kRows > 0) {
    if (rows == kRows) {
      f32_tile<kRows>(tile);
    } else {
      f32_rest<kRows - 1>(tile, rows);
    }
  }
}

void f32_gemm(const float* a, int64_t rows, int64_t a_stride, int64_t depth, const float* panels,
              int64_t outputs, const float* bias, float* out, int64_t out_stride) {
  for (int64_t o = 0; o < outputs; o += kFloatPanel) {
    const int64_t count = std::min<int64_t>(outputs - o, kFloatPanel);
    float panel_bias[kFloatPanel] = {};
    if (bias != nullptr) std::memcpy(panel_bias, bias + o, static_cast<size_t>(count) * sizeof(float));
    F32Tile tile{a, a_stride, depth, panels + o * depth, count, panel_bias, out + o, out_stride};
    int64_t r = 0;
    for (; r + Floats::kRows <= rows; r += Floats::kRows) {
      tile.a = a + r * a_stride;
      tile.out = out + o + r * out_stride;
      f32_tile<Floats::kRows>(tile);
    }
    tile.a = a + r * a_stride;
    tile.out = out + o + r * out_stride;
    f32_rest<Floats::kRows - 1>(tile, rows - r);
  }
}
