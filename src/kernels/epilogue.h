// Runs an Epilogue on the sums of a chunk of output pixels while they are in the cache.
#pragma once

#include "kernels/convolution.h"

namespace bmx {

inline bool makes_bits(const Epilogue& epilogue) {
  return epilogue.threshold_i32 != nullptr || epilogue.threshold_f32 != nullptr;
}

// rows x channels values are overwritten step by step. The result stays there (float32 after the first float
// step), or goes to `bits`, rows x words_for(channels), if the epilogue makes bits.
void run_epilogue(const Epilogue& epilogue, const Kernels& kernels, int32_t* sums, int64_t rows,
                  int64_t channels, uint64_t* bits);
void run_epilogue(const Epilogue& epilogue, const Kernels& kernels, float* values, int64_t rows,
                  int64_t channels, uint64_t* bits);

}  // namespace bmx
