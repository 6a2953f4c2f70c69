#include "convolution/conv_shape.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "base/checked.h"

namespace bmx {

namespace {

constexpr int64_t kMaxDimension = std::numeric_limits<int32_t>::max();
// Sizes in bytes, padded to any ISA's tile, stay far below this many times the number of elements.
constexpr int64_t kSizeSlack = 4096;
// The same for the padded input, which every thread may hold a part of.
constexpr int64_t kSlabSlack = int64_t{1} << 20;
constexpr int64_t kMaxPadding = 65535;

Status error(std::string message) { return invalid_argument("convolution: " + std::move(message)); }

std::string pair(int64_t height, int64_t width) {
  return "(" + std::to_string(height) + ", " + std::to_string(width) + ")";
}

Status check_range(const char* what, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return {};
  return error(std::string(what) + " must be between " + std::to_string(low) + " and " +
               std::to_string(high) + ", found " + std::to_string(value));
}

int64_t extent(int64_t kernel, int64_t dilation) { return dilation * (kernel - 1) + 1; }

int64_t out_size(int64_t in, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation) {
  return (in + 2 * pad - extent(kernel, dilation)) / stride + 1;
}

Status check_dimensions(const ConvShape& s) {
  const struct {
    const char* what;
    int64_t value, low, high;
  } ranges[] = {
      {"input height", s.in_height, 1, kMaxDimension},
      {"input width", s.in_width, 1, kMaxDimension},
      {"input channels", s.in_channels, 1, kMaxDimension},
      {"output channels", s.out_channels, 1, kMaxDimension},
      {"kernel height", s.kernel_height, 1, kMaxDimension},
      {"kernel width", s.kernel_width, 1, kMaxDimension},
      {"stride height", s.stride_height, 1, kMaxDimension},
      {"stride width", s.stride_width, 1, kMaxDimension},
      {"padding height", s.pad_height, 0, kMaxPadding},
      {"padding width", s.pad_width, 0, kMaxPadding},
      {"dilation height", s.dilation_height, 1, kMaxDimension},
      {"dilation width", s.dilation_width, 1, kMaxDimension},
      {"groups", s.groups, 1, kMaxDimension},
  };
  for (const auto& range : ranges) {
    BMX_RETURN_IF_ERROR(check_range(range.what, range.value, range.low, range.high));
  }
  return {};
}

Status check_groups_and_window(const ConvShape& s) {
  if (s.in_channels % s.groups != 0 || s.out_channels % s.groups != 0) {
    return error("groups must divide both channel counts, found groups " + std::to_string(s.groups) +
                 " for " + std::to_string(s.in_channels) + " input and " + std::to_string(s.out_channels) +
                 " output channels");
  }
  const int64_t height = extent(s.kernel_height, s.dilation_height),
                width = extent(s.kernel_width, s.dilation_width);
  if (s.in_height + 2 * s.pad_height < height || s.in_width + 2 * s.pad_width < width) {
    return error("the dilated kernel must fit into the padded input, found kernel " + pair(height, width) +
                 " for input " + pair(s.in_height, s.in_width) + " with padding " +
                 pair(s.pad_height, s.pad_width));
  }
  return {};
}

// Later computations with these sizes may not overflow.
Status check_sizes(const ConvShape& s) {
  const auto depth = checked_product({s.taps(), s.group_inputs()});
  if (!depth || *depth > kMaxDimension) {
    return error("one output may sum at most 2147483647 values, found kernel " +
                 pair(s.kernel_height, s.kernel_width) + " over " + std::to_string(s.group_inputs()) +
                 " channels");
  }
  if (!checked_product(
          {s.in_height + 2 * s.pad_height, s.in_width + 2 * s.pad_width, s.in_channels, kSlabSlack}) ||
      !checked_product({s.out_height(), s.out_width(), s.out_channels, kSizeSlack}) ||
      !checked_product({s.out_channels, *depth, kSizeSlack})) {
    return error("the sizes of input, output and weights must be addressable, found input " +
                 pair(s.in_height, s.in_width) + " with " + std::to_string(s.in_channels) + " channels and " +
                 std::to_string(s.out_channels) + " output channels");
  }
  return {};
}

}  // namespace

int64_t ConvShape::out_height() const {
  return out_size(in_height, kernel_height, stride_height, pad_height, dilation_height);
}

int64_t ConvShape::out_width() const {
  return out_size(in_width, kernel_width, stride_width, pad_width, dilation_width);
}

Status ConvShape::validate() const {
  BMX_RETURN_IF_ERROR(check_dimensions(*this));
  BMX_RETURN_IF_ERROR(check_groups_and_window(*this));
  return check_sizes(*this);
}

TapRange taps_inside(int64_t first, int64_t dilation, int64_t taps, int64_t size) {
  if (first >= 0 && first + (taps - 1) * dilation < size) return {0, taps};
  const int64_t begin = first >= 0 ? 0 : std::min(taps, (-first + dilation - 1) / dilation);
  const int64_t end = std::min(taps, (size - first + dilation - 1) / dilation);
  return {begin, std::max(begin, end)};
}

}  // namespace bmx
