// conv2d: float cross-correlation with zero padding.
#include "ops/conv_shape.h"
#include "ops/float_layer.h"
#include "ops/registry.h"

namespace bmx {

Result<OperatorPtr> create_conv2d(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32}, 3);
  const Tensor& weight = node.tensor("weight", TensorType::kF32, {0, 0, 0, 0});
  const ConvShape shape = read_conv_shape(node, in, weight.shape);
  if (node.ok()) node.tensor("weight", TensorType::kF32, {0, 0, 0, shape.group_inputs()});
  const float* bias = nullptr;
  if (node.has_tensor("bias")) bias = node.tensor("bias", TensorType::kF32, {shape.out_channels}).f32();
  ValueType out{DType::kF32, {shape.out_height(), shape.out_width(), shape.out_channels}};
  node.expect_output(out);
  BMX_RETURN_IF_ERROR(node.finish());
  return create_float_layer(std::move(out), shape, weight.f32(), bias, kernels);
}

}  // namespace bmx
