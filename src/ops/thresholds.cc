#include "ops/thresholds.h"

#include <algorithm>

namespace bmx {

Thresholds::Thresholds(NodeReader& node, DType input, const Shape& shape) : floats_(input == DType::kF32) {
  tensor_ = floats_ ? node.tensor("threshold", TensorType::kF32, shape)
                    : node.tensor("threshold", {TensorType::kI8, TensorType::kI16, TensorType::kI32}, shape);
  if (!node.ok()) return;
  if (tensor_.type == TensorType::kI8) widen(node, tensor_.i8());
  if (tensor_.type == TensorType::kI16) widen(node, tensor_.i16());
}

template <class T>
void Thresholds::widen(NodeReader& node, const T* values) {
  const int64_t count = tensor_.bytes / int64_t{sizeof(T)};
  widened_ = AlignedArray<int32_t>(static_cast<size_t>(count));
  if (widened_.size() == 0) return node.fail_memory("threshold");
  std::copy(values, values + count, widened_.data());
}

}  // namespace bmx
