// affine: x * scale + shift for each channel, rounded once.
#include "ops/channel_values.h"
#include "ops/parallel_rows.h"
#include "ops/registry.h"

namespace bmx {
namespace {

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
    const int64_t rows = args.batch * (output().elements() / channels);
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
    epilogue->activation_first = epilogue->activation != Activation::kNone;
    epilogue->scale = scale_.data();
    epilogue->shift = shift_.data();
    return true;
  }

 private:
  DType input_;
  ChannelValues<float> scale_, shift_;
  const Kernels& kernels_;
};

}  // namespace

Result<OperatorPtr> create_affine(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32, DType::kI32});
  const int64_t channels = in.shape.back();
  ChannelValues<float> scale(node, "scale", {channels}), shift(node, "shift", {channels});
  BMX_RETURN_IF_ERROR(node.finish());
  return OperatorPtr(
      new Affine({DType::kF32, in.shape}, in.dtype, std::move(scale), std::move(shift), kernels));
}

}  // namespace bmx
