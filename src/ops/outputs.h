// Where a layer's results go: its epilogue tells whether they are integers, floats or bits.
#pragma once

#include "kernels/epilogue.h"

namespace bmx {

inline ConvOutputs outputs_of(const Epilogue& epilogue, bool integer_sums, void* out) {
  ConvOutputs outputs;
  if (epilogue.makes_bits()) {
    outputs.bits = static_cast<uint64_t*>(out);
  } else if (integer_sums && !epilogue.makes_floats(false)) {
    outputs.integers = static_cast<int32_t*>(out);
  } else {
    outputs.floats = static_cast<float*>(out);
  }
  return outputs;
}

}  // namespace bmx
