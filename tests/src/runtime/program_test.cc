// Which nodes become steps.
#include <gtest/gtest.h>

#include "runtime/program.h"
#include "support/nets.h"

namespace bmx {
namespace {

using testing::FileBuilder;
using testing::load;
using testing::OrderedJson;

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
