// What happens to the sums of a convolution before they leave the cache.
#pragma once

#include <cstdint>

#include "base/bits.h"

namespace bmx {

enum class Activation { kNone, kRelu, kPrelu, kElu, kClip, kTanh, kSigmoid };

struct ConvOutputs;

// Steps in this order; a null pointer skips its step. All arrays have out_channels entries and must outlive
// the call.
struct Epilogue {
  const float* scale = nullptr;  // affine: fma(float(x), scale, shift); both or neither
  const float* shift = nullptr;
  Activation activation = Activation::kNone;
  const float* slope = nullptr;   // of kPrelu: x > 0 ? x : x * slope; of kElu: x > 0 ? x : (e^x - 1) * slope
  float low = 0, high = 0;        // of kClip
  bool activation_first = false;  // the activation stands before scale and shift
  bool residual = false;          // then the residual of the outputs is added
  bool final_relu = false;        // and this is the last step that makes floats
  bool cast = false;              // integer sums become floats even if no step above asks for it
  // Threshold to bits: not (x < t), or not (x > t) where flip is 1. Sums that stay integers (no step before)
  // use threshold_i32, others threshold_f32.
  const int32_t* threshold_i32 = nullptr;
  const float* threshold_f32 = nullptr;
  const uint64_t* flip = nullptr;  // words_for(out_channels)

  bool makes_bits() const { return threshold_i32 != nullptr || threshold_f32 != nullptr; }
  // Scale and shift, and nothing else?
  bool only_affine(const ConvOutputs& out) const;
  // Do integer sums become floats?
  bool makes_floats() const {
    return scale != nullptr || activation != Activation::kNone || residual || final_relu || cast ||
           threshold_f32 != nullptr;
  }
};

// Where the results go; null where nobody wants them. NHWC.
struct ConvOutputs {
  int32_t* integers = nullptr;      // of integer sums only, before any step
  float* floats = nullptr;          // after the residual
  uint64_t* bits = nullptr;         // [pixels][words_for(out_channels)], needs a threshold
  const float* residual = nullptr;  // of an epilogue that adds one; may be the same array as floats
  int64_t float_stride = 0;         // from pixel to pixel of `floats`; 0: the number of channels

  // Where the floats of a pixel begin at a channel, in an output of so many channels.
  float* floats_at(int64_t pixel, int64_t channel, int64_t channels) const {
    return floats + pixel * (float_stride != 0 ? float_stride : channels) + channel;
  }
};

inline bool Epilogue::only_affine(const ConvOutputs& out) const {
  return scale != nullptr && activation == Activation::kNone && !residual && !final_relu && !makes_bits() &&
         out.integers == nullptr;
}

// A strip of sums, [pixels][lanes], and where it belongs.
struct FinishTile {
  const void* sums = nullptr;  // int32 or float
  int64_t lanes = 0;           // of the panel
  int64_t outputs = 0;         // of them used
  int64_t pixels = 0;
  // Integer sums only: x = bases[base_offsets[pixel] + lane] + multiplier * sum.
  const int32_t* bases = nullptr;
  const int64_t* base_offsets = nullptr;
  int32_t multiplier = 1;
  int64_t first_pixel = 0;    // in the output, counted through the batch
  int64_t first_channel = 0;  // in the output
  int64_t channels = 0;       // of the output
};

// The last words of bits of `pixels` pixels become 0 where panels will not fill them.
inline void clear_bit_tails(uint64_t* bits, int64_t first_pixel, int64_t pixels, int64_t channels) {
  if (bits == nullptr || channels % kWordBits == 0) return;
  const int64_t words = words_for(channels);
  for (int64_t p = first_pixel; p < first_pixel + pixels; ++p) bits[(p + 1) * words - 1] = 0;
}

}  // namespace bmx
