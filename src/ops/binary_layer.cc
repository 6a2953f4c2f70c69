#include "ops/binary_layer.h"

#include "ops/conv_shape.h"
#include "ops/outputs.h"

namespace bmx {
namespace {

class BinaryLayer final : public Operator {
 public:
  BinaryLayer(ValueType output, BinaryConvolution convolution)
      : Operator(std::move(output)), convolution_(std::move(convolution)) {}

  int64_t macs() const override { return macs_of(convolution_.shape()); }
  int64_t packed_bytes() const override { return convolution_.packed_bytes(); }
  int64_t workspace_bytes(int threads) const override { return convolution_.workspace_bytes(threads); }
  Epilogue* epilogue() override { return &epilogue_; }
  bool writes_strided() const override { return true; }

  void run(const RunArgs& args) const override {
    convolution_.run(args.input<uint64_t>(), args.batch, epilogue_, outputs_of(epilogue_, true, args),
                     args.workspace, args.pool);
  }

 private:
  BinaryConvolution convolution_;
  Epilogue epilogue_;
};

}  // namespace

Result<OperatorPtr> create_binary_layer(ValueType output, const ConvShape& shape, int pad_value,
                                        const uint64_t* weight, const Kernels& kernels) {
  Result<BinaryConvolution> convolution = BinaryConvolution::create(shape, pad_value, weight, kernels);
  if (!convolution.ok()) return convolution.status();
  return OperatorPtr(new BinaryLayer(std::move(output), std::move(*convolution)));
}

}  // namespace bmx
