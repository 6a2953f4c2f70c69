// Layers on floats (conv2d, dense, binary_weight_conv2d, binary_weight_dense): a FloatConvolution and the
// epilogue that later nodes wrote into it.
#pragma once

#include "ops/operator.h"

namespace bmx {

// bias: null, or one for each output channel.
Result<OperatorPtr> create_float_layer(ValueType output, const ConvShape& shape, const float* weight,
                                       const float* bias, const Kernels& kernels);

// weight: [O][KH][KW][words_for(I / groups)], signs.
Result<OperatorPtr> create_binary_weight_layer(ValueType output, const ConvShape& shape,
                                               const uint64_t* weight, const Kernels& kernels);

}  // namespace bmx
