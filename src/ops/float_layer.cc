#include "ops/float_layer.h"

#include "ops/conv_shape.h"
#include "ops/outputs.h"

namespace bmx {
namespace {

class FloatLayer final : public Operator {
 public:
  FloatLayer(ValueType output, FloatConvolution convolution)
      : Operator(std::move(output)), convolution_(std::move(convolution)) {}

  int64_t macs() const override { return macs_of(convolution_.shape()); }
  int64_t packed_bytes() const override { return convolution_.packed_bytes(); }
  int64_t workspace_bytes(int threads) const override { return convolution_.workspace_bytes(threads); }
  Epilogue* epilogue() override { return &epilogue_; }
  bool writes_strided() const override { return true; }

  void run(const RunArgs& args) const override {
    convolution_.run(args.input<float>(), args.batch, epilogue_, outputs_of(epilogue_, false, args),
                     args.workspace, args.pool);
  }

 private:
  FloatConvolution convolution_;
  Epilogue epilogue_;
};

Result<OperatorPtr> create_layer(ValueType output, Result<FloatConvolution> convolution) {
  if (!convolution.ok()) return convolution.status();
  return OperatorPtr(new FloatLayer(std::move(output), std::move(*convolution)));
}

}  // namespace

Result<OperatorPtr> create_float_layer(ValueType output, const ConvShape& shape, const float* weight,
                                       const float* bias, const Kernels& kernels) {
  return create_layer(std::move(output), FloatConvolution::create(shape, weight, bias, kernels));
}

Result<OperatorPtr> create_binary_weight_layer(ValueType output, const ConvShape& shape,
                                               const uint64_t* weight, const Kernels& kernels) {
  return create_layer(std::move(output), FloatConvolution::create_binary(shape, weight, kernels));
}

}  // namespace bmx
