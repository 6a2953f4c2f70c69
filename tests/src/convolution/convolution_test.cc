#include "convolution/convolution.h"

#include <gtest/gtest.h>

#include <iterator>

#include "support/conv_tester.h"
#include "support/tester.h"

namespace bmx {
namespace {

using testing::ConvTester;
using testing::kAllSteps;
using testing::Random;
using testing::Steps;

constexpr int64_t kChannels[] = {1, 3, 31, 32, 33, 63, 64, 65, 127, 128, 160};

class Convolution : public testing::IsaTest {};

TEST_P(Convolution, ChannelsAroundTheWord) {
  for (int64_t channels : kChannels) {
    for (int64_t kernel : {1, 3}) {
      ConvTester().channels(channels, 7).kernel(kernel).pad(kernel / 2).batch(3).binary(kernels());
      ConvTester().channels(channels, 7).kernel(kernel).pad(kernel / 2).batch(3).floats(kernels());
    }
  }
}

TEST_P(Convolution, OutputsAroundThePanel) {
  const BinaryTiles& tiles = kernels().binary;
  for (int64_t panel : {tiles.lanes, tiles.max_vectors * tiles.lanes, int64_t{32}}) {
    for (int64_t outputs : {int64_t{1}, panel - 1, panel, panel + 1, 2 * panel + 1}) {
      if (outputs == 0) continue;
      ConvTester().channels(9, outputs).pad(1).binary(kernels());
      ConvTester().channels(9, outputs).pad(1).floats(kernels());
    }
  }
}

TEST_P(Convolution, KernelStridePaddingDilation) {
  for (int64_t kernel : {1, 3, 5, 7}) {
    for (int64_t stride : {1, 2}) {
      for (int64_t pad : {0, 1, 2}) {
        for (int64_t dilation : {1, 2}) {
          auto tester = ConvTester().size(13, 14).kernel(kernel).stride(stride).pad(pad).dilation(dilation);
          for (int pad_value : {0, 1, -1}) tester.pad_value(pad_value).binary(kernels());
          tester.floats(kernels());
        }
      }
    }
  }
}

TEST_P(Convolution, HeightAndWidthDiffer) {
  ConvShape shape;
  shape.in_height = 9;
  shape.in_width = 6;
  shape.in_channels = 65;
  shape.out_channels = 3;
  shape.kernel_height = 1;
  shape.kernel_width = 3;
  shape.stride_height = 2;
  shape.pad_width = 2;
  shape.dilation_width = 2;
  ConvTester(shape).batch(2).binary(kernels());
  ConvTester(shape).batch(2).floats(kernels());
  std::swap(shape.kernel_height, shape.kernel_width);
  std::swap(shape.pad_height, shape.pad_width);
  ConvTester(shape).batch(2).binary(kernels());
  ConvTester(shape).batch(2).floats(kernels());
}

TEST_P(Convolution, PaddingBeyondTheKernel) {
  for (int pad_value : {0, 1, -1}) ConvTester().pad(5).pad_value(pad_value).batch(2).binary(kernels());
  ConvTester().pad(5).batch(2).floats(kernels());
}

TEST_P(Convolution, ImageSmallerThanTheKernel) {
  for (int pad_value : {0, 1, -1}) {
    ConvTester().size(1, 2).kernel(5).pad(2).pad_value(pad_value).binary(kernels());
    ConvTester().size(1, 2).kernel(3).dilation(2).pad(2).pad_value(pad_value).binary(kernels());
  }
  ConvTester().size(1, 2).kernel(5).pad(2).floats(kernels());
}

TEST_P(Convolution, GroupsOfAnySize) {
  for (int64_t channels : {2, 6, 66, 128, 130, 160}) {
    for (int64_t groups : {int64_t{2}, channels}) {
      for (int pad_value : {0, 1, -1}) {
        ConvTester()
            .channels(channels, 2 * channels)
            .groups(groups)
            .pad(1)
            .pad_value(pad_value)
            .binary(kernels());
      }
      ConvTester().channels(channels, channels).groups(groups).kernel(1).binary(kernels());
      ConvTester().channels(channels, 2 * channels).groups(groups).pad(1).floats(kernels());
      ConvTester().channels(channels, channels).groups(groups).kernel(1).floats(kernels());
    }
  }
}

// More taps than a byte can count.
TEST_P(Convolution, DepthwiseWithManyTaps) {
  for (int64_t kernel : {15, 16, 17, 23, 24}) {
    for (int64_t channels : {3, 64, 70}) {
      ConvTester conv = ConvTester().size(kernel + 1, kernel + 2).channels(channels, channels);
      conv.groups(channels).kernel(kernel).pad(1).pad_value(1).binary(kernels());
    }
  }
}

TEST_P(Convolution, GroupsThatCrossWords) {
  ConvTester().channels(3 * 50, 6).groups(3).pad(1).batch(2).binary(kernels());
  ConvTester().channels(3 * 70, 6).groups(3).pad(1).batch(2).pad_value(1).binary(kernels());
  ConvTester().channels(2 * 127, 4).groups(2).kernel(1).stride(2).binary(kernels());
}

TEST_P(Convolution, DenseLayers) {
  for (int64_t inputs : {1, 64, 65, 500, 2500}) {
    for (int64_t batch : {1, 3, 130}) {
      ConvTester().size(1, 1).kernel(1).channels(inputs, 10).batch(batch).binary(kernels());
      ConvTester().size(1, 1).kernel(1).channels(inputs, 10).batch(batch).floats(kernels());
    }
  }
}

// More pixels than a chunk holds, several images: chunks start and end anywhere in a row.
TEST_P(Convolution, SeveralChunks) {
  for (const Steps& steps : kAllSteps) {
    ConvTester().size(19, 21).channels(3, 70).pad(1).batch(5).steps(steps).binary(kernels());
    ConvTester().size(19, 21).channels(3, 70).pad(1).batch(3).steps(steps).floats(kernels());
  }
}

TEST_P(Convolution, EveryEpilogue) {
  for (const Steps& steps : kAllSteps) {
    for (int64_t outputs : kChannels) {
      ConvTester().channels(20, outputs).pad(1).steps(steps).binary(kernels());
      ConvTester().channels(2, outputs).pad(1).steps(steps).floats(kernels());
    }
  }
}

TEST_P(Convolution, RandomCombinations) {
  int runs = 0;
  for (uint32_t seed = 1; runs < 300; ++seed) {
    Random random(seed);
    ConvShape shape;
    const int64_t unit = random.choice<int64_t>({1, 2, 3, 16, 31, 33, 64, 65, 80});
    shape.groups = random.choice<int64_t>({1, 1, 1, 2, 3});
    shape.in_channels = shape.groups * unit;
    shape.out_channels = shape.groups * random.integer(1, 9);
    shape.kernel_height = random.choice<int64_t>({1, 2, 3, 5});
    shape.kernel_width = random.choice<int64_t>({1, 2, 3, 5});
    shape.stride_height = random.integer(1, 3);
    shape.stride_width = random.integer(1, 3);
    shape.pad_height = random.integer(0, 3);
    shape.pad_width = random.integer(0, 3);
    shape.dilation_height = random.integer(1, 2);
    shape.dilation_width = random.integer(1, 2);
    shape.in_height = random.integer(1, 9);
    shape.in_width = random.integer(1, 9);
    if (!shape.validate().ok()) continue;
    ++runs;
    const Steps steps = kAllSteps[random.integer(0, static_cast<int64_t>(std::size(kAllSteps)) - 1)];
    auto tester = ConvTester(shape).batch(random.choice<int64_t>({1, 3})).steps(steps).seed(seed);
    tester.pad_value(static_cast<int>(random.integer(-1, 1))).binary(kernels());
    tester.floats(kernels());
    if (HasFailure()) return;
  }
}

// As many products as sums hold, all of them as large as they can be.
TEST_P(Convolution, SumsReachTheLimits) {
  constexpr Planes kBytes{8, BitValues::kZeroOne}, kSigned{8, BitValues::kTwosComplement};
  constexpr int64_t kDepth = INT32_MAX / (255 * 128), kWords = words_for(kDepth);
  ConvShape shape;
  shape.in_channels = kDepth;
  shape.out_channels = 2;
  // The first output's weights are -128, the second's 127.
  std::vector<uint64_t> x(8 * kWords, ~uint64_t{0}), weights(8 * 2 * kWords, 0);
  for (int64_t row = 0; row < 16; ++row) {
    const bool top = row / 2 == 7, first = row % 2 == 0;
    if (top == first) std::fill_n(weights.begin() + row * kWords, kWords, ~uint64_t{0});
    weights[static_cast<size_t>((row + 1) * kWords - 1)] &= tail_mask(kDepth);
  }
  for (int64_t plane = 1; plane <= 8; ++plane)
    x[static_cast<size_t>(plane * kWords - 1)] &= tail_mask(kDepth);
  auto convolution = BinaryConvolution::create(shape, 0, weights.data(), kernels(), kBytes, kSigned);
  ASSERT_TRUE(convolution.ok()) << convolution.status().message();
  AlignedArray<uint8_t> workspace(static_cast<size_t>(convolution->workspace_bytes()));
  int32_t sums[2] = {};
  ConvOutputs out;
  out.integers = sums;
  convolution->run(x.data(), 1, {}, out, workspace.data());
  EXPECT_EQ(sums[0], -128 * 255 * kDepth);
  EXPECT_EQ(sums[1], 127 * 255 * kDepth);
  shape.in_channels = kDepth + 1;
  EXPECT_EQ(BinaryConvolution::check_planes(shape, 0, kBytes, kSigned).message(),
            "convolution: sums must stay below 2147483648, found 65794 products of 8 and 8 bits");
}

// A layer's memory: 1 bit a weight, and little beside it.
TEST_P(Convolution, BinaryWeightsStayPacked) {
  ConvShape shape;
  shape.in_height = shape.in_width = 14;
  shape.in_channels = 200;
  shape.out_channels = 256;
  shape.kernel_height = shape.kernel_width = 3;
  const std::vector<uint64_t> weights = Random(1).bits(256 * 9, 200);
  auto convolution = FloatConvolution::create_binary(shape, weights.data(), kernels());
  ASSERT_TRUE(convolution.ok());
  EXPECT_LT(convolution->packed_bytes(), shape.out_channels * shape.depth() / 8 + 4096);
}

BMX_TEST_ALL_ISAS(Convolution);

TEST(BinaryConvolutionErrors, NamesWhatIsExpectedAndFound) {
  ConvShape shape;
  shape.in_channels = 40000;
  shape.out_channels = 1;
  const std::vector<uint64_t> weights(static_cast<size_t>(8 * words_for(shape.in_channels)));
  const auto message = [&](int pad_value, Planes inputs, Planes planes) {
    return BinaryConvolution::create(shape, pad_value, weights.data(), *all_kernels().back(), inputs, planes)
        .status()
        .message();
  };
  const Planes bytes{8, BitValues::kZeroOne}, none{0, BitValues::kSigns}, nine{9, BitValues::kSigns};
  const Planes one{1, BitValues::kTwosComplement}, eight{8, BitValues::kTwosComplement};
  EXPECT_EQ(message(2, {}, {}), "convolution: pad_value must be 0, 1 or -1, found 2");
  EXPECT_EQ(message(0, none, {}), "convolution: the number of bit planes must be between 1 and 8, found 0");
  EXPECT_EQ(message(0, {}, nine), "convolution: the number of bit planes must be between 1 and 8, found 9");
  EXPECT_EQ(message(1, bytes, {}),
            "convolution: pad_value must be 0 for inputs of several bit planes or of 0/1 bits, found 1");
  EXPECT_EQ(message(0, bytes, bytes),
            "convolution: sums must stay below 2147483648, found 40000 products of 8 and 8 bits");
  EXPECT_EQ(message(0, {}, one),
            "convolution: weights in two's complement need at least 2 bit planes, found 1");
  EXPECT_EQ(message(0, eight, {}), "convolution: inputs cannot be in two's complement");
  EXPECT_TRUE(message(0, bytes, {}).empty());
  EXPECT_TRUE(message(0, bytes, eight).empty());  // 40000 * 255 * 128 is below 2^31
}

}  // namespace
}  // namespace bmx
