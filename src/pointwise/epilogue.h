// What happens to the sums of a convolution before they leave the cache: a fixed list of steps, as plain
// data. microkernels/generic/epilogue.h executes it.
#pragma once

#include <cstdint>

#include "base/bits.h"
#include "pointwise/activation.h"

namespace bmx {

struct ConvOutputs;

// Steps in this order; a null pointer skips its step. All arrays have out_channels entries and must outlive
// the call.
struct Epilogue {
  const float* scale = nullptr;  // affine: fma(float(x), scale, shift); both or neither
  const float* shift = nullptr;
  ActivationStep activation;
  bool activation_first = false;  // the activation comes before scale and shift
  bool residual = false;          // then add ConvOutputs::residual
  bool final_relu = false;        // the last step that makes floats
  bool cast = false;              // integer sums become floats even if no step above needs them to
  // Threshold to bits: not (x < t), or not (x > t) where flip is 1. Sums that stay integers (no step before)
  // use threshold_i32, others threshold_f32.
  const int32_t* threshold_i32 = nullptr;
  const float* threshold_f32 = nullptr;
  const uint64_t* flip = nullptr;  // words_for(out_channels)

  bool makes_bits() const { return threshold_i32 != nullptr || threshold_f32 != nullptr; }
  // Whether scale and shift are all there is to do.
  bool only_affine(const ConvOutputs& out) const;
  // Whether integer sums become floats.
  bool makes_floats() const {
    return scale != nullptr || activation || residual || final_relu || cast || threshold_f32 != nullptr;
  }
};

// Where the results go, NHWC; null where nobody wants them.
struct ConvOutputs {
  int32_t* integers = nullptr;      // integer sums, before any step
  float* floats = nullptr;          // results of the float steps
  uint64_t* bits = nullptr;         // [pixels][words_for(out_channels)], needs a threshold
  const float* residual = nullptr;  // what Epilogue::residual adds; may be the same array as floats
  int64_t float_stride = 0;         // floats from one pixel to the next; 0: as many as channels

  // The float of a pixel and channel, in an output of `channels` channels.
  float* floats_at(int64_t pixel, int64_t channel, int64_t channels) const {
    return floats + pixel * (float_stride != 0 ? float_stride : channels) + channel;
  }
};

inline bool Epilogue::only_affine(const ConvOutputs& out) const {
  return scale != nullptr && !activation && !residual && !final_relu && !makes_bits() &&
         out.integers == nullptr;
}

// A strip of sums, [pixels][lanes], and where it belongs.
struct EpilogueTile {
  const void* sums = nullptr;  // int32 or float
  int64_t lanes = 0;           // lanes of the panel
  int64_t outputs = 0;         // lanes in use
  int64_t pixels = 0;
  // Integer sums only: x = offsets[offset_rows[pixel] + lane] + multiplier * sum.
  const int32_t* offsets = nullptr;
  const int64_t* offset_rows = nullptr;
  int32_t multiplier = 1;
  int64_t first_pixel = 0;    // index in the output, through the whole batch
  int64_t first_channel = 0;  // index in the output
  int64_t channels = 0;       // channels of the output
};

// Clears the last words of bits of `pixels` pixels, which panels may fill only in part.
inline void clear_bit_tails(uint64_t* bits, int64_t first_pixel, int64_t pixels, int64_t channels) {
  if (bits == nullptr || channels % kWordBits == 0) return;
  const int64_t words = words_for(channels);
  for (int64_t p = first_pixel; p < first_pixel + pixels; ++p) bits[(p + 1) * words - 1] = 0;
}

}  // namespace bmx
