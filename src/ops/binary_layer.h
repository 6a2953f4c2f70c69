// Layers on bit planes (binary_conv2d, binary_dense, integer_conv2d, integer_dense): a BinaryConvolution, or
// of few channels a GatheredConvolution, and the epilogue that later nodes wrote into it.
#pragma once

#include "ops/node_reader.h"
#include "ops/operator.h"

namespace bmx {

// weight: [planes][O][KH][KW][words_for(I / groups)].
Result<OperatorPtr> create_binary_layer(ValueType output, const ConvShape& shape, int pad_value,
                                        const uint64_t* weight, const Kernels& kernels, Planes inputs = {},
                                        Planes weight_planes = {});

// Of integer layers: what the input's bits stand for, and the attributes weight_bits and signs.
Planes input_planes(DType dtype);
Planes read_weight_planes(NodeReader& node);

// The node fails if its sums could leave int32.
void check_sums(NodeReader& node, const ConvShape& shape, Planes inputs, Planes weight_planes);

}  // namespace bmx
