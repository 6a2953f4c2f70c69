#include "runtime/memory_planner.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "base/aligned.h"

namespace bmx {
namespace {

// A layout costs the square of the number of buffers; beyond this number only one order is tried.
constexpr size_t kManyBuffers = 1000;
constexpr int kImprovements = 64;

using Order = std::vector<size_t>;

int64_t rounded(int64_t bytes, int64_t alignment) {
  return static_cast<int64_t>(round_up(static_cast<size_t>(bytes), static_cast<size_t>(alignment)));
}

int64_t aligned(int64_t bytes) { return rounded(bytes, kAlignment); }

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

MemoryLayout place(const std::vector<Buffer>& buffers, const Order& order) {
  MemoryLayout layout;
  layout.offsets.resize(buffers.size());
  std::vector<Range> taken;
  for (size_t i = 0; i < order.size(); ++i) {
    const Buffer& current = buffers[order[i]];
    taken.clear();
    for (size_t j = 0; j < i; ++j) {
      const Buffer& other = buffers[order[j]];
      if (!alive_together(current, other)) continue;
      taken.push_back({layout.offsets[order[j]], layout.offsets[order[j]] + aligned(other.bytes)});
    }
    std::sort(taken.begin(), taken.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
    layout.offsets[order[i]] = best_fit(taken, aligned(current.bytes));
    layout.bytes = std::max(layout.bytes, layout.offsets[order[i]] + aligned(current.bytes));
  }
  return layout;
}

// Bytes that are alive, by step; only where the number of live buffers grows, because a maximum lies there.
std::map<int, int64_t> live_bytes(const std::vector<Buffer>& buffers, int64_t alignment) {
  std::map<int, int64_t> changes, live;
  for (const Buffer& buffer : buffers) {
    changes[buffer.first] += rounded(buffer.bytes, alignment);
    changes[buffer.last + 1] -= rounded(buffer.bytes, alignment);
  }
  int64_t bytes = 0;
  for (const auto& change : changes) live[change.first] = bytes += change.second;
  return live;
}

template <class Key>
Order sorted(const std::vector<Buffer>& buffers, Key key) {
  Order order(buffers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return key(buffers[a]) > key(buffers[b]); });
  return order;
}

std::vector<Order> orders_of(const std::vector<Buffer>& buffers) {
  using Keys = std::pair<double, double>;
  const auto size = [](const Buffer& b) { return static_cast<double>(b.bytes); };
  std::vector<Order> orders{sorted(buffers, size)};
  if (buffers.size() > kManyBuffers) return orders;
  const std::map<int, int64_t> live = live_bytes(buffers, kAlignment);
  const auto fullest = [&](const Buffer& b) {
    int64_t most = 0;
    for (auto at = live.lower_bound(b.first); at != live.end() && at->first <= b.last; ++at)
      most = std::max(most, at->second);
    return static_cast<double>(most);
  };
  orders.push_back(sorted(buffers, [&](const Buffer& b) { return size(b) * (b.last - b.first + 1); }));
  orders.push_back(sorted(buffers, [&](const Buffer& b) { return Keys(fullest(b), size(b)); }));
  orders.push_back(sorted(buffers, [&](const Buffer& b) { return Keys(b.last - b.first, size(b)); }));
  orders.push_back(sorted(buffers, [&](const Buffer& b) { return Keys(-b.first, size(b)); }));
  return orders;
}

// Moves the buffers that end at the top of the arena to the front, as long as something is gained and
// attempts remain.
void improve(const std::vector<Buffer>& buffers, int64_t bound, Order order, MemoryLayout* best) {
  MemoryLayout layout = place(buffers, order);
  for (int i = 0; i < kImprovements && best->bytes > bound; ++i) {
    const auto at_top = [&](size_t b) {
      return layout.offsets[b] + aligned(buffers[b].bytes) == layout.bytes;
    };
    std::stable_partition(order.begin(), order.end(), at_top);
    layout = place(buffers, order);
    if (layout.bytes < best->bytes) *best = layout;
  }
}

}  // namespace

int64_t largest_live_bytes(const std::vector<Buffer>& buffers, int64_t alignment) {
  int64_t most = 0;
  for (const auto& item : live_bytes(buffers, alignment)) most = std::max(most, item.second);
  return most;
}

MemoryLayout plan_memory(const std::vector<Buffer>& buffers) {
  const int64_t bound = largest_live_bytes(buffers, kAlignment);
  const std::vector<Order> orders = orders_of(buffers);
  MemoryLayout best = place(buffers, orders[0]);
  for (size_t i = 1; i < orders.size() && best.bytes > bound; ++i) {
    MemoryLayout layout = place(buffers, orders[i]);
    if (layout.bytes < best.bytes) best = std::move(layout);
  }
  if (buffers.size() <= kManyBuffers) {
    for (const Order& order : orders) improve(buffers, bound, order, &best);
  }
  return best;
}

}  // namespace bmx
