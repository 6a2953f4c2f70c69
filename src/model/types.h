// Types of the values that flow through a graph and of the tensors that a file stores.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bmx {

using Shape = std::vector<int64_t>;

enum class DType { kF32, kI32, kBits };
enum class TensorType { kF32, kI32, kU8 };

inline bool is_control_character(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

const char* name_of(DType dtype);
const char* name_of(TensorType type);
int64_t size_of(TensorType type);

// "[24, 24, 64]", as shapes stand in a file.
std::string text_of(const Shape& shape);

// dtype and shape of one sample; the batch axis in front is implicit.
struct ValueType {
  DType dtype = DType::kF32;
  Shape shape;

  int64_t elements() const;
  // Memory of one sample: 4 bytes an element, or words_for(C) words for each row of C bits.
  int64_t bytes() const;
};

bool operator==(const ValueType& a, const ValueType& b);
inline bool operator!=(const ValueType& a, const ValueType& b) { return !(a == b); }

// "f32 [24, 24, 64]"
std::string text_of(const ValueType& type);

// A named array inside the file's bytes; valid as long as those.
struct Tensor {
  std::string name;
  TensorType type = TensorType::kF32;
  Shape shape;
  const uint8_t* data = nullptr;
  int64_t bytes = 0;

  // The reader has checked that data is aligned to the element size.
  const float* f32() const { return reinterpret_cast<const float*>(data); }
  const int32_t* i32() const { return reinterpret_cast<const int32_t*>(data); }
};

}  // namespace bmx
