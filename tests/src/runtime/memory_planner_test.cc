// The memory planner on random lifetimes.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/aligned.h"
#include "runtime/memory_planner.h"

namespace bmx {
namespace {

bool alive_together(const Buffer& a, const Buffer& b) { return a.first <= b.last && b.first <= a.last; }

// No layout can be smaller: the most bytes that are alive in one step.
int64_t lower_bound(const std::vector<Buffer>& buffers) {
  int64_t most = 0;
  for (const Buffer& at : buffers) {
    int64_t sum = 0;
    for (const Buffer& other : buffers) {
      if (other.first <= at.first && at.first <= other.last)
        sum += static_cast<int64_t>(round_up(static_cast<size_t>(other.bytes), kAlignment));
    }
    most = std::max(most, sum);
  }
  return most;
}

TEST(MemoryPlanner, NeverOverlapsWhatIsAliveTogether) {
  std::mt19937 random(17);
  for (int round = 0; round < 200; ++round) {
    std::vector<Buffer> buffers(1 + random() % 30);
    for (Buffer& buffer : buffers) {
      buffer.bytes = 1 + static_cast<int64_t>(random() % 5000);
      buffer.first = static_cast<int>(random() % 20);
      buffer.last = buffer.first + static_cast<int>(random() % 6);
    }
    const MemoryLayout layout = plan_memory(buffers);
    for (size_t a = 0; a < buffers.size(); ++a) {
      EXPECT_EQ(layout.offsets[a] % static_cast<int64_t>(kAlignment), 0);
      EXPECT_LE(layout.offsets[a] + buffers[a].bytes, layout.bytes);
      for (size_t b = 0; b < a; ++b) {
        if (!alive_together(buffers[a], buffers[b])) continue;
        const bool apart = layout.offsets[a] + buffers[a].bytes <= layout.offsets[b] ||
                           layout.offsets[b] + buffers[b].bytes <= layout.offsets[a];
        EXPECT_TRUE(apart) << "round " << round << ": buffers " << a << " and " << b;
      }
    }
    EXPECT_GE(layout.bytes, lower_bound(buffers));
    EXPECT_LE(layout.bytes, lower_bound(buffers) * 115 / 100) << "round " << round;
    EXPECT_EQ(largest_live_bytes(buffers, kAlignment), lower_bound(buffers));
  }
}

// Long lives among short ones, as residuals and concatenations make them, and sizes that halve.
TEST(MemoryPlanner, StaysCloseToTheLowerBound) {
  std::mt19937 random(18);
  for (int round = 0; round < 100; ++round) {
    std::vector<Buffer> buffers(20 + random() % 150);
    for (Buffer& buffer : buffers) {
      buffer.bytes = int64_t{1} << (6 + random() % 12);
      if (random() % 2 == 0) buffer.bytes += static_cast<int64_t>(random() % 1000);
      buffer.first = static_cast<int>(random() % 100);
      buffer.last = buffer.first + static_cast<int>(random() % (random() % 8 == 0 ? 60 : 3));
    }
    EXPECT_LE(plan_memory(buffers).bytes, lower_bound(buffers) * 115 / 100) << "round " << round;
  }
}

// In the order of their size alone, 96 of these 200 reach the lower bound.
TEST(MemoryPlanner, TriesSeveralOrders) {
  std::mt19937 random(19);
  int better = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<Buffer> buffers(30);
    for (Buffer& buffer : buffers) {
      buffer.bytes = 64 * (1 + static_cast<int64_t>(random() % 16));
      buffer.first = static_cast<int>(random() % 20);
      buffer.last = buffer.first + static_cast<int>(random() % 6);
    }
    better += plan_memory(buffers).bytes == lower_bound(buffers);
  }
  EXPECT_GE(better, 180) << "of 200 reach the lower bound";
}

TEST(MemoryPlanner, TakesManyBuffers) {
  std::vector<Buffer> buffers;
  for (int i = 0; i < 3000; ++i) buffers.push_back({64 + i % 7 * 64, i, i + 1});
  EXPECT_LE(plan_memory(buffers).bytes, lower_bound(buffers) * 115 / 100);
}

TEST(MemoryPlanner, ReusesAChain) {
  const MemoryLayout layout = plan_memory({{1024, 0, 1}, {512, 1, 2}, {1024, 2, 3}, {512, 3, 4}});
  EXPECT_EQ(layout.bytes, 1024 + 512);
}

TEST(MemoryPlanner, PrefersTheSmallestGap) {
  // Two gaps, of 256 and of 128 bytes, between buffers that live all the time.
  const MemoryLayout layout =
      plan_memory({{4096, 0, 9}, {256, 0, 1}, {2048, 0, 9}, {128, 0, 1}, {1024, 0, 9}, {128, 5, 6}});
  EXPECT_EQ(layout.bytes, 4096 + 2048 + 1024 + 256 + 128);
}

TEST(MemoryPlanner, OfNothingIsEmpty) { EXPECT_EQ(plan_memory({}).bytes, 0); }

}  // namespace
}  // namespace bmx
