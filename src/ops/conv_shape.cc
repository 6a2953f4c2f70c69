#include "ops/conv_shape.h"

namespace bmx {

ConvShape read_conv_shape(NodeReader& node, const ValueType& in, const Shape& weight) {
  const auto strides = node.pair("strides", 1), padding = node.pair("padding", 0),
             dilation = node.pair("dilation", 1);
  const int64_t groups = node.integer("groups");
  ConvShape shape = dense_shape(1, 1);
  if (!node.ok()) return shape;

  shape.in_height = in.shape[0];
  shape.in_width = in.shape[1];
  shape.in_channels = in.shape[2];
  shape.out_channels = weight[0];
  shape.kernel_height = weight[1];
  shape.kernel_width = weight[2];
  shape.stride_height = strides[0];
  shape.stride_width = strides[1];
  shape.pad_height = padding[0];
  shape.pad_width = padding[1];
  shape.dilation_height = dilation[0];
  shape.dilation_width = dilation[1];
  shape.groups = groups;
  const Status status = shape.validate();
  if (!status.ok()) node.fail(status.message());
  return node.ok() ? shape : dense_shape(1, 1);
}

ConvShape dense_shape(int64_t inputs, int64_t outputs) {
  ConvShape shape;
  shape.in_channels = inputs;
  shape.out_channels = outputs;
  return shape;
}

int64_t macs_of(const ConvShape& shape) {
  return shape.out_height() * shape.out_width() * shape.out_channels * shape.taps() * shape.group_inputs();
}

}  // namespace bmx
