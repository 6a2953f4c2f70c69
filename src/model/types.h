// Types of the values that flow through a graph and of the tensors that a file stores.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bmx {

using Shape = std::vector<int64_t>;

// kBits are -1/+1 values; kU1 to kU8, in this order, are unsigned integers of so many bits; kBytes are
// unsigned integers of 8 bits, a byte each.
enum class DType { kF32, kI32, kBits, kU1, kU2, kU3, kU4, kU5, kU6, kU7, kU8, kBytes };
enum class TensorType { kF32, kI32, kI16, kI8, kU8 };

inline constexpr int kMaxPlanes = 8;

inline bool is_control_character(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Bit planes that hold a value: 1 of bits, k of unsigned integers of k bits, 0 of all others.
int planes_of(DType dtype);
// Of so many bits, 1 to kMaxPlanes.
DType unsigned_of(int bits);

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
  // Memory of one sample: 4 bytes or 1 an element, or words_for(C) words for each plane of a row of C values.
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
  const int16_t* i16() const { return reinterpret_cast<const int16_t*>(data); }
  const int8_t* i8() const { return reinterpret_cast<const int8_t*>(data); }
};

}  // namespace bmx
