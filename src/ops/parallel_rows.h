// The rows of a value, and splitting them over the threads of a pool.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/thread_pool.h"
#include "model/types.h"

namespace bmx {

// Rows of the last axis in a batch of such values.
inline int64_t row_count(const ValueType& type, int64_t batch) {
  return batch * (type.elements() / type.shape.back());
}

// Work below which handing it to a thread costs more than it saves: a few microseconds.
inline constexpr int64_t kElementsPerPart = 8192;

// Calls function(begin, end) on stretches that together are [0, rows). row_elements: values that one row
// reads. A row is never split, so rows of bits, which are whole words, never share a word between threads.
template <class Function>
void parallel_rows(ThreadPool* pool, int64_t rows, int64_t row_elements, Function&& function) {
  const int64_t least = std::max<int64_t>(1, kElementsPerPart / std::max<int64_t>(row_elements, 1));
  // More parts than threads: another user of a core then delays one small part only.
  const int64_t parts = std::min(rows / least, int64_t{4} * thread_count(pool));
  if (parts < 2 || thread_count(pool) == 1) return function(int64_t{0}, rows);
  parallel_for(pool, parts, [&](int64_t part, int /*thread*/) {
    const int64_t size = rows / parts, larger = rows % parts;
    const int64_t begin = part * size + std::min(part, larger);
    function(begin, begin + size + (part < larger ? 1 : 0));
  });
}

// Calls function(x, row, count) on stretches of rows that follow each other without gaps: all rows, or single
// ones where `stride` is larger than their length.
template <class Function>
void for_rows(const float* x, int64_t stride, int64_t length, int64_t rows, Function&& function) {
  if (stride == length) return function(x, int64_t{0}, rows);
  for (int64_t r = 0; r < rows; ++r) function(x + r * stride, r, int64_t{1});
}

}  // namespace bmx
