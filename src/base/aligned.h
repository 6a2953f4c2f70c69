// Heap memory aligned for the widest vector unit; allocation failure is visible, never an exception.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace bmx {

inline constexpr size_t kAlignment = 64;

constexpr size_t round_up(size_t size, size_t multiple) {
  return (size + multiple - 1) / multiple * multiple;
}

// Zero-initialized array of trivially copyable T. Empty (data() == nullptr) if memory ran out or size is 0.
template <class T>
class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(size_t size) {
    if (size == 0 || size > SIZE_MAX / sizeof(T) - kAlignment) return;
    const size_t bytes = round_up(size * sizeof(T), kAlignment);
    data_.reset(static_cast<T*>(std::aligned_alloc(kAlignment, bytes)));
    if (!data_) return;
    std::memset(data_.get(), 0, bytes);
    size_ = size;
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  size_t size() const { return size_; }
  T& operator[](size_t i) { return data_.get()[i]; }
  const T& operator[](size_t i) const { return data_.get()[i]; }

 private:
  struct Free {
    void operator()(T* pointer) const { std::free(pointer); }
  };
  std::unique_ptr<T, Free> data_;
  size_t size_ = 0;
};

}  // namespace bmx
