// conv2d and binary_weight_conv2d: float cross-correlation with zero padding; weights of -1 and +1 stay
// packed in memory.
#include "ops/layer.h"

namespace bmx {

Result<OperatorPtr> create_conv2d(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32}, 3);
  const Tensor& weight = node.tensor("weight", TensorType::kF32, {0, 0, 0, 0});
  const ConvShape shape = read_conv_shape(node, in, weight.shape);
  if (node.ok()) node.tensor("weight", TensorType::kF32, {0, 0, 0, shape.group_inputs()});
  const float* bias = read_bias(node, shape);
  const ValueType output = conv_output(shape, DType::kF32);
  node.expect_output(output);
  BMX_RETURN_IF_ERROR(node.status());
  return create_layer(output, FloatConvolution::create(shape, weight.f32(), bias, kernels));
}

Result<OperatorPtr> create_binary_weight_conv2d(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32}, 3);
  const auto [shape, weight] = read_packed_conv(node, in);
  const ValueType output = conv_output(shape, DType::kF32);
  node.expect_output(output);
  BMX_RETURN_IF_ERROR(node.status());
  return create_layer(output, FloatConvolution::create_binary(shape, weight.data(), kernels));
}

}  // namespace bmx
