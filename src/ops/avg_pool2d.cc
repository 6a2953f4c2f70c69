// avg_pool2d: the sum over the window in row-major order, divided once.
#include <algorithm>

#include "ops/pool_shape.h"
#include "ops/registry.h"

namespace bmx {
namespace {

class AvgPool2D final : public Operator {
 public:
  AvgPool2D(ValueType output, const PoolShape& shape, bool count_padding)
      : Operator(std::move(output)), shape_(shape), count_padding_(count_padding) {}

  void run(const RunArgs& args) const override {
    for_each_pool_row(args, shape_, shape_.channels, [&](int64_t n, int64_t i) {
      const int64_t channels = shape_.channels, row = n * shape_.height.out + i;
      const float* image = args.input<float>() + n * shape_.height.in * shape_.width.in * channels;
      float* y = args.output<float>() + row * shape_.width.out * channels;
      for (int64_t j = 0; j < shape_.width.out; ++j, y += channels) pool_window(image, i, j, y);
    });
  }

 private:
  void pool_window(const float* image, int64_t i, int64_t j, float* y) const {
    const int64_t channels = shape_.channels;
    std::fill_n(y, channels, 0.0F);
    for (int64_t h = shape_.height.first(i); h < shape_.height.last(i); ++h) {
      for (int64_t w = shape_.width.first(j); w < shape_.width.last(j); ++w) {
        const float* x = image + (h * shape_.width.in + w) * channels;
        for (int64_t c = 0; c < channels; ++c) y[c] += x[c];
      }
    }
    const float divisor = static_cast<float>(divisor_of(i, j));
    for (int64_t c = 0; c < channels; ++c) y[c] /= divisor;
  }

  int64_t divisor_of(int64_t i, int64_t j) const {
    const PoolAxis &height = shape_.height, &width = shape_.width;
    if (count_padding_) return height.padded_count(i) * width.padded_count(j);
    return (height.last(i) - height.first(i)) * (width.last(j) - width.first(j));
  }

  PoolShape shape_;
  bool count_padding_;
};

}  // namespace

Result<OperatorPtr> create_avg_pool2d(NodeReader& node, const Kernels&) {
  const ValueType& in = node.input({DType::kF32}, 3);
  const PoolShape shape = read_pool_shape(node, in);
  const bool count_padding = node.flag("count_include_pad");
  BMX_RETURN_IF_ERROR(node.finish());
  ValueType out{DType::kF32, {shape.height.out, shape.width.out, shape.channels}};
  return OperatorPtr(new AvgPool2D(std::move(out), shape, count_padding));
}

}  // namespace bmx
