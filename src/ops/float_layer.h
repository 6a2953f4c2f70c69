// conv2d and dense: a FloatConvolution and the epilogue that later nodes wrote into it.
#pragma once

#include "ops/operator.h"

namespace bmx {

// bias: null, or one for each output channel.
Result<OperatorPtr> create_float_layer(ValueType output, const ConvShape& shape, const float* weight,
                                       const float* bias, const Kernels& kernels);

}  // namespace bmx
