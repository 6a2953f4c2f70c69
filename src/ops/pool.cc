// max_pool2d and avg_pool2d, and the windows that they share.
#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "ops/node_reader.h"
#include "ops/operator.h"
#include "ops/parallel_rows.h"

namespace bmx {
namespace {

// One axis of a pooling.
struct PoolAxis {
  int64_t in = 1, out = 1, kernel = 1, stride = 1, padding = 0;

  // The positions of window `index` that lie inside the image: never empty.
  int64_t first(int64_t index) const { return std::max<int64_t>(index * stride - padding, 0); }
  int64_t last(int64_t index) const { return std::min(index * stride - padding + kernel, in); }  // exclusive
  // The number of positions inside the image and its padding.
  int64_t padded_count(int64_t index) const {
    const int64_t start = index * stride - padding;
    return std::min(start + kernel, in + padding) - start;
  }
};

struct PoolShape {
  PoolAxis height, width;
  int64_t channels = 1;
};

// Calls function(sample, output row) for every row of the output, on the threads of the pool. row: elements
// of one position.
template <class Function>
void for_each_pool_row(const RunArgs& args, const PoolShape& shape, int64_t row, const Function& function) {
  const int64_t rows = shape.height.out;
  const int64_t window =
      std::min(shape.height.kernel, shape.height.in) * std::min(shape.width.kernel, shape.width.in);
  const int64_t reads = shape.width.out * window * row;
  parallel_rows(args.pool, args.batch * rows, reads, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) function(r / rows, r % rows);
  });
}

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

// Reads kernel, strides, padding and ceil_mode. What it makes of a bad node is harmless, and the node's
// status says what is wrong.
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

// On floats, integers and bits. Positions outside the image never win.
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

// The sum over the window in row-major order, divided once.
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

Result<OperatorPtr> create_max_pool2d(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32, DType::kI32, DType::kBits}, 3);
  const PoolShape shape = read_pool_shape(node, in);
  BMX_RETURN_IF_ERROR(node.status());
  ValueType out{in.dtype, {shape.height.out, shape.width.out, shape.channels}};
  if (in.dtype == DType::kF32)
    return OperatorPtr(new MaxPool2D<float>(std::move(out), shape, shape.channels, kernels));
  if (in.dtype == DType::kI32)
    return OperatorPtr(new MaxPool2D<int32_t>(std::move(out), shape, shape.channels, kernels));
  return OperatorPtr(new MaxPool2D<uint64_t>(std::move(out), shape, words_for(shape.channels), kernels));
}

Result<OperatorPtr> create_avg_pool2d(NodeReader& node, const Kernels&) {
  const ValueType& in = node.input({DType::kF32}, 3);
  const PoolShape shape = read_pool_shape(node, in);
  const bool count_padding = node.flag("count_include_pad");
  BMX_RETURN_IF_ERROR(node.status());
  ValueType out{DType::kF32, {shape.height.out, shape.width.out, shape.channels}};
  return OperatorPtr(new AvgPool2D(std::move(out), shape, count_padding));
}

}  // namespace bmx
