#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "base/checked.h"
#include "convolution/conv_shape.h"

namespace bmx {

namespace {

constexpr int64_t kMaxDimension = std::numeric_limits<int32_t>::max();
// Sizes in bytes, padded to any ISA's tile, stay far below this many times the number of elements.
constexpr int64_t kSizeSlack = 4096;
// The same for the padded input, of which every thread may hold a part.
constexpr int64_t kSlabSlack = int64_t{1} << 20;
constexpr int64_t kMaxPadding = 65535;

Status error(std::string message) { return invalid_argument("convolution: " + std::move(message)); }

std::string pair(int64_t height, int64_t width) {
  return "(" + std::to_string(height) + ", " + std::to_string(width) + ")";
}

Status check_range(const char* what, int64_t value, int64_t low, int64_t high = kMaxDimension) {
  if (value >= low && value <= high) return {};
  return error(std::string(what) + " must be between " + std::to_string(low) + " and " +
               std::to_string(high) + ", found " + std::to_string(value));
}

int64_t extent(int64_t kernel, int64_t dilation) { return dilation * (kernel - 1) + 1; }

int64_t out_size(int64_t in, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation) {
  return (in + 2 * pad - extent(kernel, dilation)) / stride + 1;
}

}  // namespace

int64_t ConvShape::out_height() const {
  return out_size(in_height, kernel_height, stride_height, pad_height, dilation_height);
}

int64_t ConvShape::out_width() const {
  return out_size(in_width, kernel_width, stride_width, pad_width, dilation_width);
}

Status ConvShape::validate() const {
  BMX_RETURN_IF_ERROR(check_range("input height", in_height, 1));
  BMX_RETURN_IF_ERROR(check_range("input width", in_width, 1));
  BMX_RETURN_IF_ERROR(check_range("input channels", in_channels, 1));
  BMX_RETURN_IF_ERROR(check_range("output channels", out_channels, 1));
  BMX_RETURN_IF_ERROR(check_range("kernel height", kernel_height, 1));
  BMX_RETURN_IF_ERROR(check_range("kernel width", kernel_width, 1));
  BMX_RETURN_IF_ERROR(check_range("stride height", stride_height, 1));
  BMX_RETURN_IF_ERROR(check_range("stride width", stride_width, 1));
  BMX_RETURN_IF_ERROR(check_range("padding height", pad_height, 0, kMaxPadding));
  BMX_RETURN_IF_ERROR(check_range("padding width", pad_width, 0, kMaxPadding));
  BMX_RETURN_IF_ERROR(check_range("dilation height", dilation_height, 1));
  BMX_RETURN_IF_ERROR(check_range("dilation width", dilation_width, 1));
  BMX_RETURN_IF_ERROR(check_range("groups", groups, 1));
  if (in_channels % groups != 0 || out_channels % groups != 0) {
    return error("groups must divide both channel counts, found groups " + std::to_string(groups) + " for " +
                 std::to_string(in_channels) + " input and " + std::to_string(out_channels) +
                 " output channels");
  }
  const int64_t height = extent(kernel_height, dilation_height), width = extent(kernel_width, dilation_width);
  if (in_height + 2 * pad_height < height || in_width + 2 * pad_width < width) {
    return error("the dilated kernel must fit into the padded input, found kernel " + pair(height, width) +
                 " for input " + pair(in_height, in_width) + " with padding " + pair(pad_height, pad_width));
  }
  const auto depth = checked_product({taps(), group_inputs()});
  if (!depth || *depth > kMaxDimension) {
    return error("one output may sum at most 2147483647 values, found kernel " +
                 pair(kernel_height, kernel_width) + " over " + std::to_string(group_inputs()) + " channels");
  }
  if (!checked_product({in_height + 2 * pad_height, in_width + 2 * pad_width, in_channels, kSlabSlack}) ||
      !checked_product({out_height(), out_width(), out_channels, kSizeSlack}) ||
      !checked_product({out_channels, *depth, kSizeSlack})) {
    return error("the sizes of input, output and weights must be addressable, found input " +
                 pair(in_height, in_width) + " with " + std::to_string(in_channels) + " channels and " +
                 std::to_string(out_channels) + " output channels");
  }
  return {};
}

TapRange taps_inside(int64_t first, int64_t dilation, int64_t taps, int64_t size) {
  if (first >= 0 && first + (taps - 1) * dilation < size) return {0, taps};
  const int64_t begin = first >= 0 ? 0 : std::min(taps, (-first + dilation - 1) / dilation);
  const int64_t end = std::min(taps, (size - first + dilation - 1) / dilation);
  return {begin, std::max(begin, end)};
}

}  // namespace bmx
