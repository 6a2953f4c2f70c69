// Activations with and without numbers of their own, on every ISA.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "support/ops_tester.h"

namespace bmx {
namespace {

using testing::FileBuilder;
using testing::Floats;
using testing::isas;
using testing::OrderedJson;
using testing::run;

TEST(ElementwiseOps, ActivationsWithNumbers) {
  const float infinity = std::numeric_limits<float>::infinity();
  const Floats x = {-4, 0.5F, 9, -0.25F, -infinity, infinity};
  const auto run_one = [&](const char* op, const std::map<std::string, Floats>& tensors, const char* isa) {
    FileBuilder builder({3});
    std::map<std::string, std::string> roles;
    for (const auto& [role, values] : tensors) {
      builder.tensor<float>(role, "F32", {static_cast<int64_t>(values.size())}, values);
      roles[role] = role;
    }
    return run(builder.encode({builder.node(op, "data", "f32", {3}, OrderedJson::object(), roles)}), isa, x,
               {3});
  };
  for (const char* isa : isas()) {
    EXPECT_EQ(run_one("clip", {{"low", {-1}}, {"high", {6}}}, isa), (Floats{-1, 0.5F, 6, -0.25F, -1, 6}));
    EXPECT_EQ(run_one("clip", {{"low", {-infinity}}, {"high", {6}}}, isa),
              (Floats{-4, 0.5F, 6, -0.25F, -infinity, 6}));
    EXPECT_EQ(run_one("prelu", {{"slope", {0.5F, -2, 3}}}, isa),
              (Floats{-2, 0.5F, 9, -0.125F, infinity, infinity}));
    const Floats elu = run_one("elu", {{"slope", {0.5F, -2, 3}}}, isa);
    EXPECT_NEAR(elu[0], 0.5 * std::expm1(-4.0), 1e-7);
    EXPECT_EQ(elu[4], 2);
    EXPECT_EQ(elu[5], infinity);
    const Floats sigmoid = run_one("sigmoid", {}, isa);
    EXPECT_NEAR(sigmoid[0], 1 / (1 + std::exp(4.0)), 1e-8);
    EXPECT_EQ(sigmoid[4], 0);
    EXPECT_EQ(sigmoid[5], 1);
  }
}

TEST(ElementwiseOps, ClipRefusesLimitsThatCross) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const auto& limits : {std::pair{1.0F, 0.5F}, std::pair{nan, 1.0F}, std::pair{0.0F, nan}}) {
    FileBuilder builder({3});
    builder.tensor<float>("low", "F32", {1}, {limits.first});
    builder.tensor<float>("high", "F32", {1}, {limits.second});
    const std::string bytes = builder.encode({builder.node("clip", "data", "f32", {3}, OrderedJson::object(),
                                                           {{"low", "low"}, {"high", "high"}})});
    const auto model = Model::from_memory(bytes.data(), bytes.size(), "scalar");
    ASSERT_FALSE(model.ok());
    EXPECT_NE(model.status().message().find("low must not be above high"), std::string::npos)
        << model.status().message();
  }
}

}  // namespace
}  // namespace bmx
