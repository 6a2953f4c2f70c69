// The plans of small graphs.
#include <gtest/gtest.h>

#include "base/aligned.h"
#include "runtime/plan.h"
#include "support/nets.h"

namespace bmx {
namespace {

using testing::FileBuilder;
using testing::load;

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

}  // namespace
}  // namespace bmx
