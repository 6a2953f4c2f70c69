// Packed weights in the order of this CPU's kernels, kept from call to call.
#pragma once

#include <cstdint>
#include <memory>

#include "base/status.h"
#include "convolution/binary_convolution.h"
#include "mxnet/binary_layer.h"

namespace bmx {

// The layer's convolution with these weights, bits [O][KH][KW][bytes_for(I / groups)]; built at the first
// call. A library operator has no place of its own for it that outlives a call in all of MXNet's modes
// (imperative, hybrid, static), so one cache serves the process. May be called from several threads at once.
Result<std::shared_ptr<const BinaryConvolution>> repacked(const BinaryLayer& layer, const uint8_t* weights,
                                                          const Kernels& kernels);

}  // namespace bmx
