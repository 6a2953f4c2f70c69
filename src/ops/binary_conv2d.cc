// binary_conv2d: dot products of +-1 values; out-of-image taps count as pad_value.
#include "base/bits.h"
#include "ops/binary_layer.h"
#include "ops/conv_shape.h"
#include "ops/registry.h"

namespace bmx {

Result<OperatorPtr> create_binary_conv2d(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kBits}, 3);
  const Tensor& weight = node.tensor("weight", TensorType::kU8, {0, 0, 0, 0});
  const ConvShape shape = read_conv_shape(node, in, weight.shape);
  const int64_t pad_value = node.integer("pad_value");
  if (pad_value < -1 || pad_value > 1)
    node.fail("pad_value must be 0, 1 or -1, found " + std::to_string(pad_value));
  const PackedWords words = node.packed_words(
      "weight", {shape.out_channels, shape.kernel_height, shape.kernel_width}, shape.group_inputs());
  ValueType out{DType::kI32, {shape.out_height(), shape.out_width(), shape.out_channels}};
  node.expect_output(out);
  BMX_RETURN_IF_ERROR(node.finish());
  return create_binary_layer(std::move(out), shape, static_cast<int>(pad_value), words.data(), kernels);
}

}  // namespace bmx
