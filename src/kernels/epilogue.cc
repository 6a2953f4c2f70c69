#include "kernels/epilogue.h"

namespace bmx {

void run_epilogue(const Epilogue& epilogue, const Kernels& kernels, int32_t* sums, int64_t rows,
                  int64_t channels, uint64_t* bits) {
  const bool needs_float = epilogue.scale != nullptr || epilogue.activation != Activation::kNone ||
                           epilogue.threshold_f32 != nullptr;
  if (!needs_float) {
    if (epilogue.threshold_i32 != nullptr) {
      kernels.pack_i32(sums, rows, channels, epilogue.threshold_i32, epilogue.flip, bits);
    }
    return;
  }
  float* values = reinterpret_cast<float*>(sums);
  if (epilogue.scale != nullptr) {
    kernels.affine_i32(sums, rows, channels, epilogue.scale, epilogue.shift, values);
  } else {
    kernels.cast_i32(sums, rows * channels, values);
  }
  Epilogue rest = epilogue;
  rest.scale = rest.shift = nullptr;
  run_epilogue(rest, kernels, values, rows, channels, bits);
}

void run_epilogue(const Epilogue& epilogue, const Kernels& kernels, float* values, int64_t rows,
                  int64_t channels, uint64_t* bits) {
  if (epilogue.scale != nullptr) {
    kernels.affine_f32(values, rows, channels, epilogue.scale, epilogue.shift, values);
  }
  if (epilogue.activation == Activation::kRelu) kernels.relu(values, rows * channels, values);
  if (epilogue.activation == Activation::kTanh) kernels.tanh(values, rows * channels, values);
  if (epilogue.threshold_f32 != nullptr) {
    kernels.pack_f32(values, rows, channels, epilogue.threshold_f32, epilogue.flip, bits);
  }
}

}  // namespace bmx
