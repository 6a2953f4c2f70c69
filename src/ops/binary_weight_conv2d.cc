// binary_weight_conv2d: float cross-correlation with weights of -1 and +1, which stay packed in memory.
#include "ops/conv_shape.h"
#include "ops/float_layer.h"
#include "ops/registry.h"

namespace bmx {

Result<OperatorPtr> create_binary_weight_conv2d(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32}, 3);
  const Tensor& weight = node.tensor("weight", TensorType::kU8, {0, 0, 0, 0});
  const ConvShape shape = read_conv_shape(node, in, weight.shape);
  const PackedWords words = node.packed_words(
      "weight", {shape.out_channels, shape.kernel_height, shape.kernel_width}, shape.group_inputs());
  ValueType out{DType::kF32, {shape.out_height(), shape.out_width(), shape.out_channels}};
  node.expect_output(out);
  BMX_RETURN_IF_ERROR(node.finish());
  return create_binary_weight_layer(std::move(out), shape, words.data(), kernels);
}

}  // namespace bmx
