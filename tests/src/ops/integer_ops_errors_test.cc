// What a file may say wrongly about operators on integers of 1 to 8 bits: one sentence for each.
#include <gtest/gtest.h>

#include <limits>

#include "support/code_file.h"

namespace bmx {
namespace {

using testing::Bytes;
using testing::bytes_file;
using testing::CodeFile;
using testing::error_of;
using testing::FileBuilder;
using testing::Floats;
using testing::kNone;
using testing::OrderedJson;
using testing::product;
using testing::products_node;
using testing::Tensors;

// A node that reads "quantize0", u2 [4, 4, 3].
struct BadPlanes {
  const char* op;
  const char* attrs;
  std::vector<int64_t> weight;
  const char* error;
};

class BadPlaneNodes : public ::testing::TestWithParam<BadPlanes> {};

TEST_P(BadPlaneNodes, AreRefused) {
  const BadPlanes& bad = GetParam();
  CodeFile file({4, 4, 3}, 2);
  Tensors tensors;
  if (!bad.weight.empty()) {
    file.builder.tensor("w", "U8", bad.weight, Bytes(static_cast<size_t>(product(bad.weight)), 8));
    tensors["weight"] = "w";
  }
  const std::string node =
      file.builder.node(bad.op, file.value, "i32", {4, 4, 5}, OrderedJson::parse(bad.attrs), tensors);
  EXPECT_EQ(error_of(file.builder.encode({node})), "node '" + node + "' (" + bad.op + "): " + bad.error);
}

#define BMX_CONV R"("strides":[1,1],"padding":[0,0],"dilation":[1,1],"groups":1)"

INSTANTIATE_TEST_SUITE_P(
    All, BadPlaneNodes,
    ::testing::Values(
        BadPlanes{"integer_conv2d", "{}", {}, "lacks the attribute 'weight_bits'"},
        BadPlanes{"integer_conv2d", R"({"weight_bits":2})", {}, "lacks the attribute 'signs'"},
        BadPlanes{"integer_conv2d",
                  R"({"weight_bits":2,"signs":1})",
                  {},
                  "attribute 'signs' must be true or false"},
        BadPlanes{"integer_conv2d",
                  R"({"weight_bits":9,"signs":true})",
                  {},
                  "weight_bits must be from 1 to 8 where signs is true, found 9"},
        BadPlanes{"integer_conv2d",
                  R"({"weight_bits":0,"signs":true})",
                  {},
                  "weight_bits must be from 1 to 8 where signs is true, found 0"},
        BadPlanes{"integer_conv2d",
                  R"({"weight_bits":1,"signs":false})",
                  {},
                  "weight_bits must be from 2 to 8 where signs is false, found 1"},
        BadPlanes{"integer_conv2d", R"({"weight_bits":2,"signs":false})", {}, "lacks the tensor 'weight'"},
        BadPlanes{"integer_conv2d",
                  R"({"weight_bits":2,"signs":false})",
                  {3, 5, 1, 1, 1},
                  "tensor 'weight' must be U8 [2, *, *, *, *], found U8 [3, 5, 1, 1, 1]"},
        BadPlanes{"integer_conv2d",
                  R"({"weight_bits":2,"signs":false,)" BMX_CONV "}",
                  {2, 5, 1, 1, 2},
                  "tensor 'weight' must be U8 [2, 5, 1, 1, 1], found U8 [2, 5, 1, 1, 2]"},
        BadPlanes{"integer_conv2d",
                  R"({"weight_bits":2,"signs":false,)" BMX_CONV "}",
                  {2, 5, 1, 1, 1},
                  "tensor 'weight' has bits set past its 3 channels"},
        BadPlanes{"integer_conv2d",
                  R"({"weight_bits":2,"signs":false,"pad_value":0,)" BMX_CONV "}",
                  {},
                  "lacks the tensor 'weight'"},
        BadPlanes{"integer_dense",
                  "{}",
                  {},
                  "takes bits or u1 to u8 of rank 1, its input 'quantize0' is u2 [4, 4, 3]"},
        BadPlanes{"binary_conv2d", "{}", {}, "takes bits of rank 3, its input 'quantize0' is u2 [4, 4, 3]"},
        BadPlanes{"conv2d", "{}", {}, "takes f32 of rank 3, its input 'quantize0' is u2 [4, 4, 3]"},
        BadPlanes{"threshold", "{}", {}, "takes f32 or i32, its input 'quantize0' is u2 [4, 4, 3]"},
        BadPlanes{"to_planes", "{}", {}, "takes bytes, its input 'quantize0' is u2 [4, 4, 3]"},
        BadPlanes{"transpose",
                  R"({"perm":[0,1,2]})",
                  {},
                  "takes f32 or bytes, its input 'quantize0' is u2 [4, 4, 3]"},
        BadPlanes{"max_pool2d",
                  "{}",
                  {},
                  "takes f32 or i32 or bits of rank 3, its input 'quantize0' is u2 [4, 4, 3]"},
        BadPlanes{"flatten", "{}", {}, "declares i32 [4, 4, 5], but its input and attributes make u2 [48]"},
        BadPlanes{
            "cast", "{}", {}, "declares i32 [4, 4, 5], but its input and attributes make f32 [4, 4, 3]"}));

#undef BMX_CONV

TEST(IntegerOpsErrors, SumsThatCouldLeaveInt32AreRefused) {
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

TEST(IntegerOpsErrors, QuantizeRefusesThresholdsOutOfOrder) {
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

TEST(IntegerOpsErrors, ThresholdsMustHaveTheTypeOfTheInput) {
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
