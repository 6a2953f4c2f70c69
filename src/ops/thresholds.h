// The thresholds of threshold and quantize: floats of the file, or integers, widened where the file holds
// short ones.
#pragma once

#include "base/aligned.h"
#include "ops/node_reader.h"

namespace bmx {

class Thresholds {
 public:
  // The tensor "threshold": F32 for an input of floats; I8, I16 or I32 for one of integers.
  Thresholds(NodeReader& node, DType input, const Shape& shape);

  bool are_floats() const { return floats_; }
  const float* f32() const { return tensor_.f32(); }
  const int32_t* i32() const { return widened_.size() != 0 ? widened_.data() : tensor_.i32(); }

 private:
  template <class T>
  void widen(NodeReader& node, const T* values);

  bool floats_;
  Tensor tensor_;
  AlignedArray<int32_t> widened_;
};

}  // namespace bmx
