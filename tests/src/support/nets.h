// Nets of several operators, and models of files in memory.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/bits.h"
#include "runtime/model.h"
#include "support/ops_tester.h"

namespace bmx::testing {

inline std::vector<uint8_t> random_bytes(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> values(static_cast<size_t>(count));
  for (uint8_t& value : values) value = static_cast<uint8_t>(random());
  return values;
}

// uint8 or float [1, 12, 12] -> conv, tanh, pool, threshold, binary conv, affine, relu, flatten, dense,
// softmax.
inline std::string small_net() {
  FileBuilder builder({1, 12, 12});
  builder.graph["inputs"][0]["preprocessing"] = {{"scale", 0.01}, {"mean", {0.5}}, {"std", {2.0}}};
  builder.tensor("w0", "F32", {16, 3, 3, 1}, random_floats(16 * 9, 1));
  builder.tensor("t", "F32", {16}, random_floats(16, 2));
  builder.tensor("scale", "F32", {8}, random_floats(8, 3));
  builder.tensor("shift", "F32", {8}, random_floats(8, 4));
  std::vector<float> small = random_floats(4 * 72, 5);  // keeps the softmax away from 0 and 1
  for (float& weight : small) weight *= 0.005F;
  builder.tensor("w2", "F32", {4, 72}, small);
  builder.tensor("flip", "U8", {2}, random_bytes(2, 6));
  builder.tensor("w1", "U8", {8, 3, 3, 2}, random_bytes(8 * 9 * 2, 7));
  OrderedJson binary = conv_attrs(1, 0);
  binary["pad_value"] = 0;
  std::string x = builder.node("transpose", "data", "f32", {12, 12, 1}, {{"perm", {1, 2, 0}}});
  x = builder.node("conv2d", x, "f32", {10, 10, 16}, conv_attrs(1, 0), {{"weight", "w0"}});
  x = builder.node("tanh", x, "f32", {10, 10, 16});
  x = builder.node("max_pool2d", x, "f32", {5, 5, 16}, pool_attrs(2, 2, 0, false));
  x = builder.node("threshold", x, "bits", {5, 5, 16}, OrderedJson::object(),
                   {{"threshold", "t"}, {"flip", "flip"}});
  x = builder.node("binary_conv2d", x, "i32", {3, 3, 8}, binary, {{"weight", "w1"}});
  x = builder.node("affine", x, "f32", {3, 3, 8}, OrderedJson::object(),
                   {{"scale", "scale"}, {"shift", "shift"}});
  x = builder.node("relu", x, "f32", {3, 3, 8});
  x = builder.node("flatten", x, "f32", {72});
  x = builder.node("dense", x, "f32", {4}, OrderedJson::object(), {{"weight", "w2"}});
  x = builder.node("softmax", x, "f32", {4});
  return builder.encode({x});
}

// [65, 31, 31]: operators that split their rows among threads, alone (all values are outputs, so nothing is
// fused) or fused into a residual block.
inline std::string wide_net(bool fused) {
  constexpr int64_t kSide = 31, kChannels = 65;
  const std::vector<int64_t> shape = {kSide, kSide, kChannels};
  FileBuilder builder({kChannels, kSide, kSide});
  builder.tensor("w", "F32", {kChannels, 1, 1, kChannels}, random_floats(kChannels * kChannels, 1));
  builder.tensor("scale", "F32", {kChannels}, random_floats(kChannels, 2));
  builder.tensor("shift", "F32", {kChannels}, random_floats(kChannels, 3));
  builder.tensor("t", "F32", {kChannels}, random_floats(kChannels, 4));
  builder.tensor("ti", "I32", {kChannels}, std::vector<int32_t>(kChannels, 1));
  std::vector<uint8_t> signs = random_bytes(kChannels * 9 * 9, 5);  // bits past the 65th channel stay 0
  for (size_t i = 8; i < signs.size(); i += 9) signs[i] &= 1;
  builder.tensor("flip", "U8", {9}, std::vector<uint8_t>(signs.begin(), signs.begin() + 9));
  builder.tensor("wb", "U8", {kChannels, 3, 3, 9}, signs);
  const OrderedJson none = OrderedJson::object();
  OrderedJson binary = conv_attrs(1, 1);
  binary["pad_value"] = 0;
  OrderedJson average = pool_attrs(3, 1, 1, false), columns = average;
  average["count_include_pad"] = columns["count_include_pad"] = false;
  columns["kernel"] = {1, kSide};
  columns["padding"] = {0, 0};

  std::vector<std::string> values;
  const auto add = [&](const std::string& op, const std::vector<std::string>& inputs, const char* dtype,
                       const std::vector<int64_t>& out, const OrderedJson& attrs,
                       const std::map<std::string, std::string>& tensors = {}) {
    values.push_back(builder.node(op, inputs[0], dtype, out, attrs, tensors));
    builder.graph["nodes"].back()["inputs"] = inputs;
    return values.back();
  };
  const std::string x = add("transpose", {"data"}, "f32", shape, {{"perm", {1, 2, 0}}});
  const std::string conv = add("conv2d", {x}, "f32", shape, conv_attrs(1, 0), {{"weight", "w"}});
  const std::string affine =
      add("affine", {conv}, "f32", shape, none, {{"scale", "scale"}, {"shift", "shift"}});
  const std::string relu = add("relu", {affine}, "f32", shape, none);
  const std::string bits =
      add("threshold", {relu}, "bits", shape, none, {{"threshold", "t"}, {"flip", "flip"}});
  const std::string pooled = add("max_pool2d", {bits}, "bits", shape, pool_attrs(3, 1, 1, false));
  const std::string dots = add("binary_conv2d", {pooled}, "i32", shape, binary, {{"weight", "wb"}});
  add("threshold", {dots}, "bits", shape, none, {{"threshold", "ti"}, {"flip", "flip"}});
  const std::string cast = add("cast", {dots}, "f32", shape, none);
  const std::string scaled =
      add("affine", {cast}, "f32", shape, none, {{"scale", "scale"}, {"shift", "shift"}});
  const std::string sum = add("add", {scaled, relu}, "f32", shape, none);
  const std::string largest = add("max_pool2d", {sum}, "f32", shape, pool_attrs(3, 1, 1, false));
  const std::string mean = add("avg_pool2d", {largest}, "f32", shape, average);
  const std::string column = add("avg_pool2d", {mean}, "f32", {kSide, 1, kChannels}, columns);
  const std::string product = add("mul", {mean, column}, "f32", shape, none);
  const std::string tanh = add("tanh", {product}, "f32", shape, none);
  const std::string difference = add("sub", {tanh, column}, "f32", shape, none);
  add("softmax", {difference}, "f32", shape, none);
  return builder.encode(fused ? std::vector<std::string>{values.back()} : values);
}

inline std::shared_ptr<const Model> load(const std::string& bytes, const char* isa = "auto") {
  auto model = Model::from_memory(bytes.data(), bytes.size(), isa);
  EXPECT_TRUE(model.ok()) << model.status().message();
  return *model;
}

}  // namespace bmx::testing
