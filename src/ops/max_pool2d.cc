// max_pool2d on floats, integers and bits. Out-of-image positions never win.
#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "ops/pool_shape.h"
#include "ops/registry.h"

namespace bmx {
namespace {

// y[i] = max(y[i], x[i]) on rows of T; on bits the maximum of +-1 values is OR.
void take_max(const Kernels& kernels, const float* x, int64_t count, float* y) {
  kernels.max_f32(x, count, y);
}

void take_max(const Kernels&, const int32_t* x, int64_t count, int32_t* y) {
  for (int64_t i = 0; i < count; ++i) y[i] = std::max(x[i], y[i]);
}

void take_max(const Kernels&, const uint64_t* x, int64_t count, uint64_t* y) {
  for (int64_t i = 0; i < count; ++i) y[i] |= x[i];
}

template <class T>
class MaxPool2D final : public Operator {
 public:
  // row: elements of T that hold the channels of one position.
  MaxPool2D(ValueType output, const PoolShape& shape, int64_t row, const Kernels& kernels)
      : Operator(std::move(output)), shape_(shape), row_(row), kernels_(kernels) {}

  void run(const RunArgs& args) const override {
    for_each_pool_row(args, shape_, row_, [&](int64_t n, int64_t i) {
      const int64_t stride = pixel_stride(args);
      const T* image = args.input<T>() + n * shape_.height.in * shape_.width.in * stride;
      T* y = args.output<T>() + (n * shape_.height.out + i) * shape_.width.out * row_;
      for (int64_t j = 0; j < shape_.width.out; ++j, y += row_) pool_window(image, stride, i, j, y);
    });
  }

  bool reads_strided() const override { return std::is_same_v<T, float>; }

 private:
  // Elements from one pixel of the input to the next.
  int64_t pixel_stride(const RunArgs& args) const {
    return std::is_same_v<T, float> ? args.input_strides[0] : row_;
  }

  void pool_window(const T* image, int64_t stride, int64_t i, int64_t j, T* y) const {
    const int64_t top = shape_.height.first(i), bottom = shape_.height.last(i);
    const int64_t left = shape_.width.first(j), right = shape_.width.last(j);
    std::memcpy(y, image + (top * shape_.width.in + left) * stride, static_cast<size_t>(row_) * sizeof(T));
    for (int64_t h = top; h < bottom; ++h) {
      const T* line = image + h * shape_.width.in * stride;
      for (int64_t w = left; w < right; ++w) take_max(kernels_, line + w * stride, row_, y);
    }
  }

  PoolShape shape_;
  int64_t row_;
  const Kernels& kernels_;
};

}  // namespace

Result<OperatorPtr> create_max_pool2d(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32, DType::kI32, DType::kBits}, 3);
  const PoolShape shape = read_pool_shape(node, in);
  BMX_RETURN_IF_ERROR(node.finish());
  ValueType out{in.dtype, {shape.height.out, shape.width.out, shape.channels}};
  if (in.dtype == DType::kF32)
    return OperatorPtr(new MaxPool2D<float>(std::move(out), shape, shape.channels, kernels));
  if (in.dtype == DType::kI32)
    return OperatorPtr(new MaxPool2D<int32_t>(std::move(out), shape, shape.channels, kernels));
  return OperatorPtr(new MaxPool2D<uint64_t>(std::move(out), shape, words_for(shape.channels), kernels));
}

}  // namespace bmx
