#include "model/types.h"

#include "base/bits.h"

namespace bmx {

const char* name_of(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "f32";
    case DType::kI32:
      return "i32";
    case DType::kBits:
      return "bits";
  }
  return "";
}

const char* name_of(TensorType type) {
  switch (type) {
    case TensorType::kF32:
      return "F32";
    case TensorType::kI32:
      return "I32";
    case TensorType::kU8:
      return "U8";
  }
  return "";
}

int64_t size_of(TensorType type) { return type == TensorType::kU8 ? 1 : 4; }

std::string text_of(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

int64_t ValueType::elements() const {
  int64_t product = 1;
  for (int64_t dimension : shape) product *= dimension;
  return product;
}

int64_t ValueType::bytes() const {
  if (dtype != DType::kBits) return elements() * 4;
  const int64_t channels = shape.back();
  return elements() / channels * words_for(channels) * static_cast<int64_t>(sizeof(uint64_t));
}

bool operator==(const ValueType& a, const ValueType& b) { return a.dtype == b.dtype && a.shape == b.shape; }

std::string text_of(const ValueType& type) {
  return std::string(name_of(type.dtype)) + " " + text_of(type.shape);
}

}  // namespace bmx
