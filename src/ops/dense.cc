// dense: float matrix times vector.
#include "ops/conv_shape.h"
#include "ops/float_layer.h"
#include "ops/registry.h"

namespace bmx {

Result<OperatorPtr> create_dense(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32}, 1);
  const Tensor& weight = node.tensor("weight", TensorType::kF32, {0, in.shape[0]});
  const int64_t outputs = node.ok() ? weight.shape[0] : 1;
  const float* bias = nullptr;
  if (node.has_tensor("bias")) bias = node.tensor("bias", TensorType::kF32, {outputs}).f32();
  BMX_RETURN_IF_ERROR(node.finish());
  return create_float_layer({DType::kF32, {outputs}}, dense_shape(in.shape[0], outputs), weight.f32(), bias,
                            kernels);
}

}  // namespace bmx
