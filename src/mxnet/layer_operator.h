// What QConvolution and QFullyConnected share as MXNet operators: inputs (data, weight[, bias]), one output,
// and the attributes of BinaryLayer. Each gives a class with
//   static constexpr const char* kName;
//   static Result<Op> parse(const Attributes&);
//   Result<BinaryLayer> layer(const Shape& data) const;     checks the data's shape
//   Shape weight_shape(const BinaryLayer&) const;
//   Shape output_shape(const BinaryLayer&, const Shape& data) const;
//   LayerAttributes common;
#pragma once

#include <vector>

#include "mxnet/binary_layer.h"
#include "mxnet/operator.h"

namespace bmx {

struct LayerAttributes {
  Quantizer input, weight;
  bool no_bias = false;
  bool popcount = false;
};

inline LayerAttributes read_layer_attributes(AttributeReader& reader) {
  LayerAttributes attributes;
  attributes.input = read_quantizer(reader, "input_quantizer", "input_clip");
  attributes.weight = read_quantizer(reader, "weight_quantizer", "weight_clip");
  attributes.no_bias = reader.boolean("no_bias", false);
  attributes.popcount = reader.choice("output_range", {"dot", "popcount"}) == 1;
  return attributes;
}

template <class Op>
class LayerOperator {
 public:
  using Code = mxnet::ext::MXReturnValue;
  using Resource = mxnet::ext::OpResource;

  static Code parse_attributes(const Attributes& attributes, int* inputs, int* outputs) {
    return guarded(Op::kName, [&]() -> Status {
      auto op = Op::parse(attributes);
      if (!op.ok()) return op.status();
      *inputs = op->common.no_bias ? 2 : 3;
      *outputs = 1;
      return {};
    });
  }

  static Code infer_type(const Attributes&, std::vector<int>* in_types, std::vector<int>* out_types) {
    return guarded(Op::kName, [&] { return infer_float32(Op::kName, in_types, out_types); });
  }

  static Code infer_shape(const Attributes& attributes, std::vector<Shape>* in_shapes,
                          std::vector<Shape>* out_shapes) {
    return guarded(Op::kName, [&]() -> Status {
      auto op = Op::parse(attributes);
      if (!op.ok()) return op.status();
      const Shape& data = (*in_shapes)[0];
      auto layer = op->layer(data);
      if (!layer.ok()) return layer.status();
      (*in_shapes)[1] = op->weight_shape(*layer);
      if (!op->common.no_bias) (*in_shapes)[2] = {static_cast<unsigned>(layer->shape.out_channels)};
      (*out_shapes)[0] = op->output_shape(*layer, data);
      return {};
    });
  }

  static Code forward(const Attributes& attributes, Tensors* inputs, Tensors* outputs, const Resource&) {
    return guarded(Op::kName, [&]() -> Status {
      auto layer = layer_of(attributes, (*inputs)[0]);
      if (!layer.ok()) return layer.status();
      const float* bias = inputs->size() > 2 ? (*inputs)[2].data<float>() : nullptr;
      return bmx::forward(*layer, (*inputs)[0].data<float>(), (*inputs)[1].data<float>(), bias,
                          (*outputs)[0].data<float>());
    });
  }

  // Inputs: gradient of the output, then the forward inputs and outputs.
  static Code backward(const Attributes& attributes, Tensors* inputs, Tensors* outputs, const Resource&) {
    return guarded(Op::kName, [&]() -> Status {
      auto layer = layer_of(attributes, (*inputs)[1]);
      if (!layer.ok()) return layer.status();
      float* bias_gradient = outputs->size() > 2 ? (*outputs)[2].data<float>() : nullptr;
      return bmx::backward(*layer, (*inputs)[0].data<float>(), (*inputs)[1].data<float>(),
                           (*inputs)[2].data<float>(), (*outputs)[0].data<float>(),
                           (*outputs)[1].data<float>(), bias_gradient);
    });
  }

 private:
  static Result<BinaryLayer> layer_of(const Attributes& attributes, const mxnet::ext::MXTensor& data) {
    auto op = Op::parse(attributes);
    if (!op.ok()) return op.status();
    return op->layer(Shape(data.shape.begin(), data.shape.end()));
  }
};

}  // namespace bmx

#define BMX_REGISTER_LAYER(Name, Op)                           \
  REGISTER_OP(Name)                                            \
      .setParseAttrs(bmx::LayerOperator<Op>::parse_attributes) \
      .setInferType(bmx::LayerOperator<Op>::infer_type)        \
      .setInferShape(bmx::LayerOperator<Op>::infer_shape)      \
      .setForward(bmx::LayerOperator<Op>::forward, "cpu")      \
      .setBackward(bmx::LayerOperator<Op>::backward, "cpu")
