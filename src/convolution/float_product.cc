#include "convolution/float_product.h"

#include <algorithm>
#include <cstring>

#include "base/aligned.h"

namespace bmx {

void pack_product_panels(const Kernels& kernels, const float* b, int64_t depth, int64_t stride,
                         int64_t outputs, float* panels) {
  const int64_t panel = product_panel(kernels);
  for (int64_t o = 0; o < outputs; o += panel) {
    const size_t bytes = static_cast<size_t>(std::min(panel, outputs - o)) * sizeof(float);
    for (int64_t k = 0; k < depth; ++k, panels += panel) std::memcpy(panels, b + k * stride + o, bytes);
  }
}

void float_product(const Kernels& kernels, const float* a, int64_t rows, int64_t a_stride, int64_t depth,
                   const float* panels, int64_t outputs, float* out, int64_t out_stride) {
  static constexpr float kZeros[kMaxPanelLanes] = {};
  const FloatTiles& tiles = kernels.floats;
  const int64_t panel = product_panel(kernels), tile_rows = tiles.pixels[tiles.max_vectors - 1];
  const Span span{0, static_cast<int32_t>(depth), 0};
  alignas(kAlignment) float values[kMaxTilePixels * kMaxPanelLanes];
  for (int64_t o = 0; o < outputs; o += panel) {
    const size_t bytes = static_cast<size_t>(std::min(panel, outputs - o)) * sizeof(float);
    for (int64_t r = 0; r < rows; r += tile_rows) {
      const int64_t count = std::min(tile_rows, rows - r);
      const void* addresses[kMaxTilePixels];
      for (int64_t i = 0; i < count; ++i) addresses[i] = a + (r + i) * a_stride;
      tiles.tile[tiles.max_vectors - 1][count - 1](addresses, &span, 1, panels + o * depth, kZeros, values);
      for (int64_t i = 0; i < count; ++i)
        std::memcpy(out + (r + i) * out_stride + o, values + i * panel, bytes);
    }
  }
}

}  // namespace bmx
