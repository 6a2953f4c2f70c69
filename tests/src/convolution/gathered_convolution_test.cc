#include "convolution/gathered_convolution.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "support/tester.h"

namespace bmx {
namespace {

using testing::Guarded;
using testing::Random;

ConvShape small_shape(int64_t channels) {
  ConvShape shape;
  shape.in_height = 9;
  shape.in_width = 7;
  shape.in_channels = channels;
  shape.out_channels = 70;
  shape.kernel_height = shape.kernel_width = 3;
  shape.pad_height = shape.pad_width = 1;
  return shape;
}

class Gathered : public testing::IsaTest {
 protected:
  // Codes, weights and a threshold for each output, drawn anew; both ways, with one thread and with three.
  void compare(const ConvShape& shape, int planes, Planes weight_planes, int64_t batch = 2) {
    SCOPED_TRACE(std::to_string(shape.in_channels) + " channels, " + std::to_string(planes) +
                 " planes, kernel " + std::to_string(shape.kernel_height) + "x" +
                 std::to_string(shape.kernel_width));
    const Planes inputs{planes, BitValues::kZeroOne};
    const auto x = random_.bits(batch * shape.in_height * shape.in_width * planes, shape.in_channels);
    const auto weights =
        random_.bits(weight_planes.count * shape.out_channels * shape.taps(), shape.in_channels);
    auto expected = BinaryConvolution::create(shape, 0, weights.data(), kernels(), inputs, weight_planes);
    auto found = GatheredConvolution::create(shape, weights.data(), kernels(), inputs, weight_planes);
    ASSERT_TRUE(expected.ok() && found.ok());
    const int64_t pixels = batch * shape.out_height() * shape.out_width();
    const auto thresholds = random_.integers(shape.out_channels, -9, 9);
    const auto scale = random_.reals(shape.out_channels), shift = random_.reals(shape.out_channels);
    const auto residual = random_.reals(pixels * shape.out_channels);
    Epilogue sums, bits, floats;
    bits.threshold_i32 = thresholds.data();
    floats.scale = scale.data();
    floats.shift = shift.data();
    floats.residual = true;
    for (int threads : {1, 3}) {
      ThreadPool pool(threads);
      const auto both = [&](const Epilogue& epilogue, ConvOutputs to_expected, ConvOutputs to_found) {
        Guarded<uint8_t> work(expected->workspace_bytes(threads)), gathered(found->workspace_bytes(threads));
        expected->run(x.data(), batch, epilogue, to_expected, work.data(), &pool);
        found->run(x.data(), batch, epilogue, to_found, gathered.data(), &pool);
        EXPECT_TRUE(gathered.intact());
      };
      const auto outputs_of = [](auto& array, auto member) {
        ConvOutputs out;
        out.*member = array.data();
        return out;
      };
      Guarded<int32_t> a(pixels * shape.out_channels), b(pixels * shape.out_channels);
      both(sums, outputs_of(a, &ConvOutputs::integers), outputs_of(b, &ConvOutputs::integers));
      EXPECT_EQ(a.values(), b.values());
      Guarded<uint64_t> c(pixels * words_for(shape.out_channels)), d(pixels * words_for(shape.out_channels));
      both(bits, outputs_of(c, &ConvOutputs::bits), outputs_of(d, &ConvOutputs::bits));
      EXPECT_EQ(c.values(), d.values());
      // Rows of floats that are further apart than they are long.
      const int64_t stride = shape.out_channels + 5;
      std::vector<float> e(static_cast<size_t>(pixels * stride)), f(e.size());
      const auto strided = [&](std::vector<float>& array) {
        ConvOutputs out;
        out.floats = array.data();
        out.float_stride = stride;
        out.residual = residual.data();
        return out;
      };
      both(floats, strided(e), strided(f));
      EXPECT_EQ(e, f);
    }
  }

  Random random_{21};
};

TEST_P(Gathered, EqualsTheSlab) {
  for (int64_t channels : {1, 2, 3, 5, 21, 22, 32}) {
    for (int planes : {1, 2, 8}) {
      compare(small_shape(channels), planes, {});
      compare(small_shape(channels), planes, {3, BitValues::kTwosComplement});
    }
  }
}

TEST_P(Gathered, EveryGeometry) {
  for (int round = 0; round < 60; ++round) {
    ConvShape shape = small_shape(random_.integer(1, 7));
    shape.out_channels = random_.integer(1, 40);
    shape.kernel_height = random_.integer(1, 7);
    shape.kernel_width = random_.integer(1, 12);
    shape.stride_height = random_.integer(1, 4);
    shape.stride_width = random_.integer(1, 4);
    shape.pad_height = random_.integer(0, shape.kernel_height - 1);
    shape.pad_width = random_.integer(0, shape.kernel_width - 1);
    shape.in_height = random_.integer(std::max<int64_t>(1, shape.kernel_height - 2 * shape.pad_height), 13);
    shape.in_width = random_.integer(std::max<int64_t>(1, shape.kernel_width - 2 * shape.pad_width), 21);
    if (!shape.validate().ok()) continue;
    compare(shape, static_cast<int>(random_.integer(1, 8)), {}, random_.integer(1, 3));
  }
}

TEST_P(Gathered, InSeveralBands) {
  ConvShape shape = small_shape(3);
  shape.in_height = 61;
  shape.in_width = 120;
  shape.out_channels = 9;
  shape.kernel_height = shape.kernel_width = 11;
  compare(shape, 8, {}, 1);
}

TEST_P(Gathered, OnlyWhereItPays) {
  const Planes codes{8, BitValues::kZeroOne};
  const auto pays = [&](const ConvShape& shape, Planes inputs) {
    return GatheredConvolution::pays(shape, kernels(), inputs);
  };
  ConvShape shape = small_shape(3);
  EXPECT_EQ(pays(shape, codes), kernels().binary.unit_bits > 4);  // units of 4 bits are nearly full
  EXPECT_FALSE(pays(shape, {1, BitValues::kSigns}));
  EXPECT_FALSE(pays(small_shape(64), codes));
  EXPECT_FALSE(pays(small_shape(65), codes));
  shape.out_channels = 4;
  EXPECT_FALSE(pays(shape, codes));
  shape = small_shape(3);
  shape.dilation_width = 2;
  EXPECT_FALSE(pays(shape, codes));
  shape = small_shape(3);
  shape.pad_height = 3;
  EXPECT_FALSE(pays(shape, codes));
  shape = small_shape(3);
  shape.kernel_height = shape.kernel_width = 1;
  EXPECT_FALSE(pays(shape, codes));
  shape = small_shape(6);
  shape.groups = 2;
  EXPECT_FALSE(pays(shape, codes));
}

BMX_TEST_ALL_ISAS(Gathered);

}  // namespace
}  // namespace bmx
