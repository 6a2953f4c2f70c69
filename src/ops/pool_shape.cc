#include "ops/pool_shape.h"

#include <algorithm>

namespace bmx {
namespace {

PoolAxis make_axis(NodeReader& node, int64_t in, int64_t kernel, int64_t stride, int64_t padding,
                   bool ceil_mode) {
  PoolAxis axis{in, 1, kernel, stride, padding};
  if (padding >= kernel) {
    node.fail("padding " + std::to_string(padding) + " is not smaller than the kernel's " +
              std::to_string(kernel));
    return PoolAxis();
  }
  const int64_t reach = in + 2 * padding - kernel;
  if (reach < 0) {
    node.fail("kernel " + std::to_string(kernel) + " is larger than the padded image of " +
              std::to_string(in + 2 * padding));
    return PoolAxis();
  }
  axis.out = (reach + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  if ((axis.out - 1) * stride - padding >= in) {
    node.fail("the last window of " + std::to_string(axis.out) + " lies wholly outside the image");
    return PoolAxis();
  }
  return axis;
}

}  // namespace

int64_t PoolAxis::first(int64_t index) const { return std::max<int64_t>(index * stride - padding, 0); }

int64_t PoolAxis::last(int64_t index) const { return std::min(index * stride - padding + kernel, in); }

int64_t PoolAxis::padded_count(int64_t index) const {
  const int64_t start = index * stride - padding;
  return std::min(start + kernel, in + padding) - start;
}

PoolShape read_pool_shape(NodeReader& node, const ValueType& in) {
  const auto kernel = node.pair("kernel", 1), strides = node.pair("strides", 1),
             padding = node.pair("padding", 0);
  const bool ceil_mode = node.flag("ceil_mode");
  PoolShape shape;
  if (!node.ok()) return shape;
  shape.height = make_axis(node, in.shape[0], kernel[0], strides[0], padding[0], ceil_mode);
  shape.width = make_axis(node, in.shape[1], kernel[1], strides[1], padding[1], ceil_mode);
  shape.channels = in.shape[2];
  return shape;
}

}  // namespace bmx
