// binary_dense: dot products of one row of +-1 values with each row of the weight.
#include "base/bits.h"
#include "ops/binary_layer.h"
#include "ops/conv_shape.h"
#include "ops/registry.h"

namespace bmx {

Result<OperatorPtr> create_binary_dense(NodeReader& node, const Kernels& kernels) {
  const int64_t inputs = node.input({DType::kBits}, 1).shape[0];
  const Tensor& weight = node.tensor("weight", TensorType::kU8, {0, bytes_for(inputs)});
  const int64_t outputs = node.ok() ? weight.shape[0] : 1;
  const PackedWords words = node.packed_words("weight", {outputs}, inputs);
  BMX_RETURN_IF_ERROR(node.finish());
  return create_binary_layer({DType::kI32, {outputs}}, dense_shape(inputs, outputs), 0, words.data(),
                             kernels);
}

}  // namespace bmx
