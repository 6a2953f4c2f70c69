// Convolutions with binary weights equal those with the same weights as floats, on every ISA.
#include <gtest/gtest.h>

#include "base/bits.h"
#include "support/code_file.h"

namespace bmx {
namespace {

using testing::conv_attrs;
using testing::FileBuilder;
using testing::Floats;
using testing::isas;
using testing::OrderedJson;
using testing::packed;
using testing::Random;
using testing::run;

struct WeightCase {
  int64_t channels, outputs, groups, kernel, stride, padding;
};

TEST(ConvOps, BinaryWeightsEqualFloatWeights) {
  uint32_t seed = 0;
  for (const WeightCase& c :
       {WeightCase{3, 5, 1, 3, 1, 1}, WeightCase{65, 33, 1, 3, 2, 1}, WeightCase{64, 70, 1, 1, 1, 0},
        WeightCase{66, 6, 2, 3, 1, 2}, WeightCase{24, 24, 24, 3, 2, 1}}) {
    Random random(++seed);
    const int64_t group = c.channels / c.groups, count = c.outputs * c.kernel * c.kernel * group;
    const Floats x = random.reals(2 * 7 * 6 * c.channels);
    Floats weights;
    for (int64_t i = 0; i < count; ++i) weights.push_back(random.integer(0, 1) == 1 ? 1.0F : -1.0F);
    const std::vector<int64_t> shape{7, 6, c.channels},
        out{(7 + 2 * c.padding - c.kernel) / c.stride + 1, (6 + 2 * c.padding - c.kernel) / c.stride + 1,
            c.outputs};
    const OrderedJson attrs = conv_attrs(c.stride, c.padding, c.groups);
    FileBuilder real(shape), binary(shape);
    real.tensor("w", "F32", {c.outputs, c.kernel, c.kernel, group}, weights);
    binary.tensor("w", "U8", {c.outputs, c.kernel, c.kernel, bytes_for(group)}, packed(weights, group));
    const std::string floats =
        real.encode({real.node("conv2d", "data", "f32", out, attrs, {{"weight", "w"}})});
    const std::string bits =
        binary.encode({binary.node("binary_weight_conv2d", "data", "f32", out, attrs, {{"weight", "w"}})});
    for (const char* isa : isas())
      EXPECT_EQ(run(bits, isa, x, shape), run(floats, isa, x, shape)) << isa << ", seed " << seed;
  }
}

}  // namespace
}  // namespace bmx
