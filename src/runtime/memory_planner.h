// Places buffers that are alive at different times into one arena, so that they share memory.
#pragma once

#include <cstdint>
#include <vector>

namespace bmx {

// Alive from step `first` to step `last`, both included. Buffers that are alive in a common step never
// overlap.
struct Buffer {
  int64_t bytes = 0;
  int first = 0, last = 0;
};

struct MemoryLayout {
  std::vector<int64_t> offsets;  // by buffer, multiples of kAlignment
  int64_t bytes = 0;
};

// Greedy by size: the largest buffer first, each into the smallest gap that fits it
// (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", arXiv:2001.03288,
// section 5.2). The sum of all sizes must fit into int64_t.
MemoryLayout plan_memory(const std::vector<Buffer>& buffers);

}  // namespace bmx
