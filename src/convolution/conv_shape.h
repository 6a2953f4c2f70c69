// The geometry of a convolution. Layouts: float and int32 activations are NHWC; bits are
// [N][H][W][words_for(C)]. A dense layer is the case in_height = in_width = kernel = 1.
#pragma once

#include <cstdint>

#include "base/status.h"

namespace bmx {

struct ConvShape {
  int64_t in_height = 1, in_width = 1, in_channels = 0;
  int64_t out_channels = 0;
  int64_t kernel_height = 1, kernel_width = 1;
  int64_t stride_height = 1, stride_width = 1;
  int64_t pad_height = 0, pad_width = 0;
  int64_t dilation_height = 1, dilation_width = 1;
  int64_t groups = 1;

  int64_t out_height() const;
  int64_t out_width() const;
  int64_t group_inputs() const { return in_channels / groups; }
  int64_t group_outputs() const { return out_channels / groups; }
  int64_t taps() const { return kernel_height * kernel_width; }
  int64_t depth() const { return taps() * group_inputs(); }

  // Dimensions >= 1, padding >= 0, groups divide both channel counts, the output is not empty, no product
  // overflows.
  Status validate() const;
};

// Taps [begin, end) of one axis that lie inside the input; `first` is where tap 0 lies.
struct TapRange {
  int64_t begin, end;
};
TapRange taps_inside(int64_t first, int64_t dilation, int64_t taps, int64_t size);

}  // namespace bmx
