#include "microkernels/kernels.h"
#include "convolution/convolution.h"
#include "convolution/float_product.h"
#include "microkernels/bit_planes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "reference/reference.h"
#include "support/tester.h"

namespace bmx {
namespace {

using testing::float_bits;
using testing::Guarded;
using testing::Random;

constexpr int64_t kChannels[] = {1, 3, 31, 32, 33, 63, 64, 65, 127, 128, 160};
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(KernelList, EndsWithScalarAndNamesAreUnique) {
  std::set<std::string> names;
  for (const Kernels* kernels : all_kernels())
    EXPECT_TRUE(names.insert(kernels->name).second) << kernels->name;
  EXPECT_STREQ(all_kernels().back()->name, "scalar");
  EXPECT_TRUE(all_kernels().back()->supported());
}

TEST(KernelList, AutoIsTheFirstSupported) {
  const Kernels* best = nullptr;
  for (const Kernels* kernels : all_kernels()) {
    if (best == nullptr && kernels->supported()) best = kernels;
  }
  EXPECT_EQ(*find_kernels("auto"), best);
  EXPECT_EQ(*find_kernels(""), best);
}

TEST(KernelList, ANameGivesThatIsaOrAnError) {
  for (const Kernels* kernels : all_kernels()) {
    const auto found = find_kernels(kernels->name);
    if (kernels->supported()) {
      EXPECT_EQ(found.value(), kernels);
    } else {
      EXPECT_EQ(found.status().code(), Code::kUnsupported);
      EXPECT_NE(found.status().message().find("is not supported by this CPU; it supports"),
                std::string::npos);
    }
  }
}

TEST(KernelList, AnUnknownNameListsTheBuild) {
  const Status status = find_kernels("foo").status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_EQ(status.message().rfind("unknown ISA 'foo'; this build has ", 0), 0U);
  for (const Kernels* kernels : all_kernels()) {
    EXPECT_NE(status.message().find(kernels->name), std::string::npos) << kernels->name;
  }
}

class Unpack : public testing::IsaTest {};

TEST_P(Unpack, Signs) {
  Random random(14);
  for (int64_t count : {1, 31, 32, 33, 63, 64, 65, 96, 97, 128, 1000}) {
    const std::vector<uint64_t> bits = random.bits(1, count);
    const std::vector<int> expected = reference::unpack(bits, count);
    Guarded<float> y(count);
    kernels().unpack_signs(bits.data(), count, y.data());
    EXPECT_EQ(y.values(), std::vector<float>(expected.begin(), expected.end())) << count;
    EXPECT_TRUE(y.intact());
  }
}

BMX_TEST_ALL_ISAS(Unpack);

class Pack : public testing::IsaTest {};

TEST_P(Pack, SignOfFloats) {
  Random random(1);
  for (int64_t channels : kChannels) {
    for (int64_t rows : {1, 3}) {
      std::vector<float> x = random.reals(rows * channels);
      for (float& value : x) {
        value = random.choice({value, value, 0.0F, -0.0F, kNan, kInfinity, -kInfinity, -1e-45F});
      }
      Guarded<uint64_t> out(rows * words_for(channels));
      kernels().pack_f32(x.data(), rows, channels, nullptr, nullptr, out.data());
      EXPECT_EQ(out.values(), reference::pack(x, channels, nullptr, nullptr)) << channels;
      EXPECT_TRUE(out.intact());
    }
  }
}

// Whole words are packed many at a time: around the sizes of those batches, a value whose sign bit is not its
// sign is found wherever it lies.
TEST_P(Pack, OneOddValueAmongManyWords) {
  Random random(12);
  const float odd[] = {-0.0F, -kNan, kNan, -kInfinity, -1e-45F, -1e-38F, -3e38F, 0.0F};
  for (int64_t words : {1, 2, 3, 4, 31, 32, 33, 67}) {
    for (int trial = 0; trial < 16; ++trial) {
      std::vector<float> x = random.reals(words * kWordBits);
      x[static_cast<size_t>(random.integer(0, words * kWordBits - 1))] = odd[trial % 8];
      Guarded<uint64_t> out(words);
      kernels().pack_f32(x.data(), words, kWordBits, nullptr, nullptr, out.data());
      EXPECT_EQ(out.values(), reference::pack(x, kWordBits, nullptr, nullptr)) << words << ", " << trial;
      EXPECT_TRUE(out.intact());
    }
  }
}

TEST_P(Pack, FloatThresholdsWithAndWithoutFlip) {
  Random random(2);
  for (int64_t channels : kChannels) {
    std::vector<float> threshold = random.reals(channels);
    for (float& value : threshold)
      value = random.choice({value, value, value, 0.0F, kNan, kInfinity, -kInfinity});
    std::vector<float> x;
    for (int64_t row = 0; row < 4; ++row) {
      for (float limit : threshold) x.push_back(random.choice({limit, random.real(), kNan}));
    }
    const std::vector<uint64_t> mixed = random.bits(1, channels);
    for (const uint64_t* flip : std::initializer_list<const uint64_t*>{nullptr, mixed.data()}) {
      Guarded<uint64_t> out(4 * words_for(channels));
      kernels().pack_f32(x.data(), 4, channels, threshold.data(), flip, out.data());
      EXPECT_EQ(out.values(), reference::pack(x, channels, threshold.data(), flip)) << channels;
      EXPECT_TRUE(out.intact());
    }
  }
}

TEST_P(Pack, IntegerThresholdsWithAndWithoutFlip) {
  Random random(3);
  constexpr int32_t kMin = std::numeric_limits<int32_t>::min(), kMax = std::numeric_limits<int32_t>::max();
  for (int64_t channels : kChannels) {
    std::vector<int32_t> threshold = random.integers(channels, -5, 5);
    for (int32_t& value : threshold) value = random.choice({value, value, value, kMin, kMax});
    std::vector<int32_t> x = random.integers(4 * channels, -5, 5);
    for (int32_t& value : x) value = random.choice({value, value, value, kMin, kMax});
    const std::vector<uint64_t> mixed = random.bits(1, channels);
    for (const uint64_t* flip : std::initializer_list<const uint64_t*>{nullptr, mixed.data()}) {
      for (const int32_t* limits : std::initializer_list<const int32_t*>{nullptr, threshold.data()}) {
        Guarded<uint64_t> out(4 * words_for(channels));
        kernels().pack_i32(x.data(), 4, channels, limits, flip, out.data());
        EXPECT_EQ(out.values(), reference::pack(x, channels, limits, flip)) << channels;
        EXPECT_TRUE(out.intact());
      }
    }
  }
}

BMX_TEST_ALL_ISAS(Pack);

class PackLayouts : public testing::IsaTest {
 protected:
  template <class T>
  void planar(const std::vector<T>& x, int64_t channels, int64_t positions, const T* threshold,
              const uint64_t* flip,
              void (*pack)(const T*, int64_t, int64_t, const T*, const uint64_t*, uint64_t*)) {
    std::vector<T> last(x.size());
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t p = 0; p < positions; ++p) {
        last[static_cast<size_t>(p * channels + c)] = x[static_cast<size_t>(c * positions + p)];
      }
    }
    Guarded<uint64_t> out(positions * words_for(channels));
    pack(x.data(), channels, positions, threshold, flip, out.data());
    EXPECT_EQ(out.values(), reference::pack(last, channels, threshold, flip))
        << channels << " x " << positions;
    EXPECT_TRUE(out.intact());
  }

  template <class T>
  void planes(const std::vector<T>& x, const std::vector<T>& thresholds, int64_t rows, int64_t channels,
              int count, void (*pack)(const T*, int64_t, int64_t, const T*, int, uint64_t*)) {
    std::vector<uint64_t> expected(static_cast<size_t>(rows * count * words_for(channels)));
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < channels; ++c) {
        uint64_t level = 0;
        for (size_t t = static_cast<size_t>(c); t < thresholds.size(); t += static_cast<size_t>(channels)) {
          level += x[static_cast<size_t>(r * channels + c)] < thresholds[t] ? 0 : 1;
        }
        for (int i = 0; i < count; ++i) {
          expected[static_cast<size_t>((r * count + i) * words_for(channels) + c / 64)] |= (level >> i & 1)
                                                                                           << (c % 64);
        }
      }
    }
    Guarded<uint64_t> out(static_cast<int64_t>(expected.size()));
    pack(x.data(), rows, channels, thresholds.data(), count, out.data());
    EXPECT_EQ(out.values(), expected) << count << " planes of " << channels;
    EXPECT_TRUE(out.intact());
  }
};

TEST_P(PackLayouts, ChannelsFirst) {
  Random random(8);
  for (int64_t channels : {1, 3, 63, 64, 65, 130}) {
    for (int64_t positions : {1, 7, 63, 64, 65, 200}) {
      std::vector<float> x = random.reals(channels * positions);
      for (size_t i = 0; i < x.size(); i += 7) x[i] = i % 2 == 0 ? kNan : -0.0F;
      const auto thresholds = random.reals(channels);
      const auto flip = random.bits(1, channels);
      planar<float>(x, channels, positions, nullptr, nullptr, kernels().pack_planar_f32);
      planar<float>(x, channels, positions, thresholds.data(), flip.data(), kernels().pack_planar_f32);
      const auto integers = random.integers(channels * positions, -9, 9),
                 limits = random.integers(channels, -9, 9);
      planar<int32_t>(integers, channels, positions, limits.data(), flip.data(), kernels().pack_planar_i32);
    }
  }
}

TEST_P(PackLayouts, SeveralPlanes) {
  constexpr int64_t kRows = 65;  // more than are searched together
  Random random(9);
  for (int count : {1, 2, 3, 4, 5, 8}) {
    for (int64_t channels : {1, 3, 21, 31, 64, 65}) {
      const int64_t levels = (1 << count) - 1;
      std::vector<float> limits;
      std::vector<int32_t> integer_limits;
      for (int64_t level = 0; level < levels; ++level) {
        for (int64_t c = 0; c < channels; ++c) {
          limits.push_back(static_cast<float>(8 * level + c % 8) / static_cast<float>(levels) - 4);
          integer_limits.push_back(static_cast<int32_t>(level * 2 + c % 2 - levels));
        }
      }
      std::vector<float> x = random.reals(kRows * channels);
      for (size_t i = 0; i < x.size(); i += 9) x[i] = i % 2 == 0 ? kNan : limits[i % limits.size()];
      planes<float>(x, limits, kRows, channels, count, kernels().pack_planes_f32);
      planes<int32_t>(random.integers(kRows * channels, -300, 300), integer_limits, kRows, channels, count,
                      kernels().pack_planes_i32);
    }
  }
}

BMX_TEST_ALL_ISAS(PackLayouts);

TEST(UnpackPlanes, GivesTheNumbersThatWerePacked) {
  Random random(13);
  for (int count = 1; count <= 8; ++count) {
    for (int64_t channels : {1, 7, 8, 63, 64, 65, 129}) {
      constexpr int64_t kRows = 3;
      std::vector<uint8_t> x;
      for (int64_t i = 0; i < kRows * channels; ++i)
        x.push_back(static_cast<uint8_t>(random.integer(0, (1 << count) - 1)));
      Guarded<uint64_t> planes(kRows * count * words_for(channels));
      pack_bytes(x.data(), kRows, channels, count, planes.data());
      Guarded<float> y(kRows * channels);
      unpack_planes(planes.data(), kRows, channels, count, y.data());
      EXPECT_EQ(y.values(), std::vector<float>(x.begin(), x.end())) << count << ", " << channels;
      EXPECT_TRUE(y.intact());
    }
  }
}

TEST(PackBytes, GivesThePlanesOfEveryByte) {
  Random random(10);
  for (int count : {1, 5, 8}) {
    for (int64_t channels : {1, 3, 8, 63, 64, 65, 129}) {
      constexpr int64_t kRows = 4;
      std::vector<uint8_t> x;
      for (int64_t i = 0; i < kRows * channels; ++i)
        x.push_back(static_cast<uint8_t>(random.integer(0, 255)));
      Guarded<uint64_t> out(kRows * count * words_for(channels));
      pack_bytes(x.data(), kRows, channels, count, out.data());
      std::vector<uint64_t> expected(static_cast<size_t>(kRows * count * words_for(channels)));
      for (int64_t i = 0; i < kRows * channels; ++i) {
        for (int plane = 0; plane < count; ++plane) {
          const int64_t word = (i / channels * count + plane) * words_for(channels) + i % channels / 64;
          expected[static_cast<size_t>(word)] |=
              uint64_t{x[static_cast<size_t>(i)]} >> plane << 63 >> 63 << (i % channels % 64);
        }
      }
      EXPECT_EQ(out.values(), expected) << channels;
      EXPECT_TRUE(out.intact());
    }
  }
}

class BinaryDense : public testing::IsaTest {
 protected:
  void check(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b, int64_t rows, int64_t outputs,
             int64_t depth) {
    const int64_t words = words_for(depth);
    ConvShape shape;
    shape.in_channels = depth;
    shape.out_channels = outputs;
    auto dense = BinaryConvolution::create(shape, 0, b.data(), kernels());
    ASSERT_TRUE(dense.ok()) << dense.status().message();
    Guarded<int32_t> out(rows * outputs);
    Guarded<uint8_t> workspace(dense->workspace_bytes());
    ConvOutputs outputs_of_run;
    outputs_of_run.integers = out.data();
    dense->run(a.data(), rows, {}, outputs_of_run, workspace.data());
    std::vector<int32_t> expected(static_cast<size_t>(rows * outputs));
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t o = 0; o < outputs; ++o) {
        int32_t dot = 0;
        for (int64_t k = 0; k < depth; ++k) {
          dot += get_bit(a.data() + r * words, k) == get_bit(b.data() + o * words, k) ? 1 : -1;
        }
        expected[static_cast<size_t>(r * outputs + o)] = dot;
      }
    }
    EXPECT_EQ(out.values(), expected) << rows << " x " << depth << " x " << outputs;
    EXPECT_TRUE(out.intact());
    EXPECT_TRUE(workspace.intact());
  }
};

TEST_P(BinaryDense, RowsAndOutputsAroundTheTile) {
  Random random(4);
  const BinaryTiles& tiles = kernels().binary;
  for (int vectors = 1; vectors <= tiles.max_vectors; ++vectors) {
    const int64_t panel = vectors * tiles.lanes, pixels = tiles.pixels[vectors - 1];
    for (int64_t rows = 1; rows <= pixels + 1; ++rows) {
      for (int64_t outputs : {panel - 1, panel, panel + 1}) {
        if (outputs > 0) check(random.bits(rows, 70), random.bits(outputs, 70), rows, outputs, 70);
      }
    }
  }
}

TEST_P(BinaryDense, EveryDepth) {
  Random random(5);
  for (int64_t depth : kChannels) check(random.bits(3, depth), random.bits(5, depth), 3, 5, depth);
}

// Where narrow counters would overflow if they were not widened in time.
TEST_P(BinaryDense, LongRowsThatDifferInEveryBit) {
  for (int64_t words : {7, 8, 15, 16, 30, 31, 32, 33, 62, 63, 100, 1100}) {
    const std::vector<uint64_t> ones(static_cast<size_t>(6 * words), ~uint64_t{0});
    const std::vector<uint64_t> zeros(static_cast<size_t>(9 * words), 0);
    check(ones, zeros, 6, 9, words * kWordBits);
  }
}

BMX_TEST_ALL_ISAS(BinaryDense);

class FloatProduct : public testing::IsaTest {};

TEST_P(FloatProduct, IsOneChainOfFusedMultiplyAdds) {
  Random random(6);
  const int64_t panel = product_panel(kernels()),
                tile = kernels().floats.pixels[kernels().floats.max_vectors - 1];
  for (int64_t rows : {int64_t{1}, int64_t{2}, tile, 2 * tile - 1}) {
    for (int64_t outputs : {int64_t{1}, panel - 1, panel, panel + 1, 2 * panel + 3}) {
      for (int64_t depth : {1, 2, 33}) {
        const int64_t a_stride = depth + 2, b_stride = outputs + 5, stride = outputs + 1;
        const std::vector<float> a = random.reals(rows * a_stride), b = random.reals(b_stride * depth);
        std::vector<float> panels(static_cast<size_t>(product_panels_size(kernels(), outputs, depth)));
        pack_product_panels(kernels(), b.data(), depth, b_stride, outputs, panels.data());
        std::vector<float> expected(static_cast<size_t>(rows * stride), 7.0F);
        Guarded<float> out(expected);
        float_product(kernels(), a.data(), rows, a_stride, depth, panels.data(), outputs, out.data(), stride);
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t o = 0; o < outputs; ++o) {
            float sum = 0;
            for (int64_t k = 0; k < depth; ++k) {
              sum = std::fma(a[static_cast<size_t>(r * a_stride + k)],
                             b[static_cast<size_t>(k * b_stride + o)], sum);
            }
            expected[static_cast<size_t>(r * stride + o)] = sum;
          }
        }
        EXPECT_EQ(float_bits(out.values()), float_bits(expected))
            << rows << " x " << depth << " x " << outputs;
        EXPECT_TRUE(out.intact());
      }
    }
  }
}

BMX_TEST_ALL_ISAS(FloatProduct);

class Elementwise : public testing::IsaTest {};

TEST_P(Elementwise, AffineRoundsOnce) {
  Random random(7);
  for (int64_t channels : kChannels) {
    const std::vector<float> scale = random.reals(channels), shift = random.reals(channels);
    const std::vector<float> x = random.reals(3 * channels);
    const std::vector<int32_t> integers =
        random.integers(3 * channels, -(int64_t{1} << 31), (int64_t{1} << 31) - 1);
    std::vector<float> from_floats, from_integers, casts;
    for (size_t i = 0; i < x.size(); ++i) {
      const size_t c = i % scale.size();
      from_floats.push_back(std::fma(x[i], scale[c], shift[c]));
      from_integers.push_back(std::fma(static_cast<float>(integers[i]), scale[c], shift[c]));
      casts.push_back(static_cast<float>(integers[i]));
    }
    Guarded<float> y(x);
    kernels().affine_f32(y.data(), 3, channels, scale.data(), shift.data(), y.data());
    EXPECT_EQ(float_bits(y.values()), float_bits(from_floats)) << channels;
    kernels().affine_i32(integers.data(), 3, channels, scale.data(), shift.data(), y.data());
    EXPECT_EQ(float_bits(y.values()), float_bits(from_integers)) << channels;
    kernels().cast_i32(integers.data(), 3 * channels, y.data());
    EXPECT_EQ(float_bits(y.values()), float_bits(casts)) << channels;
    EXPECT_TRUE(y.intact());
  }
}

TEST_P(Elementwise, IntegersBecomeFloatsInPlace) {
  Random random(8);
  for (int64_t channels : kChannels) {
    const std::vector<float> scale = random.reals(channels), shift = random.reals(channels);
    const std::vector<int32_t> x = random.integers(2 * channels, -500, 500);
    Guarded<int32_t> values(x);
    kernels().affine_i32(values.data(), 2, channels, scale.data(), shift.data(),
                         reinterpret_cast<float*>(values.data()));
    std::vector<float> y(x.size());
    std::memcpy(y.data(), values.data(), y.size() * sizeof(float));
    for (size_t i = 0; i < x.size(); ++i) {
      const size_t c = i % scale.size();
      EXPECT_EQ(y[i], std::fma(static_cast<float>(x[i]), scale[c], shift[c]));
    }
    EXPECT_TRUE(values.intact());
  }
}

TEST_P(Elementwise, ReluKeepsNan) {
  const std::vector<float> special = {0.0F, -0.0F, kInfinity, -kInfinity, 1e-45F, -1e-45F, 3.0F, -3.0F};
  for (size_t count = 1; count <= 40; ++count) {
    std::vector<float> x, expected;
    for (size_t i = 0; i < count; ++i) {
      x.push_back(special[i * 5 % special.size()]);
      expected.push_back(x.back() > 0 ? x.back() : 0.0F);
    }
    x.back() = expected.back() = kNan;
    Guarded<float> y(x);
    kernels().activate({Activation::kRelu}, y.data(), 1, static_cast<int64_t>(count), y.data());
    EXPECT_EQ(float_bits(y.values()), float_bits(expected)) << count;
    EXPECT_TRUE(y.intact());
  }
}

TEST_P(Elementwise, SlopesOfEachChannelAndNan) {
  Random random(9);
  for (int64_t channels : kChannels) {
    const std::vector<float> slope = random.reals(channels);
    std::vector<float> x = random.reals(3 * channels), prelu, elu;
    for (size_t i = 0; i < x.size(); ++i) {
      if (i % 5 == 0) x[i] = random.choice({0.0F, -0.0F, kInfinity, -kInfinity});
      const float s = slope[i % slope.size()];
      prelu.push_back(x[i] <= 0 ? x[i] * s : x[i]);
      elu.push_back(x[i] <= 0 ? reference::activate({Activation::kElu, &s}, x[i]) : x[i]);
    }
    x.back() = prelu.back() = elu.back() = kNan;
    Guarded<float> y(x), z(x);
    kernels().activate({Activation::kPrelu, slope.data()}, y.data(), 3, channels, y.data());
    EXPECT_EQ(float_bits(y.values()), float_bits(prelu)) << channels;
    kernels().activate({Activation::kElu, slope.data()}, z.data(), 3, channels, z.data());
    EXPECT_EQ(float_bits(z.values()), float_bits(elu)) << channels;
    EXPECT_TRUE(y.intact() && z.intact());
  }
}

TEST_P(Elementwise, MaxKeepsYUnlessXIsGreater) {
  const std::vector<float> special = {0.0F, -0.0F, kInfinity, -kInfinity, 1.0F, -1.0F, kNan};
  std::vector<float> x, y, expected;
  for (float a : special) {
    for (float b : special) {
      x.push_back(a);
      y.push_back(b);
      expected.push_back(a > b ? a : b);
    }
  }
  for (size_t count = 1; count <= x.size(); ++count) {
    Guarded<float> out(std::vector<float>(y.begin(), y.begin() + static_cast<std::ptrdiff_t>(count)));
    kernels().max_f32(x.data(), static_cast<int64_t>(count), out.data());
    EXPECT_EQ(float_bits(out.values()),
              float_bits(std::vector<float>(expected.begin(),
                                            expected.begin() + static_cast<std::ptrdiff_t>(count))));
    EXPECT_TRUE(out.intact());
  }
}

BMX_TEST_ALL_ISAS(Elementwise);

}  // namespace
}  // namespace bmx
