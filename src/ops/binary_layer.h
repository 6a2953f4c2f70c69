// binary_conv2d and binary_dense: a BinaryConvolution and the epilogue that later nodes wrote into it.
#pragma once

#include "ops/operator.h"

namespace bmx {

// weight: [O][KH][KW][words_for(I / groups)].
Result<OperatorPtr> create_binary_layer(ValueType output, const ConvShape& shape, int pad_value,
                                        const uint64_t* weight, const Kernels& kernels);

}  // namespace bmx
