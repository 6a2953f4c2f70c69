// Where a layer's results go: its epilogue tells whether they are integers, floats or bits.
#pragma once

#include "ops/operator.h"

namespace bmx {

inline ConvOutputs outputs_of(const Epilogue& epilogue, bool integer_sums, const RunArgs& args) {
  ConvOutputs outputs;
  void* const out = args.out;
  outputs.float_stride = args.out_stride;
  if (epilogue.residual) outputs.residual = args.input<float>(1);
  if (epilogue.makes_bits()) {
    outputs.bits = static_cast<uint64_t*>(args.bits != nullptr ? args.bits : out);
    if (args.bits == nullptr) return outputs;
  }
  if (integer_sums && !epilogue.makes_floats()) {
    outputs.integers = static_cast<int32_t*>(out);
  } else {
    outputs.floats = static_cast<float*>(out);
  }
  return outputs;
}

}  // namespace bmx
