// The memory planner on random lifetimes, and the plans of small graphs.
#include "runtime/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/aligned.h"
#include "runtime/memory_planner.h"
#include "runtime/model.h"
#include "support/file_builder.h"

namespace bmx {
namespace {

using testing::FileBuilder;
using testing::OrderedJson;

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

std::shared_ptr<const Model> load(const std::string& bytes) {
  auto model = Model::from_memory(bytes.data(), bytes.size(), "scalar");
  EXPECT_TRUE(model.ok()) << model.status().message();
  return *model;
}

FileBuilder relu_chain(int length) {
  FileBuilder builder({100});
  std::string value = "data";
  for (int i = 0; i < length; ++i) value = builder.node("relu", value, "f32", {100});
  return builder;
}

TEST(Plan, AChainNeedsTwoBuffers) {
  const auto model = load(relu_chain(10).encode({"relu9"}));
  Result<Plan> plan = make_plan(model->graph(), model->program(), 4);
  ASSERT_TRUE(plan.ok());
  const auto value = static_cast<int64_t>(round_up(100 * 4 * 4, kAlignment));
  EXPECT_EQ(plan->arena_bytes, 2 * value);
  EXPECT_EQ(plan->offsets[0], -1);  // the input stays where the caller has it
}

TEST(Plan, OutputsStayAlive) {
  const auto model = load(relu_chain(3).encode({"relu0", "relu1", "relu2"}));
  Result<Plan> plan = make_plan(model->graph(), model->program(), 1);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->arena_bytes, 3 * static_cast<int64_t>(round_up(400, kAlignment)));
}

TEST(Plan, KeepsWithinTheTargetButTakesOneSample) {
  const auto model = load(relu_chain(2).encode({"relu1"}));
  EXPECT_EQ(make_plan_within(model->graph(), model->program(), 1000, 10 * 2 * 448)->capacity, 10);
  EXPECT_EQ(make_plan_within(model->graph(), model->program(), 3, 1 << 20)->capacity, 3);
  EXPECT_EQ(make_plan_within(model->graph(), model->program(), 1000, 1)->capacity, 1);
}

TEST(Plan, RefusesBatchesBeyondTheAddressSpace) {
  const auto model = load(relu_chain(2).encode({"relu1"}));
  EXPECT_EQ(make_plan(model->graph(), model->program(), INT64_MAX / 100).status().code(), Code::kOutOfMemory);
}

TEST(Program, FusesOnlyWhatNobodyElseReads) {
  FileBuilder builder({8});
  builder.tensor<float>("w", "F32", {4, 8}, std::vector<float>(32, 0.5F));
  builder.tensor<float>("s", "F32", {4}, {1, 2, 3, 4});
  const std::string dense =
      builder.node("dense", "data", "f32", {4}, OrderedJson::object(), {{"weight", "w"}});
  const std::string affine =
      builder.node("affine", dense, "f32", {4}, OrderedJson::object(), {{"scale", "s"}, {"shift", "s"}});
  const std::string tanh = builder.node("tanh", affine, "f32", {4});
  const std::string relu =
      builder.node("relu", tanh, "f32", {4});  // a second activation has no place in an epilogue
  EXPECT_EQ(load(builder.encode({relu}))->program().steps().size(), 2U);
  EXPECT_EQ(load(builder.encode({relu, affine}))->program().steps().size(), 3U);
  EXPECT_EQ(load(builder.encode({relu, dense}))->program().steps().size(), 4U);
}

}  // namespace
}  // namespace bmx
