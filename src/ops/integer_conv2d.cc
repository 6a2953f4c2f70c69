// integer_conv2d: exact sums of products of bits or unsigned integers and weights of several bits;
// out-of-image taps contribute nothing.
#include "ops/binary_layer.h"
#include "ops/conv_shape.h"
#include "ops/registry.h"

namespace bmx {

Result<OperatorPtr> create_integer_conv2d(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input(kPlaneTypes, 3);
  const Planes inputs = input_planes(in.dtype), weights = read_weight_planes(node);
  const Tensor& weight = node.tensor("weight", TensorType::kU8, {weights.count, 0, 0, 0, 0});
  const Shape filters = node.ok() ? Shape(weight.shape.begin() + 1, weight.shape.end()) : Shape();
  const ConvShape shape = read_conv_shape(node, in, filters);
  const PackedWords words = node.packed_words(
      "weight", {weights.count, shape.out_channels, shape.kernel_height, shape.kernel_width},
      shape.group_inputs());
  if (node.ok()) check_sums(node, shape, inputs, weights);
  ValueType out{DType::kI32, {shape.out_height(), shape.out_width(), shape.out_channels}};
  node.expect_output(out);
  BMX_RETURN_IF_ERROR(node.finish());
  return create_binary_layer(std::move(out), shape, 0, words.data(), kernels, inputs, weights);
}

}  // namespace bmx
