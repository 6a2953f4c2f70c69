#include "ops/layer.h"

#include <cstddef>
#include <initializer_list>

#include "base/bits.h"

namespace bmx {
namespace {

Shape with(Shape shape, std::initializer_list<int64_t> axes) {
  shape.insert(shape.end(), axes);
  return shape;
}

// The axes of a weight from O on; what it makes of a bad node is empty.
Shape after_leading(const NodeReader& node, const Tensor& weight, const Shape& leading) {
  if (!node.ok()) return {};
  return {weight.shape.begin() + static_cast<std::ptrdiff_t>(leading.size()), weight.shape.end()};
}

}  // namespace

ConvShape read_conv_shape(NodeReader& node, const ValueType& in, const Shape& weight) {
  const auto strides = node.pair("strides", 1), padding = node.pair("padding", 0),
             dilation = node.pair("dilation", 1);
  const int64_t groups = node.integer("groups");
  ConvShape shape = dense_shape(1, 1);
  if (!node.ok()) return shape;

  shape.in_height = in.shape[0];
  shape.in_width = in.shape[1];
  shape.in_channels = in.shape[2];
  shape.out_channels = weight[0];
  shape.kernel_height = weight[1];
  shape.kernel_width = weight[2];
  shape.stride_height = strides[0];
  shape.stride_width = strides[1];
  shape.pad_height = padding[0];
  shape.pad_width = padding[1];
  shape.dilation_height = dilation[0];
  shape.dilation_width = dilation[1];
  shape.groups = groups;
  const Status status = shape.validate();
  if (!status.ok()) node.fail(status.message());
  return node.ok() ? shape : dense_shape(1, 1);
}

ConvShape dense_shape(int64_t inputs, int64_t outputs) {
  ConvShape shape;
  shape.in_channels = inputs;
  shape.out_channels = outputs;
  return shape;
}

ValueType conv_output(const ConvShape& shape, DType dtype) {
  return {dtype, {shape.out_height(), shape.out_width(), shape.out_channels}};
}

ValueType dense_output(const ConvShape& shape, DType dtype) { return {dtype, {shape.out_channels}}; }

PackedLayer read_packed_conv(NodeReader& node, const ValueType& in, const Shape& leading) {
  const Tensor& weight = node.tensor("weight", TensorType::kU8, with(leading, {0, 0, 0, 0}));
  const ConvShape shape = read_conv_shape(node, in, after_leading(node, weight, leading));
  const Shape rows = with(leading, {shape.out_channels, shape.kernel_height, shape.kernel_width});
  return {shape, node.packed_words("weight", rows, shape.group_inputs())};
}

PackedLayer read_packed_dense(NodeReader& node, const ValueType& in, const Shape& leading) {
  const int64_t inputs = in.shape[0];
  const Tensor& weight = node.tensor("weight", TensorType::kU8, with(leading, {0, bytes_for(inputs)}));
  const ConvShape shape = dense_shape(inputs, node.ok() ? after_leading(node, weight, leading)[0] : 1);
  return {shape, node.packed_words("weight", with(leading, {shape.out_channels}), inputs)};
}

const float* read_bias(NodeReader& node, const ConvShape& shape) {
  if (!node.has_tensor("bias")) return nullptr;
  return node.tensor("bias", TensorType::kF32, {shape.out_channels}).f32();
}

ConvOutputs layer_outputs(const Epilogue& epilogue, bool integer_sums, const RunArgs& args) {
  ConvOutputs outputs;
  void* const out = args.out;
  outputs.float_stride = args.out_stride;
  if (epilogue.residual) outputs.residual = args.input<float>(1);
  if (epilogue.makes_bits()) {
    outputs.bits = static_cast<uint64_t*>(args.bits != nullptr ? args.bits : out);
    if (args.bits == nullptr) return outputs;
  }
  if (integer_sums && !epilogue.makes_floats()) {
    outputs.integers = static_cast<int32_t*>(out);
  } else {
    outputs.floats = static_cast<float*>(out);
  }
  return outputs;
}

}  // namespace bmx
