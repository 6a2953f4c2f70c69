// The microkernels of one ISA, and the list of ISAs that this build holds.
//
// Every ISA computes the same results to the last bit. Integers are exact; for floats, each output is one
// chain of fused multiply-adds over k in ascending order, whatever the vector width, because vector lanes run
// across output channels and never across k.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "microkernels/tiles.h"
#include "pointwise/epilogue.h"

namespace bmx {

struct Kernels {
  const char* name;     // "scalar", "avx2", "avx512bw", "avx512", "neon", "neon32"
  bool (*supported)();  // by the CPU this process runs on

  // rows x channels values -> rows x words_for(channels) words. The bit of channel c is
  //   not (x < threshold[c])  where bit c of flip is 0, and  not (x > threshold[c])  where it is 1.
  // threshold == nullptr means 0 everywhere, flip == nullptr means no flip: plain sign.
  void (*pack_f32)(const float* x, int64_t rows, int64_t channels, const float* threshold,
                   const uint64_t* flip, uint64_t* out);
  void (*pack_i32)(const int32_t* x, int64_t rows, int64_t channels, const int32_t* threshold,
                   const uint64_t* flip, uint64_t* out);

  // The same from an image whose channels come first: [channels][positions] ->
  // [positions][words_for(channels)].
  void (*pack_planar_f32)(const float* x, int64_t channels, int64_t positions, const float* threshold,
                          const uint64_t* flip, uint64_t* out);
  void (*pack_planar_i32)(const int32_t* x, int64_t channels, int64_t positions, const int32_t* threshold,
                          const uint64_t* flip, uint64_t* out);

  // Several planes at once, 1 to 8: rows x channels values -> [row][plane][words_for(channels)], the number
  // of thresholds [2^planes - 1][channels], ascending, that are not greater than the value.
  void (*pack_planes_f32)(const float* x, int64_t rows, int64_t channels, const float* thresholds, int planes,
                          uint64_t* out);
  void (*pack_planes_i32)(const int32_t* x, int64_t rows, int64_t channels, const int32_t* thresholds,
                          int planes, uint64_t* out);

  // y[i] = +1 where bit i is 1, -1 where it is 0.
  void (*unpack_signs)(const uint64_t* bits, int64_t count, float* y);

  // Tiles of binary convolutions and products, and the epilogue of their sums (int32) and of float sums.
  BinaryTiles binary;
  FloatTiles floats;
  // The same where every channel is a group of its own: a unit is one tap of all channels. Weights of 64
  // channels share a word, [tap].
  BinaryTiles depthwise_binary;
  FloatTiles depthwise_floats;
  // Sums of several bit planes: y += x << shift, or y -= x << shift.
  void (*add_shifted)(const int32_t* x, int64_t count, int shift, bool subtract, int32_t* y);
  void (*finish_i32)(const FinishTile& tile, const Epilogue& epilogue, const ConvOutputs& out);
  void (*finish_f32)(const FinishTile& tile, const Epilogue& epilogue, const ConvOutputs& out);

  // Epilogue steps on rows x channels. y may alias x.
  void (*affine_i32)(const int32_t* x, int64_t rows, int64_t channels, const float* scale, const float* shift,
                     float* y);  // y = fma(float(x), scale[c], shift[c])
  void (*affine_f32)(const float* x, int64_t rows, int64_t channels, const float* scale, const float* shift,
                     float* y);
  void (*cast_i32)(const int32_t* x, int64_t count, float* y);  // y = float(x)
  void (*relu)(const float* x, int64_t count, float* y);        // x > 0 ? x : 0 for numbers; NaN stays NaN
  void (*prelu)(const float* x, int64_t rows, int64_t channels, const float* slope,
                float* y);                                                       // x > 0 ? x : x * slope[c]
  void (*clip)(const float* x, int64_t count, float low, float high, float* y);  // NaN stays NaN
  // elu_f32(x, slope[c]), tanh_f32, sigmoid_f32 and exp_f32 of kernels/math.h on arrays.
  void (*elu)(const float* x, int64_t rows, int64_t channels, const float* slope, float* y);
  void (*tanh)(const float* x, int64_t count, float* y);
  void (*sigmoid)(const float* x, int64_t count, float* y);
  void (*exp)(const float* x, int64_t count, float* y);
  void (*max_f32)(const float* x, int64_t count, float* y);  // y = x > y ? x : y
  void (*add_f32)(const float* a, const float* b, int64_t count, float* y);
};

// Compiled into this build, best first. Adding an ISA = one unit in src/kernels/ and one line in kernels.cc.
const std::vector<const Kernels*>& all_kernels();

// The best one that the CPU supports ("" or "auto"), or the named one. An unknown name and a name that the
// CPU lacks are errors that list what there is.
Result<const Kernels*> find_kernels(std::string_view name);

}  // namespace bmx
