// integer_dense: exact dot products of a row of bits or unsigned integers with rows of weights of several
// bits.
#include "base/bits.h"
#include "ops/binary_layer.h"
#include "ops/conv_shape.h"
#include "ops/registry.h"

namespace bmx {

Result<OperatorPtr> create_integer_dense(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input(kPlaneTypes, 1);
  const Planes inputs = input_planes(in.dtype), weights = read_weight_planes(node);
  const Tensor& weight = node.tensor("weight", TensorType::kU8, {weights.count, 0, bytes_for(in.shape[0])});
  const ConvShape shape = dense_shape(in.shape[0], node.ok() ? weight.shape[1] : 1);
  const PackedWords words = node.packed_words("weight", {weights.count, shape.out_channels}, in.shape[0]);
  if (node.ok()) check_sums(node, shape, inputs, weights);
  BMX_RETURN_IF_ERROR(node.finish());
  return create_binary_layer({DType::kI32, {shape.out_channels}}, shape, 0, words.data(), kernels, inputs,
                             weights);
}

}  // namespace bmx
