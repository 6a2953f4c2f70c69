// What QConvolution and QFullyConnected share as MXNet operators: inputs (data, weight[, bias]), one output,
// and the attributes of BinaryLayer. Each exists twice: on latent float32 weights, to train, and on the
// packed signs of weights, to run what the graph pass 'bmx' made of a trained net. Each gives a class with
//   static constexpr const char *kName, *kPackedName;
//   static Result<Op> parse(const Attributes&, const char* op_name);
//   Result<BinaryLayer> layer(const Shape& data) const;     checks the data's shape
//   Shape weight_shape(const BinaryLayer&) const;
//   Shape output_shape(const BinaryLayer&, const Shape& data) const;
//   LayerAttributes common;
#pragma once

#include <string>
#include <vector>

#include "base/bits.h"
#include "mxnet/binary_layer.h"
#include "mxnet/operator.h"

namespace bmx {

struct LayerAttributes {
  Quantizer input, weight;
  bool no_bias = false;
  bool popcount = false;
};

// [O][I](KH, KW) -> [O](KH, KW)[bytes_for(I)]
inline Shape packed_shape(const Shape& weight) {
  Shape shape = {weight[0]};
  shape.insert(shape.end(), weight.begin() + 2, weight.end());
  shape.push_back(static_cast<unsigned>(bytes_for(weight[1])));
  return shape;
}

inline LayerAttributes read_layer_attributes(AttributeReader& reader) {
  LayerAttributes attributes;
  attributes.input = read_quantizer(reader, "input_quantizer", "input_clip");
  attributes.weight = read_quantizer(reader, "weight_quantizer", "weight_clip");
  attributes.no_bias = reader.boolean("no_bias", false);
  attributes.popcount = reader.choice("output_range", {"dot", "popcount"}) == 1;
  return attributes;
}

enum class WeightForm { kLatent, kPacked };

template <class Op, WeightForm kForm>
class LayerOperator {
 public:
  static constexpr bool kPacked = kForm == WeightForm::kPacked;
  static constexpr const char* kName = kPacked ? Op::kPackedName : Op::kName;
  using Code = mxnet::ext::MXReturnValue;
  using Resource = mxnet::ext::OpResource;

  static Code parse_attributes(const Attributes& attributes, int* inputs, int* outputs) {
    return guarded(kName, [&]() -> Status {
      auto op = Op::parse(attributes, kName);
      if (!op.ok()) return op.status();
      *inputs = op->common.no_bias ? 2 : 3;
      *outputs = 1;
      return {};
    });
  }

  static Code infer_type(const Attributes&, std::vector<int>* in_types, std::vector<int>* out_types) {
    return guarded(kName, [&]() -> Status {
      if (kPacked) BMX_RETURN_IF_ERROR(take_packed_weight(in_types));
      BMX_RETURN_IF_ERROR(infer_float32(kName, in_types, out_types));
      if (kPacked) (*in_types)[1] = mxnet::ext::kUint8;
      return {};
    });
  }

  static Code infer_shape(const Attributes& attributes, std::vector<Shape>* in_shapes,
                          std::vector<Shape>* out_shapes) {
    return guarded(kName, [&]() -> Status {
      auto op = Op::parse(attributes, kName);
      if (!op.ok()) return op.status();
      const Shape& data = (*in_shapes)[0];
      auto layer = op->layer(data);
      if (!layer.ok()) return layer.status();
      const Shape weight = op->weight_shape(*layer);
      (*in_shapes)[1] = kPacked ? packed_shape(weight) : weight;
      if (!op->common.no_bias) (*in_shapes)[2] = {static_cast<unsigned>(layer->shape.out_channels)};
      (*out_shapes)[0] = op->output_shape(*layer, data);
      return {};
    });
  }

  static Code forward(const Attributes& attributes, Tensors* inputs, Tensors* outputs, const Resource&) {
    return guarded(kName, [&]() -> Status {
      auto layer = layer_of(attributes, (*inputs)[0]);
      if (!layer.ok()) return layer.status();
      const float* x = (*inputs)[0].data<float>();
      const float* bias = inputs->size() > 2 ? (*inputs)[2].data<float>() : nullptr;
      float* y = (*outputs)[0].data<float>();
      if (kPacked) return forward_packed(*layer, x, (*inputs)[1].data<uint8_t>(), bias, y);
      return bmx::forward(*layer, x, (*inputs)[1].data<float>(), bias, y);
    });
  }

  // Inputs: gradient of the output, then the forward inputs and outputs.
  static Code backward(const Attributes& attributes, Tensors* inputs, Tensors* outputs, const Resource&) {
    return guarded(kName, [&]() -> Status {
      // Registered all the same: MXNet refuses an operator without it inside a hybridized block.
      if (kPacked) return no_gradient();
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
    auto op = Op::parse(attributes, kName);
    if (!op.ok()) return op.status();
    return op->layer(Shape(data.shape.begin(), data.shape.end()));
  }

  // Leaves the weight's type to be inferred like the others'.
  static Status take_packed_weight(std::vector<int>* in_types) {
    int& type = (*in_types)[1];
    if (type != -1 && type != mxnet::ext::kUint8) {
      return invalid_argument(
          std::string(kName) +
          ": expected uint8 weights that net.optimize_for(x, backend='bmx') packed, found "
          "MXNet's dtype number " +
          std::to_string(type));
    }
    type = -1;
    return {};
  }

  static Status no_gradient() {
    return unsupported(std::string(kName) +
                       ": packed weights have no gradient; train the net that was packed, and pack it again");
  }
};

}  // namespace bmx

#define BMX_REGISTER_LAYER(Name, Op, form)                           \
  REGISTER_OP(Name)                                                  \
      .setParseAttrs(bmx::LayerOperator<Op, form>::parse_attributes) \
      .setInferType(bmx::LayerOperator<Op, form>::infer_type)        \
      .setInferShape(bmx::LayerOperator<Op, form>::infer_shape)      \
      .setForward(bmx::LayerOperator<Op, form>::forward, "cpu")      \
      .setBackward(bmx::LayerOperator<Op, form>::backward, "cpu")
