// The activations of activations.inc, and what one use of them consists of.
#pragma once

namespace bmx {

enum class Activation {
  kNone,
#define BMX_ACTIVATION(name, Name, ...) k##Name,
#include "pointwise/activations.inc"
};

// What an activation takes besides x: nothing, a slope for each channel, or the limits low <= high.
enum class ActivationArguments { kNone, kSlope, kLimits };

// Where an epilogue computes it: in registers, between the other steps, or in a pass over a row.
enum class ActivationPlace { kColumns, kRows };

// An activation with its arguments; those that it does not take are not read.
struct ActivationStep {
  Activation function = Activation::kNone;
  const float* slope = nullptr;  // [channels]
  float low = 0, high = 0;

  explicit operator bool() const { return function != Activation::kNone; }
};

}  // namespace bmx
