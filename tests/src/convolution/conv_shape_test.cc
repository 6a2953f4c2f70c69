#include <gtest/gtest.h>

#include "convolution/convolution.h"

namespace bmx {
namespace {

ConvShape valid_shape() {
  ConvShape shape;
  shape.in_height = shape.in_width = 8;
  shape.in_channels = 6;
  shape.out_channels = 4;
  shape.kernel_height = shape.kernel_width = 3;
  return shape;
}

struct BadShape {
  const char* name;
  void (*spoil)(ConvShape&);
  const char* message;
};

class ShapeErrors : public ::testing::TestWithParam<BadShape> {};

TEST_P(ShapeErrors, AreOneSentence) {
  ConvShape shape = valid_shape();
  ASSERT_TRUE(shape.validate().ok());
  GetParam().spoil(shape);
  const Status status = shape.validate();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_EQ(status.message(), GetParam().message);
}

constexpr int64_t kHuge = 2147483647;
const BadShape kBadShapes[] = {
    {"zero_height", [](ConvShape& s) { s.in_height = 0; },
     "convolution: input height must be between 1 and 2147483647, found 0"},
    {"negative_channels", [](ConvShape& s) { s.in_channels = -6; },
     "convolution: input channels must be between 1 and 2147483647, found -6"},
    {"no_outputs", [](ConvShape& s) { s.out_channels = 0; },
     "convolution: output channels must be between 1 and 2147483647, found 0"},
    {"zero_stride", [](ConvShape& s) { s.stride_width = 0; },
     "convolution: stride width must be between 1 and 2147483647, found 0"},
    {"zero_dilation", [](ConvShape& s) { s.dilation_height = 0; },
     "convolution: dilation height must be between 1 and 2147483647, found 0"},
    {"negative_padding", [](ConvShape& s) { s.pad_height = -1; },
     "convolution: padding height must be between 0 and 65535, found -1"},
    {"huge_padding", [](ConvShape& s) { s.pad_width = 65536; },
     "convolution: padding width must be between 0 and 65535, found 65536"},
    {"dimension_past_32_bits", [](ConvShape& s) { s.in_width = kHuge + 1; },
     "convolution: input width must be between 1 and 2147483647, found 2147483648"},
    {"groups_do_not_divide", [](ConvShape& s) { s.groups = 3; },
     "convolution: groups must divide both channel counts, found groups 3 for 6 input and 4 output channels"},
    {"kernel_too_large", [](ConvShape& s) { s.kernel_width = 9; },
     "convolution: the dilated kernel must fit into the padded input, found kernel (3, 9) for input (8, 8) "
     "with "
     "padding (0, 0)"},
    {"dilation_too_large", [](ConvShape& s) { s.dilation_height = 4; },
     "convolution: the dilated kernel must fit into the padded input, found kernel (9, 3) for input (8, 8) "
     "with "
     "padding (0, 0)"},
    {"depth_overflows",
     [](ConvShape& s) {
       s.in_channels = kHuge;
       s.groups = 1;
     },
     "convolution: one output may sum at most 2147483647 values, found kernel (3, 3) over 2147483647 "
     "channels"},
    {"input_overflows", [](ConvShape& s) { s.in_height = s.in_width = kHuge; },
     "convolution: the sizes of input, output and weights must be addressable, found input (2147483647, "
     "2147483647) "
     "with 6 channels and 4 output channels"},
};

INSTANTIATE_TEST_SUITE_P(Shape, ShapeErrors, ::testing::ValuesIn(kBadShapes),
                         [](const ::testing::TestParamInfo<BadShape>& shape) { return shape.param.name; });

TEST(BinaryConvolution, RejectsOtherPadValues) {
  const uint64_t weights[4 * 9] = {};
  const auto result = BinaryConvolution::create(valid_shape(), 2, weights, *all_kernels().back());
  EXPECT_EQ(result.status().message(), "convolution: pad_value must be 0, 1 or -1, found 2");
}

TEST(BinaryConvolution, RejectsInvalidShapes) {
  const auto result = BinaryConvolution::create(ConvShape(), 0, nullptr, *all_kernels().back());
  EXPECT_EQ(result.status().code(), Code::kInvalidArgument);
}

TEST(FloatConvolution, RejectsInvalidShapes) {
  const auto result = FloatConvolution::create(ConvShape(), nullptr, nullptr, *all_kernels().back());
  EXPECT_EQ(result.status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace bmx
