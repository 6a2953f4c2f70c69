// binary_weight_dense: float sums of a row with weights of -1 and +1, which stay packed in memory.
#include "base/bits.h"
#include "ops/conv_shape.h"
#include "ops/float_layer.h"
#include "ops/registry.h"

namespace bmx {

Result<OperatorPtr> create_binary_weight_dense(NodeReader& node, const Kernels& kernels) {
  const int64_t inputs = node.input({DType::kF32}, 1).shape[0];
  const Tensor& weight = node.tensor("weight", TensorType::kU8, {0, bytes_for(inputs)});
  const int64_t outputs = node.ok() ? weight.shape[0] : 1;
  const PackedWords words = node.packed_words("weight", {outputs}, inputs);
  BMX_RETURN_IF_ERROR(node.finish());
  return create_binary_weight_layer({DType::kF32, {outputs}}, dense_shape(inputs, outputs), words.data(),
                                    kernels);
}

}  // namespace bmx
