// Elements move to where they belong, on every ISA.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/bits.h"
#include "support/code_file.h"

namespace bmx {
namespace {

using testing::CodeFile;
using testing::FileBuilder;
using testing::Floats;
using testing::floats_of;
using testing::isas;
using testing::OrderedJson;
using testing::packed;
using testing::product;
using testing::Random;
using testing::random_floats;
using testing::random_inputs;
using testing::run;
using testing::sign_file;
using testing::signs_of;
using testing::type_name;

TEST(ShapeOps, FlattenedBitsFeedADenseLayer) {
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

TEST(ShapeOps, TransposeMovesAxes) {
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

TEST(ShapeOps, ElementsAreMoved) {
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

TEST(ShapeOps, ConcatPutsRowsSideBySide) {
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

TEST(ShapeOps, FlattenKeepsTheOrderOfTheShape) {
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

}  // namespace
}  // namespace bmx
