// Numbers become bits, codes and planes as plain loops say, on every ISA; thresholds that do not fit are
// refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/bits.h"
#include "support/code_file.h"

namespace bmx {
namespace {

using testing::Bytes;
using testing::bytes_file;
using testing::error_of;
using testing::FileBuilder;
using testing::Floats;
using testing::Integers;
using testing::isas;
using testing::kNone;
using testing::OrderedJson;
using testing::packed_planes;
using testing::products_node;
using testing::Random;
using testing::random_codes;
using testing::random_flip;
using testing::run;
using testing::type_name;
using testing::WeightType;

TEST(QuantizeOps, ThresholdMeansNotBelowOrNotAbove) {
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

TEST(QuantizeOps, QuantizeCountsFloatThresholds) {
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

TEST(QuantizeOps, QuantizeCountsIntegerThresholds) {
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

TEST(QuantizeOps, BytesAreTransposedAndBecomePlanes) {
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

// int32 values of one channel, -2 * byte, against a limit; inside the epilogue of the sums, and alone after
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

TEST(QuantizeOps, ThresholdsMayBeShort) {
  expect_bits<int8_t>("I8", -128);
  expect_bits<int16_t>("I16", -130);
  expect_bits<int32_t>("I32", -128);
}

TEST(QuantizeOps, QuantizeRefusesThresholdsOutOfOrder) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto error = [](const Floats& limits) {
    FileBuilder builder({2});
    builder.tensor("t", "F32", {3, 2}, limits);
    builder.tensor("keep", "U8", {1}, Bytes{0});
    return error_of(builder.encode({builder.node("quantize", "data", "u2", {2}, {{"bits", 2}},
                                                 {{"threshold", "t"}, {"flip", "keep"}})}));
  };
  EXPECT_EQ(error({0, 0, 0, 1, 5, 1}), "accepted");
  EXPECT_EQ(
      error({0, 0, 0, 1, 5, 0.5F}),
      "node 'quantize0' (quantize): tensor 'threshold' must ascend along its first axis and hold no NaN; "
      "channel 1 does not at level 2");
  EXPECT_NE(error({nan, 0, 0, 1, 5, 1}).find("channel 0 does not at level 0"), std::string::npos);
  EXPECT_NE(error({0, 0, 0, 1, nan, 1}).find("channel 0 does not at level 2"), std::string::npos);
}

TEST(QuantizeOps, ThresholdsMustHaveTheTypeOfTheInput) {
  const auto error = [](const std::vector<int64_t>& shape, const char* dtype, const auto& limits) {
    FileBuilder builder({2});
    builder.tensor("t", dtype, shape, limits);
    builder.tensor("keep", "U8", {1}, Bytes{0});
    return error_of(builder.encode({builder.node("quantize", "data", "u1", {2}, {{"bits", 1}},
                                                 {{"threshold", "t"}, {"flip", "keep"}})}));
  };
  EXPECT_EQ(error({1, 2}, "I8", std::vector<int8_t>{1, 2}),
            "node 'quantize0' (quantize): tensor 'threshold' must be F32 [1, 2] or [1, 1], found I8 [1, 2]");
  EXPECT_EQ(error({2}, "F32", Floats{1, 2}),
            "node 'quantize0' (quantize): tensor 'threshold' must be F32 [1, 2] or [1, 1], found F32 [2]");
  FileBuilder builder = bytes_file({1, 8, 1});
  builder.tensor("t", "F32", {1}, Floats{1});
  builder.tensor("keep", "U8", {1}, Bytes{0});
  const std::string products = products_node(builder, 8, 1, {0, 1});
  const std::string bits =
      builder.node("threshold", products, "bits", {1, 8, 1}, kNone, {{"threshold", "t"}, {"flip", "keep"}});
  EXPECT_EQ(error_of(builder.encode({bits})),
            "node 'threshold2' (threshold): tensor 'threshold' must be I8 or I16 or I32 [1], found F32 [1]");
}

}  // namespace
}  // namespace bmx
