// Times of runs and of steps.
#include <gtest/gtest.h>

#include "runtime/profile.h"
#include "support/nets.h"

namespace bmx {
namespace {

using testing::load;
using testing::random_floats;
using testing::small_net;
using testing::wide_net;

TEST(Profile, TimesEachStepAndNamesWhatIsFused) {
  const auto model = load(wide_net(true));
  const std::vector<float> images = random_floats(2 * 65 * 31 * 31, 12);
  const int64_t shape[] = {2, 65, 31, 31};
  const InputArray input{images.data(), TensorType::kF32, shape, 4};
  Session session(model);
  Result<Profile> found = profile(&session, &input, 1, 5);
  ASSERT_TRUE(found.ok()) << found.status().message();
  EXPECT_EQ(found->runs, 5);
  EXPECT_EQ(found->batch, 2);
  ASSERT_EQ(found->steps.size(), model->program().steps().size());
  size_t nodes = 0;
  double share = 0, ms = 0;
  for (const StepProfile& step : found->steps) {
    nodes += step.nodes.size();
    share += step.share;
    ms += step.ms;
    EXPECT_GT(step.ms, 0);
    EXPECT_EQ(step.nodes[0], step.node);
    EXPECT_EQ(step.gmacs_per_s > 0, model->program().op(step.node).macs() > 0);
  }
  EXPECT_EQ(nodes, model->graph().nodes.size());  // this net has no views
  EXPECT_NEAR(share, 1, 1e-9);
  EXPECT_LT(ms, 3 * found->median_ms);
  // conv2d1 takes the affine, relu and threshold in: transpose is step 0.
  EXPECT_EQ(found->steps[1].nodes, (std::vector<size_t>{1, 2, 3, 4}));
}

TEST(Profile, CountsRuns) {
  Session session(load(small_net()));
  const std::vector<float> image(144);
  const int64_t shape[] = {1, 1, 12, 12}, wrong[] = {1, 1, 12, 11};
  const InputArray input{image.data(), TensorType::kF32, shape, 4},
      bad{image.data(), TensorType::kF32, wrong, 4};
  EXPECT_EQ(time_runs(&session, &input, 1, 7).value().size(), 7U);
  for (int64_t runs : {int64_t{0}, kMaxTimedRuns + 1}) {
    const std::string message = "runs must be from 1 to 1000000, found " + std::to_string(runs);
    EXPECT_EQ(time_runs(&session, &input, 1, runs).status().message(), message);
    EXPECT_EQ(profile(&session, &input, 1, runs).status().message(), message);
  }
  EXPECT_FALSE(time_runs(&session, &bad, 1, 1).ok());
  EXPECT_FALSE(profile(&session, &bad, 1, 1).ok());
}

}  // namespace
}  // namespace bmx
