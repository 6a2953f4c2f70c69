#include "model/types.h"

#include "base/bits.h"

namespace bmx {

int planes_of(DType dtype) {
  if (dtype == DType::kBits) return 1;
  if (dtype < DType::kU1 || dtype > DType::kU8) return 0;
  return static_cast<int>(dtype) - static_cast<int>(DType::kU1) + 1;
}

DType unsigned_of(int bits) { return static_cast<DType>(static_cast<int>(DType::kU1) + bits - 1); }

const char* name_of(DType dtype) {
  constexpr const char* kNames[] = {"f32", "i32", "bits", "u1", "u2", "u3",
                                    "u4",  "u5",  "u6",   "u7", "u8", "bytes"};
  return kNames[static_cast<int>(dtype)];
}

const char* name_of(TensorType type) {
  switch (type) {
    case TensorType::kF32:
      return "F32";
    case TensorType::kI32:
      return "I32";
    case TensorType::kI16:
      return "I16";
    case TensorType::kI8:
      return "I8";
    case TensorType::kU8:
      return "U8";
  }
  return "";
}

int64_t size_of(TensorType type) {
  switch (type) {
    case TensorType::kF32:
    case TensorType::kI32:
      return 4;
    case TensorType::kI16:
      return 2;
    case TensorType::kI8:
    case TensorType::kU8:
      break;
  }
  return 1;
}

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
  if (dtype == DType::kBytes) return elements();
  const int64_t planes = planes_of(dtype), channels = shape.back();
  if (planes == 0) return elements() * 4;
  return elements() / channels * planes * words_for(channels) * static_cast<int64_t>(sizeof(uint64_t));
}

bool operator==(const ValueType& a, const ValueType& b) { return a.dtype == b.dtype && a.shape == b.shape; }

std::string text_of(const ValueType& type) {
  return std::string(name_of(type.dtype)) + " " + text_of(type.shape);
}

}  // namespace bmx
