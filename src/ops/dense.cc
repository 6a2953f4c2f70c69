// dense and binary_weight_dense: float sums of a row times each row of the weight; weights of -1 and +1 stay
// packed in memory.
#include "ops/layer.h"

namespace bmx {

Result<OperatorPtr> create_dense(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32}, 1);
  const Tensor& weight = node.tensor("weight", TensorType::kF32, {0, in.shape[0]});
  const ConvShape shape = dense_shape(in.shape[0], node.ok() ? weight.shape[0] : 1);
  const float* bias = read_bias(node, shape);
  BMX_RETURN_IF_ERROR(node.status());
  return create_layer(dense_output(shape, DType::kF32),
                      FloatConvolution::create(shape, weight.f32(), bias, kernels));
}

Result<OperatorPtr> create_binary_weight_dense(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32}, 1);
  const auto [shape, weight] = read_packed_dense(node, in);
  BMX_RETURN_IF_ERROR(node.status());
  return create_layer(dense_output(shape, DType::kF32),
                      FloatConvolution::create_binary(shape, weight.data(), kernels));
}

}  // namespace bmx
