// Layers on bits and on integers of few bits, against plain loops on every ISA.
#include <gtest/gtest.h>

#include <cmath>

#include "base/bits.h"
#include "reference/reference.h"
#include "support/code_file.h"

namespace bmx {
namespace {

using testing::Bytes;
using testing::bytes_file;
using testing::CodeFile;
using testing::conv_attrs;
using testing::error_of;
using testing::FileBuilder;
using testing::Floats;
using testing::floats_of;
using testing::Integers;
using testing::isas;
using testing::kNone;
using testing::OrderedJson;
using testing::packed;
using testing::packed_planes;
using testing::Random;
using testing::random_codes;
using testing::random_flip;
using testing::random_floats;
using testing::random_inputs;
using testing::run;
using testing::sign_file;
using testing::signs_of;
using testing::WeightType;

struct ConvCase {
  int64_t channels, groups, kernel, stride, padding;
  int pad_value;
};

// [H][W][I] * [O][K][K][I / groups] -> [H'][W'][O]; float sums of integers are exact.
Floats convolve(const Floats& x, const Floats& w, int64_t height, int64_t width, int64_t outputs,
                const ConvCase& c) {
  const int64_t out_height = (height + 2 * c.padding - c.kernel) / c.stride + 1;
  const int64_t out_width = (width + 2 * c.padding - c.kernel) / c.stride + 1;
  const int64_t group = c.channels / c.groups;
  Floats out;
  for (int64_t i = 0; i < out_height; ++i) {
    for (int64_t j = 0; j < out_width; ++j) {
      for (int64_t o = 0; o < outputs; ++o) {
        float sum = 0;
        for (int64_t t = 0; t < c.kernel * c.kernel * group; ++t) {
          const int64_t h = i * c.stride - c.padding + t / group / c.kernel,
                        v = j * c.stride - c.padding + t / group % c.kernel;
          const bool inside = h >= 0 && h < height && v >= 0 && v < width;
          const int64_t channel = o / (outputs / c.groups) * group + t % group;
          const float value = inside ? x[static_cast<size_t>((h * width + v) * c.channels + channel)]
                                     : static_cast<float>(c.pad_value);
          sum += value * w[static_cast<size_t>(o * c.kernel * c.kernel * group + t)];
        }
        out.push_back(sum);
      }
    }
  }
  return out;
}

TEST(BinaryOps, ConvolutionsOfSigns) {
  const int64_t height = 6, width = 5;
  for (const ConvCase& c :
       {ConvCase{3, 1, 3, 1, 0, 0}, ConvCase{33, 1, 3, 2, 1, 0}, ConvCase{64, 1, 1, 1, 0, 0},
        ConvCase{65, 1, 3, 1, 2, -1}, ConvCase{66, 2, 3, 1, 1, 1}, ConvCase{8, 8, 3, 1, 1, 0}}) {
    const int64_t outputs = 4 * c.groups, group = c.channels / c.groups;
    const Floats x = signs_of(random_floats(height * width * c.channels, 1));
    const Floats w = signs_of(random_floats(outputs * c.kernel * c.kernel * group, 2));
    const Floats expected = convolve(x, w, height, width, outputs, c);
    const std::vector<int64_t> out{(height + 2 * c.padding - c.kernel) / c.stride + 1,
                                   (width + 2 * c.padding - c.kernel) / c.stride + 1, outputs};
    OrderedJson attrs = conv_attrs(c.stride, c.padding, c.groups);
    for (const char* isa : isas()) {
      if (c.pad_value == 0) {
        FileBuilder real({height, width, c.channels});
        real.tensor("w", "F32", {outputs, c.kernel, c.kernel, group}, w);
        const std::string y = real.node("conv2d", "data", "f32", out, attrs, {{"weight", "w"}});
        EXPECT_EQ(run(real.encode({y}), isa, x, {height, width, c.channels}), expected)
            << isa << " conv2d, channels " << c.channels;
      }
      FileBuilder binary = sign_file({height, width, c.channels});
      binary.tensor("w", "U8", {outputs, c.kernel, c.kernel, bytes_for(group)}, packed(w, group));
      OrderedJson with_pad = attrs;
      with_pad["pad_value"] = c.pad_value;
      const std::string y =
          binary.node("binary_conv2d", "threshold0", "i32", out, with_pad, {{"weight", "w"}});
      EXPECT_EQ(run(binary.encode({y}), isa, x, {height, width, c.channels}), expected)
          << isa << " binary_conv2d, channels " << c.channels;
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

TEST(BinaryOps, ConvolutionsOfCodesAndIntegerWeights) {
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
TEST(BinaryOps, DenseSumsAndTheirEpilogues) {
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

TEST(BinaryOps, SumsThatCouldLeaveInt32AreRefused) {
  constexpr int64_t kInputs = 65794;  // times 255 times 128 is above 2^31
  FileBuilder builder = bytes_file({kInputs});
  builder.tensor("w", "U8", {8, 1, bytes_for(kInputs)},
                 Bytes(static_cast<size_t>(8 * bytes_for(kInputs)), 0));
  const std::string planes = builder.node("to_planes", "data", "u8", {kInputs});
  const std::string y = builder.node("integer_dense", planes, "i32", {1},
                                     {{"weight_bits", 8}, {"signs", false}}, {{"weight", "w"}});
  EXPECT_EQ(
      error_of(builder.encode({y})),
      "node 'integer_dense1' (integer_dense): convolution: sums must stay below 2147483648, found 65794 "
      "products of 8 and 8 bits");
}

}  // namespace
}  // namespace bmx
