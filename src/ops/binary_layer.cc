#include "ops/binary_layer.h"

#include "ops/conv_shape.h"
#include "ops/outputs.h"

namespace bmx {
namespace {

template <class Convolution>
class BinaryLayer final : public Operator {
 public:
  BinaryLayer(ValueType output, Convolution convolution)
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
  Convolution convolution_;
  Epilogue epilogue_;
};

template <class Convolution>
Result<OperatorPtr> layer_of(ValueType output, Result<Convolution> convolution) {
  if (!convolution.ok()) return convolution.status();
  return OperatorPtr(new BinaryLayer<Convolution>(std::move(output), std::move(*convolution)));
}

}  // namespace

Result<OperatorPtr> create_binary_layer(ValueType output, const ConvShape& shape, int pad_value,
                                        const uint64_t* weight, const Kernels& kernels, Planes inputs,
                                        Planes weight_planes) {
  if (GatheredConvolution::pays(shape, kernels, inputs)) {
    return layer_of(std::move(output),
                    GatheredConvolution::create(shape, weight, kernels, inputs, weight_planes));
  }
  return layer_of(std::move(output),
                  BinaryConvolution::create(shape, pad_value, weight, kernels, inputs, weight_planes));
}

Planes input_planes(DType dtype) {
  if (dtype == DType::kBits) return {1, BitValues::kSigns};
  return {planes_of(dtype), BitValues::kZeroOne};
}

Planes read_weight_planes(NodeReader& node) {
  const int64_t bits = node.integer("weight_bits");
  const bool signs = node.flag("signs");
  const int64_t least = signs ? 1 : 2;  // one bit of two's complement would be 0 or -1
  if (bits < least || bits > kMaxPlanes) {
    node.fail("weight_bits must be from " + std::to_string(least) + " to 8 where signs is " +
              (signs ? "true" : "false") + ", found " + std::to_string(bits));
    return {};
  }
  return {static_cast<int>(bits), signs ? BitValues::kSigns : BitValues::kTwosComplement};
}

void check_sums(NodeReader& node, const ConvShape& shape, Planes inputs, Planes weight_planes) {
  const Status status = BinaryConvolution::check_planes(shape, 0, inputs, weight_planes);
  if (!status.ok()) node.fail(status.message());
}

}  // namespace bmx
