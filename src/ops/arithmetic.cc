// add, sub, mul and div of two values, affine of one, cast from integers and bits: element by element.
#include <algorithm>

#include "base/bits.h"
#include "microkernels/bit_planes.h"
#include "ops/channel_values.h"
#include "ops/node_reader.h"
#include "ops/operator.h"
#include "ops/parallel_rows.h"

namespace bmx {
namespace {

// Elements from one to the next along each axis, 0 where an axis is repeated.
Shape strides_of(const Shape& shape, const Shape& out) {
  Shape strides(shape.size());
  int64_t stride = 1;
  for (size_t axis = shape.size(); axis-- > 0; stride *= shape[axis]) {
    strides[axis] = shape[axis] == 1 && out[axis] != 1 ? 0 : stride;
  }
  return strides;
}

struct Add {
  static float apply(float a, float b) { return a + b; }
};
struct Sub {
  static float apply(float a, float b) { return a - b; }
};
struct Mul {
  static float apply(float a, float b) { return a * b; }
};
struct Div {
  static float apply(float a, float b) { return a / b; }
};

// Two values, element by element; an axis of one element is repeated.
template <class Function>
class Arithmetic final : public Operator {
 public:
  Arithmetic(ValueType output, const Shape& a, const Shape& b)
      : Operator(std::move(output)),
        a_strides_(strides_of(a, this->output().shape)),
        b_strides_(strides_of(b, this->output().shape)),
        same_(a == b),
        a_elements_(ValueType{DType::kF32, a}.elements()),
        b_elements_(ValueType{DType::kF32, b}.elements()) {}

  void run(const RunArgs& args) const override {
    const auto* a = args.input<float>(0);
    const auto* b = args.input<float>(1);
    auto* y = args.output<float>();
    const int64_t elements = output().elements();
    if (same_) {
      return parallel_rows(args.pool, args.batch * elements, 1, [&](int64_t begin, int64_t end) {
        row(a + begin, 1, b + begin, 1, end - begin, y + begin);
      });
    }
    const bool split = output().shape.size() > 1;  // the first axis of a sample
    const int64_t length = split ? output().shape[0] : 1, inner = elements / length;
    parallel_rows(args.pool, args.batch * length, inner, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const int64_t n = r / length, i = r % length;
        run_axis(a + n * a_elements_ + i * a_strides_[0], b + n * b_elements_ + i * b_strides_[0],
                 split ? 1 : 0, inner, y + r * inner);
      }
    });
  }

  bool fuse_into(Epilogue* epilogue) const override {
    if (!std::is_same_v<Function, Add> || !same_ || epilogue->residual) return false;
    epilogue->residual = true;
    return true;
  }

 private:
  static void row(const float* a, int64_t a_step, const float* b, int64_t b_step, int64_t count, float* y) {
    if (a_step == 1 && b_step == 1) {
      for (int64_t i = 0; i < count; ++i) y[i] = Function::apply(a[i], b[i]);
    } else {
      for (int64_t i = 0; i < count; ++i) y[i] = Function::apply(a[i * a_step], b[i * b_step]);
    }
  }

  // Fills y[0 .. size), the part of a sample that the axes from `axis` on span.
  void run_axis(const float* a, const float* b, size_t axis, int64_t size, float* y) const {
    const int64_t length = output().shape[axis], inner = size / length;
    if (axis + 1 == output().shape.size()) return row(a, a_strides_[axis], b, b_strides_[axis], length, y);
    for (int64_t i = 0; i < length; ++i) {
      run_axis(a + i * a_strides_[axis], b + i * b_strides_[axis], axis + 1, inner, y + i * inner);
    }
  }

  Shape a_strides_, b_strides_;
  bool same_;
  int64_t a_elements_, b_elements_;
};

template <class Function>
Result<OperatorPtr> create_arithmetic(NodeReader& node) {
  const std::vector<ValueType> in = node.inputs(2, {DType::kF32});
  const Shape &a = in[0].shape, &b = in[1].shape;
  ValueType out{DType::kF32, a};
  bool fits = a.size() == b.size();
  for (size_t axis = 0; fits && axis < a.size(); ++axis) {
    fits = a[axis] == b[axis] || a[axis] == 1 || b[axis] == 1;
    out.shape[axis] = std::max(a[axis], b[axis]);
  }
  if (!fits) {
    node.fail("takes shapes that are equal but for axes of 1, its inputs are " + text_of(a) + " and " +
              text_of(b));
  }
  BMX_RETURN_IF_ERROR(node.status());
  return OperatorPtr(new Arithmetic<Function>(std::move(out), a, b));
}

// x * scale + shift for each channel, rounded once.
class Affine final : public Operator {
 public:
  Affine(ValueType output, DType input, ChannelValues<float> scale, ChannelValues<float> shift,
         const Kernels& kernels)
      : Operator(std::move(output)),
        input_(input),
        scale_(std::move(scale)),
        shift_(std::move(shift)),
        kernels_(kernels) {}

  void run(const RunArgs& args) const override {
    const int64_t channels = output().shape.back();
    const int64_t rows = row_count(output(), args.batch);
    parallel_rows(args.pool, rows, channels, [&](int64_t begin, int64_t end) {
      auto* y = args.output<float>() + begin * channels;
      const int64_t stride = args.input_strides[0];
      if (input_ == DType::kI32) {
        kernels_.affine_i32(args.input<int32_t>() + begin * stride, end - begin, channels, scale_.data(),
                            shift_.data(), y);
        return;
      }
      for_rows(args.input<float>() + begin * stride, stride, channels, end - begin,
               [&](const float* x, int64_t row, int64_t count) {
                 kernels_.affine_f32(x, count, channels, scale_.data(), shift_.data(), y + row * channels);
               });
    });
  }

  bool reads_strided() const override { return input_ == DType::kF32; }

  bool fuse_into(Epilogue* epilogue) const override {
    if (epilogue->scale != nullptr || epilogue->residual) return false;
    epilogue->activation_first = epilogue->activation.function != Activation::kNone;
    epilogue->scale = scale_.data();
    epilogue->shift = shift_.data();
    return true;
  }

 private:
  DType input_;
  ChannelValues<float> scale_, shift_;
  const Kernels& kernels_;
};

// Integers to float32, those of 32 bits rounded to nearest; bits to -1 and +1.
class Cast final : public Operator {
 public:
  Cast(ValueType output, DType input, const Kernels& kernels)
      : Operator(std::move(output)), input_(input), kernels_(kernels) {}

  void run(const RunArgs& args) const override {
    const int64_t channels = output().shape.back(), rows = row_count(output(), args.batch);
    parallel_rows(args.pool, rows, channels, [&](int64_t begin, int64_t end) {
      cast_rows(args, begin, end - begin, channels, args.output<float>() + begin * channels);
    });
  }

  // What layers make is sums; bits and planes are not.
  bool fuse_into(Epilogue* epilogue) const override {
    if (input_ != DType::kI32) return false;
    epilogue->cast = true;
    return true;
  }

 private:
  void cast_rows(const RunArgs& args, int64_t first, int64_t rows, int64_t channels, float* y) const {
    if (input_ == DType::kI32) {
      kernels_.cast_i32(args.input<int32_t>() + first * channels, rows * channels, y);
      return;
    }
    const int planes = planes_of(input_);
    const uint64_t* x = args.input<uint64_t>() + first * planes * words_for(channels);
    if (input_ == DType::kBits) {
      for (int64_t r = 0; r < rows; ++r)
        kernels_.unpack_signs(x + r * words_for(channels), channels, y + r * channels);
    } else {
      unpack_planes(x, rows, channels, planes, y);
    }
  }

  DType input_;
  const Kernels& kernels_;
};

}  // namespace

Result<OperatorPtr> create_add(NodeReader& node, const Kernels&) { return create_arithmetic<Add>(node); }
Result<OperatorPtr> create_sub(NodeReader& node, const Kernels&) { return create_arithmetic<Sub>(node); }
Result<OperatorPtr> create_mul(NodeReader& node, const Kernels&) { return create_arithmetic<Mul>(node); }
Result<OperatorPtr> create_div(NodeReader& node, const Kernels&) { return create_arithmetic<Div>(node); }

Result<OperatorPtr> create_affine(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32, DType::kI32});
  const int64_t channels = in.shape.back();
  ChannelValues<float> scale(node, "scale", {channels}), shift(node, "shift", {channels});
  BMX_RETURN_IF_ERROR(node.status());
  return OperatorPtr(
      new Affine({DType::kF32, in.shape}, in.dtype, std::move(scale), std::move(shift), kernels));
}

Result<OperatorPtr> create_cast(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kI32, DType::kBits, DType::kU1, DType::kU2, DType::kU3, DType::kU4,
                                    DType::kU5, DType::kU6, DType::kU7, DType::kU8});
  BMX_RETURN_IF_ERROR(node.status());
  return OperatorPtr(new Cast({DType::kF32, in.shape}, in.dtype, kernels));
}

}  // namespace bmx
