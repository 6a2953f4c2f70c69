// What a file may say wrongly about a node: one sentence for each.
#include <gtest/gtest.h>

#include "support/code_file.h"

namespace bmx {
namespace {

using testing::Bytes;
using testing::CodeFile;
using testing::error_of;
using testing::FileBuilder;
using testing::OrderedJson;
using testing::product;
using testing::Tensors;

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

}  // namespace
}  // namespace bmx
