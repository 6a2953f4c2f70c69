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

// Greedy: the buffers one after the other, each into the smallest gap that fits it (Pisarchyk and Lee,
// "Efficient Memory Management for Deep Neural Net Inference", arXiv:2001.03288, section 5). Which order is
// best depends on the net, so several are tried: by size, by size times lifetime, by the fullest step, by
// start; then the best one is improved by moving the buffers at the top of the arena forward. Stops at the
// lower bound below. The sum of all sizes must fit into int64_t.
MemoryLayout plan_memory(const std::vector<Buffer>& buffers);

// The most bytes that are alive in one step, each buffer rounded up to `alignment`: no layout with that
// alignment can be smaller.
int64_t largest_live_bytes(const std::vector<Buffer>& buffers, int64_t alignment);

}  // namespace bmx
