// The quantizers of the operators: forward sign, backward straight-through estimator.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "mxnet/attributes.h"

namespace bmx {

struct Quantizer {
  bool active = true;  // "none" hands the values on
  float clip = 1;

  float operator()(float x) const { return active && x < 0 ? -1.0F : active ? 1.0F : x; }
  // Values beyond it get no gradient; nor do NaN and infinities, whatever the clip.
  float limit() const { return std::min(clip, std::numeric_limits<float>::max()); }
  bool passes(float x) const { return !active || std::fabs(x) <= limit(); }
  // Whether the quantized values are all +-1: always with a quantizer, by inspection without.
  bool gives_binary(const float* x, int64_t count) const {
    if (active) return true;
    bool binary = true;
    for (int64_t i = 0; i < count; ++i) binary &= std::fabs(x[i]) == 1.0F;
    return binary;
  }
};

inline Quantizer read_quantizer(AttributeReader& reader, const char* method, const char* clip) {
  Quantizer quantizer;
  quantizer.active = reader.choice(method, {"det_sign", "none"}) == 0;
  quantizer.clip = reader.non_negative(clip, 1.0F);
  return quantizer;
}

}  // namespace bmx
