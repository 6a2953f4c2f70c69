// The thresholds of threshold and quantize: floats, or integers.
#pragma once

#include "ops/channel_values.h"

namespace bmx {

class Thresholds {
 public:
  // The tensor "threshold", for an input of floats or of integers.
  Thresholds(NodeReader& node, DType input, const Shape& shape) : are_floats_(input == DType::kF32) {
    if (are_floats_) {
      floats_ = ChannelValues<float>(node, "threshold", shape);
    } else {
      integers_ = ChannelValues<int32_t>(node, "threshold", shape);
    }
  }

  bool are_floats() const { return are_floats_; }
  const float* f32() const { return floats_.data(); }
  const int32_t* i32() const { return integers_.data(); }

 private:
  bool are_floats_;
  ChannelValues<float> floats_;
  ChannelValues<int32_t> integers_;
};

}  // namespace bmx
