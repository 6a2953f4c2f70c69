// The geometry that conv2d and binary_conv2d share.
#pragma once

#include "convolution/convolution.h"
#include "ops/node_reader.h"

namespace bmx {

// From the input, the attributes and the weight's shape [O][KH][KW][..]. What it makes of a bad node is
// harmless, and the node's status says what is wrong.
ConvShape read_conv_shape(NodeReader& node, const ValueType& in, const Shape& weight);

// A dense layer is a convolution of one position.
ConvShape dense_shape(int64_t inputs, int64_t outputs);

int64_t macs_of(const ConvShape& shape);

}  // namespace bmx
