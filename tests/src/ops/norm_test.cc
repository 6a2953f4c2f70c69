// softmax and lrn against plain loops.
#include <gtest/gtest.h>

#include <cmath>

#include "support/ops_tester.h"

namespace bmx {
namespace {

using testing::FileBuilder;
using testing::Floats;
using testing::isas;
using testing::random_floats;
using testing::run;

TEST(NormOps, SoftmaxSumsToOneAndKeepsRatios) {
  FileBuilder builder({7});
  const std::string bytes = builder.encode({builder.node("softmax", "data", "f32", {7})});
  const Floats x = random_floats(7, 8);
  double sum = 0;
  for (float value : x) sum += std::exp(static_cast<double>(value));
  for (const char* isa : isas()) {
    const Floats y = run(bytes, isa, x, {7});
    for (size_t i = 0; i < 7; ++i) EXPECT_NEAR(y[i], std::exp(static_cast<double>(x[i])) / sum, 1e-6) << isa;
  }
}

TEST(NormOps, LocalResponseNormalization) {
  const Floats x = random_floats(2 * 5, 11);
  for (const float beta : {0.5F, 0.75F, 1.0F}) {
    FileBuilder builder({5});
    builder.tensor<float>("alpha", "F32", {1}, {0.5F});
    builder.tensor<float>("beta", "F32", {1}, {beta});
    builder.tensor<float>("knorm", "F32", {1}, {2});
    const std::string y = builder.node("lrn", "data", "f32", {5}, {{"size", 3}},
                                       {{"alpha", "alpha"}, {"beta", "beta"}, {"knorm", "knorm"}});
    const Floats found = run(builder.encode({y}), "scalar", x, {5});
    for (size_t i = 0; i < x.size(); ++i) {
      double sum = 0;
      for (size_t j = i % 5 == 0 ? i : i - 1; j <= i + 1 && j / 5 == i / 5; ++j) sum += x[j] * x[j];
      EXPECT_NEAR(found[i], x[i] / std::pow(2 + 0.5 / 3 * sum, beta), 1e-6);
    }
  }
}

}  // namespace
}  // namespace bmx
