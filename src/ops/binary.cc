// binary_conv2d, binary_dense, integer_conv2d and integer_dense: exact sums of products of bits, or of
// unsigned integers of few bits, and packed weights.
#include "ops/layer.h"

namespace bmx {
namespace {

// A layer's numbers beside its weights: what the bits of inputs and weights stand for, and what binary taps
// outside the image count as.
struct Meaning {
  Planes inputs, weights;
  int pad_value = 0;
};

Result<OperatorPtr> create(NodeReader& node, const ValueType& output, const PackedLayer& layer,
                           const Meaning& meaning, const Kernels& kernels) {
  node.expect_output(output);
  BMX_RETURN_IF_ERROR(node.status());
  const auto& [shape, weight] = layer;
  if (GatheredConvolution::pays(shape, kernels, meaning.inputs)) {
    return create_layer(
        output, GatheredConvolution::create(shape, weight.data(), kernels, meaning.inputs, meaning.weights));
  }
  return create_layer(output, BinaryConvolution::create(shape, meaning.pad_value, weight.data(), kernels,
                                                        meaning.inputs, meaning.weights));
}

int read_pad_value(NodeReader& node) {
  const int64_t value = node.integer("pad_value");
  if (value < -1 || value > 1) node.fail("pad_value must be 0, 1 or -1, found " + std::to_string(value));
  return static_cast<int>(value);
}

Planes input_planes(DType dtype) {
  if (dtype == DType::kBits) return {1, BitValues::kSigns};
  return {planes_of(dtype), BitValues::kZeroOne};
}

Planes read_weight_planes(NodeReader& node) {
  const int64_t bits = node.integer("weight_bits");
  const bool signs = node.flag("signs");
  const int64_t least = signs ? 1 : 2;  // one bit of two's complement would be 0 or -1
  if (bits < least || bits > kMaxPlanes) {
    node.fail("weight_bits must be from " + std::to_string(least) + " to 8 where signs is " +
              (signs ? "true" : "false") + ", found " + std::to_string(bits));
    return {};
  }
  return {static_cast<int>(bits), signs ? BitValues::kSigns : BitValues::kTwosComplement};
}

// The node fails if its sums could leave int32.
void check_sums(NodeReader& node, const ConvShape& shape, const Meaning& meaning) {
  if (!node.ok()) return;
  const Status status = BinaryConvolution::check_planes(shape, 0, meaning.inputs, meaning.weights);
  if (!status.ok()) node.fail(status.message());
}

}  // namespace

Result<OperatorPtr> create_binary_conv2d(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kBits}, 3);
  const PackedLayer layer = read_packed_conv(node, in);
  const int pad_value = read_pad_value(node);
  return create(node, conv_output(layer.shape, DType::kI32), layer, {{}, {}, pad_value}, kernels);
}

Result<OperatorPtr> create_binary_dense(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kBits}, 1);
  const PackedLayer layer = read_packed_dense(node, in);
  return create(node, dense_output(layer.shape, DType::kI32), layer, {}, kernels);
}

Result<OperatorPtr> create_integer_conv2d(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input(kPlaneTypes, 3);
  const Meaning meaning{input_planes(in.dtype), read_weight_planes(node)};
  const PackedLayer layer = read_packed_conv(node, in, {meaning.weights.count});
  check_sums(node, layer.shape, meaning);
  return create(node, conv_output(layer.shape, DType::kI32), layer, meaning, kernels);
}

Result<OperatorPtr> create_integer_dense(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input(kPlaneTypes, 1);
  const Meaning meaning{input_planes(in.dtype), read_weight_planes(node)};
  const PackedLayer layer = read_packed_dense(node, in, {meaning.weights.count});
  check_sums(node, layer.shape, meaning);
  return create(node, dense_output(layer.shape, DType::kI32), layer, meaning, kernels);
}

}  // namespace bmx
