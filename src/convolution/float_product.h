// Products of float matrices on the tiles of the convolutions; gradients are computed with them.
#pragma once

#include <cstdint>

#include "microkernels/kernels.h"

namespace bmx {

// The number of outputs in a panel of the right-hand matrix: [ceil(outputs / panel)][depth][panel].
constexpr int64_t product_panel(const Kernels& kernels) {
  return kernels.floats.max_vectors * kernels.floats.lanes;
}
constexpr int64_t product_panels_size(const Kernels& kernels, int64_t outputs, int64_t depth) {
  const int64_t panel = product_panel(kernels);
  return (outputs + panel - 1) / panel * panel * depth;
}

// b: rows of depth k, [depth][outputs], `stride` apart. Lanes of missing outputs keep what they hold: no
// result depends on them.
void pack_product_panels(const Kernels& kernels, const float* b, int64_t depth, int64_t stride,
                         int64_t outputs, float* panels);

// out[r * out_stride + o] = sum over k of a[r * a_stride + k] * b[k][o], one chain of fused multiply-adds in
// ascending k.
void float_product(const Kernels& kernels, const float* a, int64_t rows, int64_t a_stride, int64_t depth,
                   const float* panels, int64_t outputs, float* out, int64_t out_stride);

}  // namespace bmx
