// Operators on integers of 1 to 8 bits, on bytes, and on floats with binary weights, each against plain loops
// on every ISA of this machine.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "reference/reference.h"
#include "support/code_file.h"

namespace bmx {
namespace {

using testing::Bytes;
using testing::bytes_file;
using testing::CodeFile;
using testing::conv_attrs;
using testing::FileBuilder;
using testing::Floats;
using testing::floats_of;
using testing::Integers;
using testing::isas;
using testing::kNone;
using testing::OrderedJson;
using testing::packed;
using testing::packed_planes;
using testing::products_node;
using testing::Random;
using testing::random_codes;
using testing::random_inputs;
using testing::run;
using testing::type_name;
using testing::WeightType;

Bytes random_flip(Random& random, int64_t channels) {
  Floats signs;
  for (int64_t c = 0; c < channels; ++c) signs.push_back(static_cast<float>(random.integer(0, 1)));
  return packed(signs, channels);
}

// n where flip is 0, 2^bits - 1 - n where it is 1.
template <class T>
Floats quantized(const std::vector<T>& x, const std::vector<T>& limits, int64_t channels, const Bytes& flip) {
  const size_t width = static_cast<size_t>(channels), levels = limits.size() / width;
  Floats codes;
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t c = i % width;
    size_t n = 0;
    for (size_t level = 0; level < levels; ++level) n += !(x[i] < limits[level * width + c]);
    codes.push_back(static_cast<float>((flip[c / 8] >> (c % 8) & 1) != 0 ? levels - n : n));
  }
  return codes;
}

template <class T>
void sort_levels(std::vector<T>& limits, int64_t channels) {
  const size_t width = static_cast<size_t>(channels);
  for (size_t c = 0; c < width; ++c) {
    std::vector<T> column;
    for (size_t i = c; i < limits.size(); i += width) column.push_back(limits[i]);
    std::sort(column.begin(), column.end());
    for (size_t level = 0; level < column.size(); ++level) limits[level * width + c] = column[level];
  }
}

TEST(IntegerOps, QuantizeCountsFloatThresholds) {
  Random random(1);
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              infinity = std::numeric_limits<float>::infinity();
  for (int bits = 1; bits <= 8; ++bits) {
    for (int64_t channels : {1, 7, 64, 67}) {
      const int64_t levels = (int64_t{1} << bits) - 1;
      Floats limits = random.reals(levels * channels), x = random.reals(3 * channels);
      for (float& limit : limits) limit = random.choice({limit, limit, limit, infinity, -infinity});
      sort_levels(limits, channels);
      for (size_t i = 0; i < x.size(); ++i) {
        const float equal = limits[i % limits.size()];
        x[i] = random.choice({x[i], x[i], x[i], equal, nan});
      }
      const Bytes flip = random_flip(random, channels);
      FileBuilder builder({channels});
      builder.tensor("t", "F32", {levels, channels}, limits);
      builder.tensor("flip", "U8", {bytes_for(channels)}, flip);
      const std::string bytes =
          builder.encode({builder.node("quantize", "data", type_name(bits).c_str(), {channels},
                                       {{"bits", bits}}, {{"threshold", "t"}, {"flip", "flip"}})});
      const Floats expected = quantized(x, limits, channels, flip);
      for (const char* isa : isas())
        EXPECT_EQ(run(bytes, isa, x, {channels}), expected) << isa << ", bits " << bits << ", " << channels;
    }
  }
}

TEST(IntegerOps, QuantizeCountsIntegerThresholds) {
  Random random(2);
  for (int bits = 1; bits <= 8; ++bits) {
    for (int64_t channels : {3, 66}) {
      const int64_t levels = (int64_t{1} << bits) - 1;
      std::vector<int32_t> limits = random.integers(levels * channels, -600, 300), products;
      sort_levels(limits, channels);
      Bytes x;
      const Integers codes = random_codes(random, channels, 2);
      for (int64_t i = 0; i < 5 * channels; ++i) {
        x.push_back(static_cast<uint8_t>(random.integer(0, 255)));
        products.push_back(x.back() * WeightType{2, false}.of_code(codes[static_cast<size_t>(i % channels)]));
      }
      const Bytes flip = random_flip(random, channels);
      FileBuilder builder = bytes_file({1, 5, channels});
      builder.tensor("t", "I32", {levels, channels}, limits);
      builder.tensor("flip", "U8", {bytes_for(channels)}, flip);
      const std::string values = products_node(builder, 5, channels, packed_planes(codes, 1, 2));
      const std::string bytes =
          builder.encode({builder.node("quantize", values, type_name(bits).c_str(), {1, 5, channels},
                                       {{"bits", bits}}, {{"threshold", "t"}, {"flip", "flip"}})});
      const Floats expected = quantized(products, limits, channels, flip);
      for (const char* isa : isas())
        EXPECT_EQ(run(bytes, isa, x, {1, 5, channels}), expected) << isa << ", bits " << bits;
    }
  }
}

struct IntegerCase {
  int input_bits;
  WeightType weights;
  int64_t channels, groups, kernel, stride, padding;
};

constexpr IntegerCase kConvolutions[] = {
    {0, {1, true}, 3, 1, 3, 1, 1},   {0, {2, false}, 65, 1, 3, 2, 1}, {0, {8, false}, 40, 2, 3, 1, 2},
    {0, {3, true}, 64, 1, 1, 1, 0},  {1, {2, false}, 33, 1, 3, 1, 1}, {1, {1, true}, 6, 6, 3, 1, 1},
    {2, {2, false}, 66, 2, 3, 2, 1}, {2, {2, true}, 128, 1, 3, 1, 0}, {3, {4, false}, 31, 1, 5, 1, 2},
    {4, {4, false}, 70, 1, 1, 2, 0}, {8, {8, false}, 3, 1, 3, 1, 1},  {8, {8, true}, 65, 1, 3, 1, 1},
    {8, {1, true}, 100, 5, 3, 2, 1}, {5, {6, false}, 8, 8, 3, 1, 1},  {8, {2, false}, 64, 64, 3, 1, 1},
    {7, {3, true}, 130, 1, 3, 1, 3},
};

TEST(IntegerOps, ConvolutionsOfCodesAndIntegerWeights) {
  uint32_t seed = 0;
  for (const IntegerCase& c : kConvolutions) {
    Random random(++seed);
    ConvShape shape;
    shape.in_height = 6;
    shape.in_width = 7;
    shape.in_channels = c.channels;
    shape.out_channels = c.groups * 5;
    shape.groups = c.groups;
    shape.kernel_height = shape.kernel_width = c.kernel;
    shape.stride_height = shape.stride_width = c.stride;
    shape.pad_height = shape.pad_width = c.padding;
    const Integers x = random_inputs(random, 2 * 6 * 7 * c.channels, c.input_bits);
    const Integers codes = random_codes(random, shape.out_channels * shape.depth(), c.weights.bits);
    Integers weights;
    for (int code : codes) weights.push_back(c.weights.of_code(code));

    CodeFile file({6, 7, c.channels}, c.input_bits);
    file.builder.tensor(
        "w", "U8", {c.weights.bits, shape.out_channels, c.kernel, c.kernel, bytes_for(shape.group_inputs())},
        packed_planes(codes, shape.group_inputs(), c.weights.bits));
    OrderedJson attrs = conv_attrs(c.stride, c.padding, c.groups);
    attrs["weight_bits"] = c.weights.bits;
    attrs["signs"] = c.weights.signs;
    const std::string bytes = file.builder.encode({file.builder.node(
        "integer_conv2d", file.value, "i32", {shape.out_height(), shape.out_width(), shape.out_channels},
        attrs, {{"weight", "w"}})});
    const Floats expected = floats_of(reference::binary_convolution(shape, 2, 0, x, weights));
    for (const char* isa : isas()) {
      EXPECT_EQ(run(bytes, isa, floats_of(x), {6, 7, c.channels}), expected)
          << isa << ", seed " << seed << ", channels " << c.channels << ", inputs of " << c.input_bits
          << " bits, weights of " << c.weights.bits;
    }
  }
}

// Sums end where they are made: as themselves, scaled and shifted, as bits, or as bits and themselves.
TEST(IntegerOps, DenseSumsAndTheirEpilogues) {
  constexpr int64_t kOutputs = 67, kBatch = 3;
  const WeightType type{3, false};
  for (int64_t inputs : {5, 64, 200}) {
    Random random(static_cast<uint32_t>(inputs));
    const Integers x = random_inputs(random, kBatch * inputs, 4);
    const Integers codes = random_codes(random, kOutputs * inputs, type.bits);
    const Floats scale = random.reals(kOutputs), shift = random.reals(kOutputs);
    std::vector<int16_t> limits;
    for (int64_t o = 0; o < kOutputs; ++o) limits.push_back(static_cast<int16_t>(random.integer(-400, 300)));
    const Bytes flip = random_flip(random, kOutputs);
    Floats sums, scaled, bits;
    for (size_t i = 0; i < kBatch * kOutputs; ++i) {
      const size_t o = i % kOutputs, n = i / kOutputs, width = static_cast<size_t>(inputs);
      int sum = 0;
      for (size_t k = 0; k < width; ++k) sum += x[n * width + k] * type.of_code(codes[o * width + k]);
      sums.push_back(static_cast<float>(sum));
      scaled.push_back(std::fma(sums.back(), scale[o], shift[o]));
      const bool flipped = (flip[o / 8] >> (o % 8) & 1) != 0;
      bits.push_back((flipped ? sum > limits[o] : sum < limits[o]) ? -1.0F : 1.0F);
    }
    const auto check = [&](const std::string& end, const Floats& expected) {
      CodeFile file({inputs}, 4, [&](FileBuilder& builder) {
        if (end == "affine") builder.tensor("scale", "F32", {kOutputs}, scale);
        if (end == "affine") builder.tensor("shift", "F32", {kOutputs}, shift);
        if (end == "bits" || end == "both") builder.tensor("t", "I16", {kOutputs}, limits);
      });
      FileBuilder& builder = file.builder;
      builder.tensor("w", "U8", {type.bits, kOutputs, bytes_for(inputs)},
                     packed_planes(codes, inputs, type.bits));
      const std::string dots =
          builder.node("integer_dense", file.value, "i32", {kOutputs},
                       {{"weight_bits", type.bits}, {"signs", false}}, {{"weight", "w"}});
      std::vector<std::string> outputs{dots};
      if (end == "affine") {
        outputs = {
            builder.node("affine", dots, "f32", {kOutputs}, kNone, {{"scale", "scale"}, {"shift", "shift"}})};
      } else if (end != "sums") {
        builder.tensor("flip", "U8", {bytes_for(kOutputs)}, flip);
        outputs = {builder.node("threshold", dots, "bits", {kOutputs}, kNone,
                                {{"threshold", "t"}, {"flip", "flip"}})};
        if (end == "both") outputs.push_back(dots);
      }
      const std::string bytes = builder.encode(outputs);
      for (const char* isa : isas())
        EXPECT_EQ(run(bytes, isa, floats_of(x), {inputs}), expected) << isa << " " << end;
    };
    check("sums", sums);
    check("affine", scaled);
    check("bits", bits);
    check("both", bits);
  }
}

TEST(IntegerOps, CastGivesTheNumbersAndSigns) {
  for (int bits = 0; bits <= 8; ++bits) {
    for (int64_t channels : {1, 31, 64, 70}) {
      Random random(static_cast<uint32_t>(bits + 1));
      const Floats x = floats_of(random_inputs(random, 2 * 3 * channels, bits));
      CodeFile file({3, channels}, bits);
      const std::string bytes =
          file.builder.encode({file.builder.node("cast", file.value, "f32", {3, channels})});
      for (const char* isa : isas()) EXPECT_EQ(run(bytes, isa, x, {3, channels}), x) << isa << ", " << bits;
    }
  }
}

TEST(IntegerOps, FlattenKeepsTheOrderOfTheShape) {
  for (int bits = 0; bits <= 8; ++bits) {
    for (int64_t channels : {1, 3, 33, 64, 65, 128, 160}) {
      Random random(static_cast<uint32_t>(bits + 1));
      const int64_t elements = 6 * channels;
      const Floats x = floats_of(random_inputs(random, 2 * elements, bits));
      CodeFile file({3, 2, channels}, bits);
      const std::string flat = file.builder.node("flatten", file.value, type_name(bits).c_str(), {elements});
      const std::string bytes = file.builder.encode({flat});
      for (const char* isa : isas())
        EXPECT_EQ(run(bytes, isa, x, {3, 2, channels}), x)
            << isa << ", bits " << bits << ", channels " << channels;
    }
  }
}

TEST(IntegerOps, BytesAreTransposedAndBecomePlanes) {
  Random random(3);
  Bytes x;
  for (int i = 0; i < 2 * 3 * 4 * 5; ++i) x.push_back(static_cast<uint8_t>(random.integer(0, 255)));
  Floats expected;
  for (size_t n = 0; n < 2; ++n) {
    for (size_t p = 0; p < 20; ++p) {
      for (size_t c = 0; c < 3; ++c) expected.push_back(x[n * 60 + c * 20 + p]);
    }
  }
  FileBuilder builder = bytes_file({3, 4, 5});
  const std::string moved = builder.node("transpose", "data", "bytes", {4, 5, 3}, {{"perm", {1, 2, 0}}});
  const std::string planes = builder.node("to_planes", moved, "u8", {4, 5, 3});
  const std::string cast = builder.node("cast", planes, "f32", {4, 5, 3});
  for (const std::string& output : {moved, planes, cast}) {
    const std::string bytes = builder.encode({output});
    for (const char* isa : isas())
      EXPECT_EQ(run(bytes, isa, x, {3, 4, 5}), expected) << isa << ", " << output;
  }
  FileBuilder echo = bytes_file({3});
  EXPECT_EQ(run(echo.encode({"data"}), "scalar", Bytes{0, 128, 255}, {3}), (Floats{0, 128, 255}));
}

struct WeightCase {
  int64_t channels, outputs, groups, kernel, stride, padding;
};

TEST(IntegerOps, BinaryWeightsEqualFloatWeights) {
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

TEST(IntegerOps, BinaryWeightDenseEqualsDense) {
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

// int32 values of one channel, -2 * byte, against a limit; inside the epilogue of the sums, and alone behind
// a flatten. The epilogue's word of bits has one channel, the other's 8.
template <class T>
void expect_bits(const char* dtype, T limit) {
  const Bytes x = {0, 1, 2, 63, 64, 65, 127, 255};
  Floats expected;
  for (uint8_t value : x) expected.push_back(-2 * value < limit ? -1.0F : 1.0F);
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{1, 8, 1}, std::vector<int64_t>{8}}) {
    FileBuilder builder = bytes_file({1, 8, 1});
    builder.tensor("t", dtype, {shape.back()}, std::vector<T>(static_cast<size_t>(shape.back()), limit));
    builder.tensor("keep", "U8", {1}, Bytes{0});
    std::string value = products_node(builder, 8, 1, {0, 1});
    if (shape.size() == 1) value = builder.node("flatten", value, "i32", shape);
    const std::string bytes = builder.encode(
        {builder.node("threshold", value, "bits", shape, kNone, {{"threshold", "t"}, {"flip", "keep"}})});
    for (const char* isa : isas()) EXPECT_EQ(run(bytes, isa, x, {1, 8, 1}), expected) << isa << ", " << dtype;
  }
}

TEST(IntegerOps, ThresholdsMayBeShort) {
  expect_bits<int8_t>("I8", -128);
  expect_bits<int16_t>("I16", -130);
  expect_bits<int32_t>("I32", -128);
}

}  // namespace
}  // namespace bmx
