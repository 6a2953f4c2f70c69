#include "runtime/memory_planner.h"

#include <algorithm>
#include <numeric>

#include "base/aligned.h"

namespace bmx {
namespace {

int64_t aligned(int64_t bytes) {
  return static_cast<int64_t>(round_up(static_cast<size_t>(bytes), kAlignment));
}

bool alive_together(const Buffer& a, const Buffer& b) { return a.first <= b.last && b.first <= a.last; }

struct Range {
  int64_t begin, end;
};

// The begin of the smallest gap between `taken` (sorted by begin) that holds `bytes`, or the end of the last
// range.
int64_t best_fit(const std::vector<Range>& taken, int64_t bytes) {
  int64_t best = -1, best_gap = 0, end = 0;
  for (const Range& range : taken) {
    const int64_t gap = range.begin - end;
    if (gap >= bytes && (best < 0 || gap < best_gap)) {
      best = end;
      best_gap = gap;
    }
    end = std::max(end, range.end);
  }
  return best >= 0 ? best : end;
}

}  // namespace

MemoryLayout plan_memory(const std::vector<Buffer>& buffers) {
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return buffers[a].bytes > buffers[b].bytes; });

  MemoryLayout layout;
  layout.offsets.resize(buffers.size());
  std::vector<size_t> placed;
  for (size_t current : order) {
    std::vector<Range> taken;
    for (size_t other : placed) {
      if (!alive_together(buffers[current], buffers[other])) continue;
      taken.push_back({layout.offsets[other], layout.offsets[other] + aligned(buffers[other].bytes)});
    }
    std::sort(taken.begin(), taken.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
    layout.offsets[current] = best_fit(taken, aligned(buffers[current].bytes));
    layout.bytes = std::max(layout.bytes, layout.offsets[current] + aligned(buffers[current].bytes));
    placed.push_back(current);
  }
  return layout;
}

}  // namespace bmx
