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

// y = the activation of rows x channels values. y may alias x.
using ActivationKernel = void (*)(const ActivationStep& step, const float* x, int64_t rows, int64_t channels,
                                  float* y);

struct Kernels {
  const char* name;     // as in isa_list.inc
  bool (*supported)();  // by the CPU that this process runs on

  // rows x channels values -> rows x words_for(channels) words. The bit of channel c is
  //   not (x < threshold[c])  where bit c of flip is 0, and  not (x > threshold[c])  where it is 1.
  // threshold == nullptr means 0 everywhere, flip == nullptr means no flip: plain sign.
  void (*pack_f32)(const float* x, int64_t rows, int64_t channels, const float* threshold,
                   const uint64_t* flip, uint64_t* out);
  void (*pack_i32)(const int32_t* x, int64_t rows, int64_t channels, const int32_t* threshold,
                   const uint64_t* flip, uint64_t* out);

  // The same for an image whose channels come first: [channels][positions] ->
  // [positions][words_for(channels)].
  void (*pack_planar_f32)(const float* x, int64_t channels, int64_t positions, const float* threshold,
                          const uint64_t* flip, uint64_t* out);
  void (*pack_planar_i32)(const int32_t* x, int64_t channels, int64_t positions, const int32_t* threshold,
                          const uint64_t* flip, uint64_t* out);

  // 1 to 8 planes at once: rows x channels values -> [row][plane][words_for(channels)], the number
  // of thresholds [2^planes - 1][channels], ascending, that are not greater than the value.
  void (*pack_planes_f32)(const float* x, int64_t rows, int64_t channels, const float* thresholds, int planes,
                          uint64_t* out);
  void (*pack_planes_i32)(const int32_t* x, int64_t rows, int64_t channels, const int32_t* thresholds,
                          int planes, uint64_t* out);

  // y[i] = +1 where bit i is 1, -1 where it is 0.
  void (*unpack_signs)(const uint64_t* bits, int64_t count, float* y);

  // Tiles of convolutions and products.
  BinaryTiles binary;
  FloatTiles floats;
  // Tiles of layers in which every channel is a group of its own: a unit is one tap of all channels. Weights
  // of 64 channels share a word, [tap].
  BinaryTiles depthwise_binary;
  FloatTiles depthwise_floats;
  // Adds up the sums of bit planes: y += x << shift, or y -= x << shift.
  void (*add_shifted)(const int32_t* x, int64_t count, int shift, bool subtract, int32_t* y);
  // Epilogues of integer and of float sums.
  void (*epilogue_i32)(const EpilogueTile& tile, const Epilogue& epilogue, const ConvOutputs& out);
  void (*epilogue_f32)(const EpilogueTile& tile, const Epilogue& epilogue, const ConvOutputs& out);

  // Epilogue steps on rows x channels. y may alias x.
  void (*affine_i32)(const int32_t* x, int64_t rows, int64_t channels, const float* scale, const float* shift,
                     float* y);  // y = fma(float(x), scale[c], shift[c])
  void (*affine_f32)(const float* x, int64_t rows, int64_t channels, const float* scale, const float* shift,
                     float* y);
  void (*cast_i32)(const int32_t* x, int64_t count, float* y);  // y = float(x)
  void (*exp)(const float* x, int64_t count, float* y);         // generic/exponential.h
  void (*max_f32)(const float* x, int64_t count, float* y);     // y = x > y ? x : y
  void (*add_f32)(const float* a, const float* b, int64_t count, float* y);

  // One for each entry of pointwise/activations.inc, indexed by Activation; null for kNone.
  const ActivationKernel* activations;
  void activate(const ActivationStep& step, const float* x, int64_t rows, int64_t channels, float* y) const {
    activations[static_cast<int>(step.function)](step, x, rows, channels, y);
  }
};

// The instruction sets of this build, best first, as isa_list.inc has them.
const std::vector<const Kernels*>& all_kernels();

// Their names, "avx2, scalar": all, or those that this CPU supports.
std::string isa_names(bool supported_only = false);

// The best one that the CPU supports ("" or "auto"), or the named one. An unknown name and a name that the
// CPU lacks are errors that list the names there are.
Result<const Kernels*> find_kernels(std::string_view name);

}  // namespace bmx
