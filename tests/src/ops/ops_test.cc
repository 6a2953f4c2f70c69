// Each operator against plain loops, on every ISA. tests/runtime/test_operators.py sweeps wider; this runs on
// any target.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "base/bits.h"
#include "ops/operator.h"
#include "support/ops_tester.h"

namespace bmx {
namespace {

using testing::conv_attrs;
using testing::FileBuilder;
using testing::Floats;
using testing::isas;
using testing::OrderedJson;
using testing::packed;
using testing::pool_attrs;
using testing::product;
using testing::random_floats;
using testing::run;
using testing::signs_of;

// A file whose value "threshold0" is the sign of the input.
FileBuilder sign_file(const std::vector<int64_t>& shape) {
  FileBuilder builder(shape);
  const int64_t channels = shape.back();
  builder.tensor<float>("zero", "F32", {channels}, Floats(static_cast<size_t>(channels), 0.0F));
  builder.tensor<uint8_t>("keep", "U8", {bytes_for(channels)},
                          std::vector<uint8_t>(static_cast<size_t>(bytes_for(channels)), 0));
  builder.node("threshold", "data", "bits", shape, OrderedJson::object(),
               {{"threshold", "zero"}, {"flip", "keep"}});
  return builder;
}

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

TEST(Ops, ConvolutionsOfSigns) {
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

struct PoolCase {
  int64_t channels, kernel, stride, padding;
  bool ceil_mode;
};

// The window's values, reduced. `reduce` gets the values inside the image and the count inside image and
// padding.
Floats pool(const Floats& x, int64_t height, int64_t width, const PoolCase& c, std::vector<int64_t>* out,
            const std::function<float(const Floats&, int64_t)>& reduce) {
  const auto length = [&](int64_t in) {
    const int64_t reach = in + 2 * c.padding - c.kernel;
    return (c.ceil_mode ? (reach + c.stride - 1) / c.stride : reach / c.stride) + 1;
  };
  *out = {length(height), length(width), c.channels};
  Floats result;
  for (int64_t i = 0; i < (*out)[0]; ++i) {
    for (int64_t j = 0; j < (*out)[1]; ++j) {
      for (int64_t channel = 0; channel < c.channels; ++channel) {
        Floats inside;
        int64_t padded = 0;
        for (int64_t t = 0; t < c.kernel * c.kernel; ++t) {
          const int64_t h = i * c.stride - c.padding + t / c.kernel,
                        w = j * c.stride - c.padding + t % c.kernel;
          padded += h < height + c.padding && w < width + c.padding;
          if (h < 0 || h >= height || w < 0 || w >= width) continue;
          inside.push_back(x[static_cast<size_t>((h * width + w) * c.channels + channel)]);
        }
        result.push_back(reduce(inside, padded));
      }
    }
  }
  return result;
}

constexpr PoolCase kPools[] = {
    {3, 2, 2, 0, false}, {64, 2, 2, 0, true}, {65, 3, 2, 1, false}, {33, 3, 2, 1, true}};

float largest(const Floats& inside, int64_t) { return *std::max_element(inside.begin(), inside.end()); }

TEST(Ops, MaxPool) {
  for (const PoolCase& c : kPools) {
    const std::vector<int64_t> shape{7, 8, c.channels};
    const Floats x = random_floats(product(shape), 3), bits = signs_of(x);
    std::vector<int64_t> out;
    const Floats expected = pool(x, 7, 8, c, &out, largest),
                 expected_bits = pool(bits, 7, 8, c, &out, largest);
    const OrderedJson attrs = pool_attrs(c.kernel, c.stride, c.padding, c.ceil_mode);
    for (const char* isa : isas()) {
      FileBuilder real(shape);
      EXPECT_EQ(run(real.encode({real.node("max_pool2d", "data", "f32", out, attrs)}), isa, x, shape),
                expected)
          << isa;
      FileBuilder binary = sign_file(shape);
      EXPECT_EQ(
          run(binary.encode({binary.node("max_pool2d", "threshold0", "bits", out, attrs)}), isa, bits, shape),
          expected_bits)
          << isa;
    }
  }
}

TEST(Ops, AvgPool) {
  for (const PoolCase& c : kPools) {
    for (bool count_padding : {false, true}) {
      const std::vector<int64_t> shape{7, 8, c.channels};
      const Floats x = random_floats(product(shape), 4);
      std::vector<int64_t> out;
      const Floats expected = pool(x, 7, 8, c, &out, [&](const Floats& inside, int64_t padded) {
        float sum = 0;
        for (float value : inside) sum += value;
        return sum / static_cast<float>(count_padding ? padded : static_cast<int64_t>(inside.size()));
      });
      OrderedJson attrs = pool_attrs(c.kernel, c.stride, c.padding, c.ceil_mode);
      attrs["count_include_pad"] = count_padding;
      FileBuilder builder(shape);
      const std::string bytes = builder.encode({builder.node("avg_pool2d", "data", "f32", out, attrs)});
      for (const char* isa : isas()) EXPECT_EQ(run(bytes, isa, x, shape), expected) << isa;
    }
  }
}

TEST(Ops, FlattenedBitsFeedADenseLayer) {
  for (int64_t channels : {1, 3, 33, 64, 65, 128, 160}) {
    const std::vector<int64_t> shape{3, 2, channels};
    const int64_t inputs = product(shape), outputs = 5;
    const Floats x = signs_of(random_floats(2 * inputs, 5)), w = signs_of(random_floats(outputs * inputs, 6));
    FileBuilder builder = sign_file(shape);
    builder.tensor("w", "U8", {outputs, bytes_for(inputs)}, packed(w, inputs));
    const std::string flat = builder.node("flatten", "threshold0", "bits", {inputs});
    const std::string dots =
        builder.node("binary_dense", flat, "i32", {outputs}, OrderedJson::object(), {{"weight", "w"}});
    const std::string bytes = builder.encode({dots});
    Floats expected;
    for (int64_t n = 0; n < 2; ++n) {
      for (int64_t o = 0; o < outputs; ++o) {
        float sum = 0;
        for (int64_t i = 0; i < inputs; ++i)
          sum += x[static_cast<size_t>(n * inputs + i)] * w[static_cast<size_t>(o * inputs + i)];
        expected.push_back(sum);
      }
    }
    for (const char* isa : isas())
      EXPECT_EQ(run(bytes, isa, x, shape), expected) << isa << ", channels " << channels;
  }
}

TEST(Ops, TransposeMovesAxes) {
  const Floats x = random_floats(2 * 3 * 4 * 5, 7);
  FileBuilder builder({3, 4, 5});
  const std::string bytes =
      builder.encode({builder.node("transpose", "data", "f32", {4, 5, 3}, {{"perm", {1, 2, 0}}})});
  const Floats y = run(bytes, "scalar", x, {3, 4, 5});
  for (size_t n = 0; n < 2; ++n) {
    for (size_t c = 0; c < 3; ++c) {
      for (size_t p = 0; p < 20; ++p) EXPECT_EQ(y[n * 60 + p * 3 + c], x[n * 60 + c * 20 + p]);
    }
  }
}

TEST(Ops, ThresholdMeansNotBelowOrNotAbove) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  FileBuilder builder({4});
  builder.tensor<float>("t", "F32", {4}, {0, 1, 0, 1});
  builder.tensor<uint8_t>("flip", "U8", {1}, {0b1100});
  const std::string y = builder.node("threshold", "data", "bits", {4}, OrderedJson::object(),
                                     {{"threshold", "t"}, {"flip", "flip"}});
  const Floats x = {-0.0F, 1, 0, 1, -1e-30F, 0.5, 1e-30F, 2, nan, nan, nan, nan};
  const Floats expected = {1, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1};
  for (const char* isa : isas()) EXPECT_EQ(run(builder.encode({y}), isa, x, {4}), expected) << isa;
}

TEST(Ops, SoftmaxSumsToOneAndKeepsRatios) {
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

TEST(Ops, ActivationsWithNumbers) {
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

TEST(Ops, ClipRefusesLimitsThatCross) {
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

TEST(Ops, ElementsAreMoved) {
  const Floats x = random_floats(2 * 2 * 3 * 4, 9);  // [2][2, 3, 4]
  const auto at = [&](size_t n, size_t i, size_t j, size_t c) { return x[((n * 2 + i) * 3 + j) * 4 + c]; };
  const auto run_one = [&](const char* op, const std::vector<int64_t>& out, const OrderedJson& attrs) {
    FileBuilder builder({2, 3, 4});
    return run(builder.encode({builder.node(op, "data", "f32", out, attrs)}), "scalar", x, {2, 3, 4});
  };
  Floats sliced, padded, repeated, larger, shuffled;
  for (size_t n = 0; n < 2; ++n) {
    for (size_t i = 0; i < 2; ++i) {
      for (size_t j = 1; j < 3; ++j) {
        for (size_t c = 2; c < 3; ++c) sliced.push_back(at(n, i, j, c));
      }
      for (size_t j = 0; j < 3; ++j) {
        for (size_t c : {0, 2, 1, 3}) shuffled.push_back(at(n, i, j, c));
      }
      for (size_t row = 0; row < 3; ++row) {
        for (size_t j = 0; j < 6; ++j) {
          for (size_t c = 0; c < 4; ++c) larger.push_back(at(n, i, j / 2, c));
        }
      }
    }
    for (size_t i = 0; i < 3; ++i) {
      for (size_t j = 0; j < 6; ++j) {
        const bool inside = i >= 1 && j >= 2 && j < 5;
        for (size_t c = 0; c < 4; ++c) padded.push_back(inside ? at(n, i - 1, j - 2, c) : 0.0F);
        const size_t row = std::max<size_t>(i, 1) - 1, column = std::clamp<size_t>(j, 2, 4) - 2;
        for (size_t c = 0; c < 4; ++c) repeated.push_back(at(n, row, column, c));
      }
    }
  }
  EXPECT_EQ(run_one("slice", {2, 2, 1}, {{"begin", {0, 1, 2}}, {"end", {2, 3, 3}}}), sliced);
  EXPECT_EQ(run_one("pad2d", {3, 6, 4}, {{"padding", {1, 0, 2, 1}}, {"edge", false}}), padded);
  EXPECT_EQ(run_one("pad2d", {3, 6, 4}, {{"padding", {1, 0, 2, 1}}, {"edge", true}}), repeated);
  EXPECT_EQ(run_one("upsample2d", {6, 6, 4}, {{"scale", {3, 2}}}), larger);
  EXPECT_EQ(run_one("shuffle_channels", {2, 3, 4}, {{"groups", 2}}), shuffled);
  EXPECT_EQ(run_one("reshape", {4, 6}, {{"shape", {4, 6}}}), x);
}

TEST(Ops, ConcatPutsRowsSideBySide) {
  FileBuilder builder({2, 3});
  const std::string tanh = builder.node("tanh", "data", "f32", {2, 3});
  const std::string y = builder.node("concat", "data", "f32", {2, 9});
  builder.graph["nodes"].back()["inputs"] = {"data", tanh, "data"};
  const std::string bytes = builder.encode({y});
  const Floats x = random_floats(12, 10);
  for (const char* isa : isas()) {
    const Floats found = run(bytes, isa, x, {2, 3});
    ASSERT_EQ(found.size(), 36U);
    for (size_t r = 0; r < 4; ++r) {
      for (size_t c = 0; c < 3; ++c) {
        EXPECT_EQ(found[9 * r + c], x[3 * r + c]);
        EXPECT_NEAR(found[9 * r + 3 + c], std::tanh(x[3 * r + c]), 1e-6);
        EXPECT_EQ(found[9 * r + 6 + c], x[3 * r + c]);
      }
    }
  }
}

TEST(Ops, LocalResponseNormalization) {
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

struct BadNode {
  const char* op;
  const char* attrs;
  const char* error;
};

class BadNodes : public ::testing::TestWithParam<BadNode> {};

TEST_P(BadNodes, AreRefused) {
  FileBuilder builder({4, 4, 2});
  builder.node(GetParam().op, "data", "f32", {4, 4, 2}, OrderedJson::parse(GetParam().attrs));
  const std::string bytes = builder.encode({std::string(GetParam().op) + "0"});
  const auto model = Model::from_memory(bytes.data(), bytes.size(), "scalar");
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.status().message(), "node '" + std::string(GetParam().op) + "0' " + GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    All, BadNodes,
    ::testing::Values(
        BadNode{"relu", R"({"slope":1})", "(relu): attribute 'slope' is not known"},
        BadNode{"clip", "{}", "(clip): lacks the tensor 'low'"},
        BadNode{"prelu", "{}", "(prelu): lacks the tensor 'slope'"},
        BadNode{"elu", R"({"slope":1})", "(elu): lacks the tensor 'slope'"},
        BadNode{"sigmoid", R"({"slope":1})", "(sigmoid): attribute 'slope' is not known"},
        BadNode{"concat", R"({"axis":0})", "(concat): attribute 'axis' is not known"},
        BadNode{"slice", R"({"begin":[0,0,0],"end":[4,5,2]})",
                "(slice): slices from [0, 0, 0] to [4, 5, 2], which are not ranges inside its input's "
                "[4, 4, 2]"},
        BadNode{"slice", R"({"begin":[],"end":[]})",
                "(slice): slices from [] to [], which are not ranges inside its input's [4, 4, 2]"},
        BadNode{"pad2d", R"({"padding":[0,0],"edge":true})",
                "(pad2d): attribute 'padding' must be [top, bottom, left, right], each at least 0; found "
                "[0, 0]"},
        BadNode{"upsample2d", R"({"scale":[2,9223372036854775807]})",
                "(upsample2d): attribute 'scale' must be [height, width], both at least 1; found "
                "[2, 9223372036854775807]"},
        BadNode{"lrn", R"({"size":3})", "(lrn): lacks the tensor 'alpha'"},
        BadNode{"shuffle_channels", R"({"groups":-2})",
                "(shuffle_channels): cannot split 2 channels into -2 groups"},
        BadNode{"reshape", R"({"shape":[4294967296,4294967296]})",
                "(reshape): shape [4294967296, 4294967296] does not hold the elements of its input's "
                "[4, 4, 2]"},
        BadNode{"cast", "{}", "(cast): takes i32 or bits or u1 to u8, its input 'data' is f32 [4, 4, 2]"},
        BadNode{"dense", "{}", "(dense): takes f32 of rank 1, its input 'data' is f32 [4, 4, 2]"},
        BadNode{"binary_dense", "{}",
                "(binary_dense): takes bits of rank 1, its input 'data' is f32 [4, 4, 2]"},
        BadNode{"conv2d", "{}", "(conv2d): lacks the tensor 'weight'"},
        BadNode{"flatten", "{}",
                "(flatten): declares f32 [4, 4, 2], but its input and attributes make f32 [32]"},
        BadNode{"to_planes", "{}", "(to_planes): takes bytes, its input 'data' is f32 [4, 4, 2]"},
        BadNode{"quantize", "{}", "(quantize): lacks the attribute 'bits'"},
        BadNode{"quantize", R"({"bits":0})", "(quantize): bits must be from 1 to 8, found 0"},
        BadNode{"quantize", R"({"bits":9})", "(quantize): bits must be from 1 to 8, found 9"},
        BadNode{"quantize", R"({"bits":2})", "(quantize): lacks the tensor 'threshold'"},
        BadNode{"integer_conv2d", "{}",
                "(integer_conv2d): takes bits or u1 to u8 of rank 3, its input 'data' is f32 [4, 4, 2]"},
        BadNode{"integer_dense", "{}",
                "(integer_dense): takes bits or u1 to u8 of rank 1, its input 'data' is f32 [4, 4, 2]"},
        BadNode{"binary_weight_conv2d", "{}", "(binary_weight_conv2d): lacks the tensor 'weight'"},
        BadNode{"binary_weight_dense", "{}",
                "(binary_weight_dense): takes f32 of rank 1, its input 'data' is f32 [4, 4, 2]"},
        BadNode{"transpose", R"({"perm":[0,1]})",
                "(transpose): perm [0, 1] is not a permutation of the input's 3 axes"},
        BadNode{"transpose", R"({"perm":[0,1,1]})",
                "(transpose): perm [0, 1, 1] is not a permutation of the input's 3 axes"},
        BadNode{"max_pool2d", R"({"kernel":[2,2],"strides":[1,1],"padding":[2,0],"ceil_mode":false})",
                "(max_pool2d): padding 2 is not smaller than the kernel's 2"},
        BadNode{"max_pool2d", R"({"kernel":[5,2],"strides":[1,1],"padding":[0,0],"ceil_mode":false})",
                "(max_pool2d): kernel 5 is larger than the padded image of 4"},
        BadNode{"max_pool2d", R"({"kernel":[1,1],"strides":[5,5],"padding":[0,0],"ceil_mode":true})",
                "(max_pool2d): the last window of 2 lies wholly outside the image"},
        BadNode{"max_pool2d", R"({"kernel":[1,1],"strides":[1,1],"padding":[0,0],"ceil_mode":0})",
                "(max_pool2d): attribute 'ceil_mode' must be true or false"}));

TEST(Ops, AnUnknownOperatorIsRefusedWithTheListOfThoseKnown) {
  FileBuilder builder({4});
  builder.node("no_such_operator", "data", "f32", {4}, OrderedJson::object());
  const std::string bytes = builder.encode({"no_such_operator0"});
  const auto model = Model::from_memory(bytes.data(), bytes.size(), "scalar");
  std::string known;
  for (const std::string& name : operator_names()) known += (known.empty() ? "" : ", ") + name;
  EXPECT_EQ(model.status().message(),
            "node 'no_such_operator0' uses the operator 'no_such_operator', which this runtime does not "
            "have; it has " +
                known);
}

}  // namespace
}  // namespace bmx
