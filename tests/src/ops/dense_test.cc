// Dense layers with binary weights equal those with the same weights as floats, on every ISA.
#include <gtest/gtest.h>

#include "base/bits.h"
#include "support/code_file.h"

namespace bmx {
namespace {

using testing::FileBuilder;
using testing::Floats;
using testing::isas;
using testing::kNone;
using testing::packed;
using testing::Random;
using testing::run;

TEST(DenseOps, BinaryWeightDenseEqualsDense) {
  for (int64_t inputs : {1, 64, 75}) {
    constexpr int64_t kOutputs = 37;
    Random random(static_cast<uint32_t>(inputs));
    const Floats x = random.reals(3 * inputs);
    Floats weights;
    for (int64_t i = 0; i < kOutputs * inputs; ++i)
      weights.push_back(random.integer(0, 1) == 1 ? 1.0F : -1.0F);
    FileBuilder real({inputs}), binary({inputs});
    real.tensor("w", "F32", {kOutputs, inputs}, weights);
    binary.tensor("w", "U8", {kOutputs, bytes_for(inputs)}, packed(weights, inputs));
    const std::string floats =
        real.encode({real.node("dense", "data", "f32", {kOutputs}, kNone, {{"weight", "w"}})});
    const std::string bits = binary.encode(
        {binary.node("binary_weight_dense", "data", "f32", {kOutputs}, kNone, {{"weight", "w"}})});
    for (const char* isa : isas())
      EXPECT_EQ(run(bits, isa, x, {inputs}), run(floats, isa, x, {inputs})) << isa;
  }
}

}  // namespace
}  // namespace bmx
