// What the layers of binary.cc, conv.cc and dense.cc share: the geometry and the packed weights that they
// read, and one operator around whichever convolution of src/convolution does the work.
#pragma once

#include <type_traits>
#include <utility>

#include "convolution/convolution.h"
#include "ops/node_reader.h"
#include "ops/operator.h"

namespace bmx {

// From the input, the attributes and the weight's shape [O][KH][KW][..]. What it makes of a bad node is
// harmless, and the node's status says what is wrong.
ConvShape read_conv_shape(NodeReader& node, const ValueType& in, const Shape& weight);

// A dense layer is a convolution of one position.
ConvShape dense_shape(int64_t inputs, int64_t outputs);

ValueType conv_output(const ConvShape& shape, DType dtype);
ValueType dense_output(const ConvShape& shape, DType dtype);

// A geometry and its weights, bits packed along the input channels.
struct PackedLayer {
  ConvShape shape;
  PackedWords weight;
};

// Weights [..][O][KH][KW][I / groups] and [..][O][I]. leading: the sizes of the axes before O: none, or the
// planes of weights of several bits.
PackedLayer read_packed_conv(NodeReader& node, const ValueType& in, const Shape& leading = {});
PackedLayer read_packed_dense(NodeReader& node, const ValueType& in, const Shape& leading = {});

// The tensor "bias", one number for each output channel, or null if the node has none.
const float* read_bias(NodeReader& node, const ConvShape& shape);

// Where results go: the epilogue tells whether they are integers, floats or bits.
ConvOutputs layer_outputs(const Epilogue& epilogue, bool integer_sums, const RunArgs& args);

// A convolution and the epilogue that later nodes wrote into it. FloatConvolution reads floats and makes
// float sums, the others read bits and make integers.
template <class Convolution>
class Layer final : public Operator {
 public:
  Layer(ValueType output, Convolution convolution)
      : Operator(std::move(output)), convolution_(std::move(convolution)) {}

  int64_t macs() const override {
    const ConvShape& shape = convolution_.shape();
    return shape.out_height() * shape.out_width() * shape.out_channels * shape.taps() * shape.group_inputs();
  }
  int64_t packed_bytes() const override { return convolution_.packed_bytes(); }
  int64_t workspace_bytes(int threads) const override { return convolution_.workspace_bytes(threads); }
  Epilogue* epilogue() override { return &epilogue_; }
  bool writes_strided() const override { return true; }

  void run(const RunArgs& args) const override {
    convolution_.run(args.input<Input>(), args.batch, epilogue_, layer_outputs(epilogue_, !kFloat, args),
                     args.workspace, args.pool);
  }

 private:
  static constexpr bool kFloat = std::is_same_v<Convolution, FloatConvolution>;
  using Input = std::conditional_t<kFloat, float, uint64_t>;

  Convolution convolution_;
  Epilogue epilogue_;
};

template <class Convolution>
Result<OperatorPtr> create_layer(ValueType output, Result<Convolution> convolution) {
  if (!convolution.ok()) return convolution.status();
  return OperatorPtr(new Layer<Convolution>(std::move(output), std::move(*convolution)));
}

}  // namespace bmx
