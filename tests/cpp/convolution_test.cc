#include "kernels/convolution.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/math.h"
#include "reference/reference.h"
#include "tester.h"

namespace bmx {
namespace {

using testing::float_bits;
using testing::Guarded;
using testing::Random;

constexpr int64_t kChannels[] = {1, 3, 31, 32, 33, 63, 64, 65, 127, 128, 160};

// The steps of an epilogue, each on or off.
struct Steps {
  bool affine = false;
  Activation activation = Activation::kNone;
  bool threshold = false;
  bool flip = false;
};

const Steps kAllSteps[] = {
    {},
    {true},
    {true, Activation::kRelu},
    {true, Activation::kTanh},
    {false, Activation::kRelu},
    {false, Activation::kTanh},
    {false, Activation::kNone, true},
    {false, Activation::kNone, true, true},
    {true, Activation::kNone, true},
    {true, Activation::kRelu, true, true},
    {false, Activation::kTanh, true},
};

// One convolution on random values, compared with the reference loops. Defaults are a small odd-sized 3x3.
class ConvTester {
 public:
  ConvTester() {
    shape_.in_height = 5;
    shape_.in_width = 7;
    shape_.in_channels = 3;
    shape_.out_channels = 5;
    shape_.kernel_height = shape_.kernel_width = 3;
  }
  explicit ConvTester(const ConvShape& shape) : shape_(shape) {}

  ConvTester& size(int64_t height, int64_t width) {
    return set(shape_.in_height, height, shape_.in_width, width);
  }
  ConvTester& channels(int64_t in, int64_t out) {
    return set(shape_.in_channels, in, shape_.out_channels, out);
  }
  ConvTester& kernel(int64_t k) { return set(shape_.kernel_height, k, shape_.kernel_width, k); }
  ConvTester& stride(int64_t s) { return set(shape_.stride_height, s, shape_.stride_width, s); }
  ConvTester& pad(int64_t p) { return set(shape_.pad_height, p, shape_.pad_width, p); }
  ConvTester& dilation(int64_t d) { return set(shape_.dilation_height, d, shape_.dilation_width, d); }
  ConvTester& groups(int64_t groups) { return set(shape_.groups, groups); }
  ConvTester& batch(int64_t batch) { return set(batch_, batch); }
  ConvTester& pad_value(int value) { return set(pad_value_, value); }
  ConvTester& seed(uint32_t seed) { return set(seed_, seed); }
  ConvTester& steps(const Steps& steps) { return set(steps_, steps); }

  void binary(const Kernels& kernels) {
    SCOPED_TRACE(describe(kernels));
    Random random(seed_);
    const std::vector<uint64_t> x = random.bits(in_pixels(), shape_.in_channels);
    const std::vector<uint64_t> weights =
        random.bits(shape_.out_channels * shape_.taps(), shape_.group_inputs());
    const std::vector<int32_t> sums =
        reference::binary_convolution(shape_, batch_, pad_value_, reference::unpack(x, shape_.in_channels),
                                      reference::unpack(weights, shape_.group_inputs()));

    auto convolution = BinaryConvolution::create(shape_, pad_value_, weights.data(), kernels);
    ASSERT_TRUE(convolution.ok()) << convolution.status().message();
    draw_epilogue(random, sums);
    Epilogue epilogue = with_thresholds();
    const bool integers = !steps_.affine && steps_.activation == Activation::kNone;
    if (integers) epilogue.threshold_f32 = nullptr;
    if (!integers) epilogue.threshold_i32 = nullptr;
    const auto run = [&](void* out, void* workspace) {
      convolution->run(x.data(), batch_, epilogue, out, workspace);
    };
    const int64_t workspace = convolution->workspace_bytes();
    if (integers && steps_.threshold) {
      expect_out(reference::pack(sums, shape_.out_channels, epilogue.threshold_i32, epilogue.flip), workspace,
                 run);
    } else if (integers) {
      expect_out(sums, workspace, run);
    } else {
      expect_floats(std::vector<float>(sums.begin(), sums.end()), epilogue, workspace, run);
    }
  }

  void floats(const Kernels& kernels) {
    SCOPED_TRACE(describe(kernels));
    Random random(seed_);
    const std::vector<float> x = random.reals(in_pixels() * shape_.in_channels);
    const std::vector<float> weights =
        random.reals(shape_.out_channels * shape_.taps() * shape_.group_inputs());
    const std::vector<float> bias = random.reals(seed_ % 2 == 0 ? shape_.out_channels : 0);
    const std::vector<float> sums = reference::float_convolution(shape_, batch_, x, weights, bias);

    auto convolution =
        FloatConvolution::create(shape_, weights.data(), bias.empty() ? nullptr : bias.data(), kernels);
    ASSERT_TRUE(convolution.ok()) << convolution.status().message();
    draw_epilogue(random, std::vector<int32_t>(sums.begin(), sums.end()));
    Epilogue epilogue = with_thresholds();
    epilogue.threshold_i32 = nullptr;
    expect_floats(sums, epilogue, convolution->workspace_bytes(), [&](void* out, void* workspace) {
      convolution->run(x.data(), batch_, epilogue, out, workspace);
    });
  }

 private:
  template <class T>
  ConvTester& set(T& field, const T& value) {
    field = value;
    return *this;
  }
  template <class T>
  ConvTester& set(T& first, const T& first_value, T& second, const T& second_value) {
    first = first_value;
    second = second_value;
    return *this;
  }

  int64_t in_pixels() const { return batch_ * shape_.in_height * shape_.in_width; }

  // Thresholds are drawn from the results, so both sides and equality occur.
  void draw_epilogue(Random& random, const std::vector<int32_t>& sums) {
    const int64_t channels = shape_.out_channels;
    scale_ = random.reals(channels);
    shift_ = random.reals(channels);
    threshold_i32_.clear();
    threshold_f32_.clear();
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t pixel = random.integer(0, static_cast<int64_t>(sums.size()) / channels - 1);
      threshold_i32_.push_back(sums[static_cast<size_t>(pixel * channels + c)]);
      threshold_f32_.push_back(steps_.activation == Activation::kNone ? random.real() : random.real() / 8);
    }
    flip_ = random.bits(1, channels);
  }

  Epilogue with_thresholds() const {
    Epilogue epilogue;
    if (steps_.affine) {
      epilogue.scale = scale_.data();
      epilogue.shift = shift_.data();
    }
    epilogue.activation = steps_.activation;
    if (steps_.threshold) {
      epilogue.threshold_i32 = threshold_i32_.data();
      epilogue.threshold_f32 = threshold_f32_.data();
    }
    if (steps_.flip) epilogue.flip = flip_.data();
    return epilogue;
  }

  template <class Run>
  void expect_floats(std::vector<float> values, const Epilogue& epilogue, int64_t workspace, Run run) {
    for (size_t i = 0; i < values.size(); ++i) {
      const size_t c = i % scale_.size();
      if (steps_.affine) values[i] = std::fma(values[i], scale_[c], shift_[c]);
      if (steps_.activation == Activation::kRelu && values[i] <= 0) values[i] = 0;
      if (steps_.activation == Activation::kTanh) values[i] = tanh_f32(values[i]);
    }
    if (steps_.threshold) {
      expect_out(reference::pack(values, shape_.out_channels, epilogue.threshold_f32, epilogue.flip),
                 workspace, run);
    } else {
      expect_out(float_bits(values), workspace, run);
    }
  }

  template <class T, class Run>
  void expect_out(const std::vector<T>& expected, int64_t workspace_bytes, Run run) {
    Guarded<T> out(static_cast<int64_t>(expected.size()));
    Guarded<uint8_t> workspace(workspace_bytes);
    run(out.data(), workspace.data());
    EXPECT_EQ(out.values(), expected);
    EXPECT_TRUE(out.intact()) << "wrote outside the output";
    EXPECT_TRUE(workspace.intact()) << "wrote outside the workspace";
  }

  std::string describe(const Kernels& kernels) const {
    const ConvShape& s = shape_;
    std::string text = std::string(kernels.name) + " seed " + std::to_string(seed_) + " batch " +
                       std::to_string(batch_) + " pad_value " + std::to_string(pad_value_) + " shape";
    for (int64_t value : {s.in_height, s.in_width, s.in_channels, s.out_channels, s.kernel_height,
                          s.kernel_width, s.stride_height, s.stride_width, s.pad_height, s.pad_width,
                          s.dilation_height, s.dilation_width, s.groups}) {
      text += " " + std::to_string(value);
    }
    return text + " affine " + std::to_string(steps_.affine) + " activation " +
           std::to_string(static_cast<int>(steps_.activation)) + " threshold " +
           std::to_string(steps_.threshold) + " flip " + std::to_string(steps_.flip);
  }

  ConvShape shape_;
  int64_t batch_ = 1;
  int pad_value_ = 0;
  uint32_t seed_ = 1;
  Steps steps_;
  std::vector<float> scale_, shift_, threshold_f32_;
  std::vector<int32_t> threshold_i32_;
  std::vector<uint64_t> flip_;
};

class Convolution : public testing::IsaTest {};

TEST_P(Convolution, ChannelsAroundTheWord) {
  for (int64_t channels : kChannels) {
    for (int64_t kernel : {1, 3}) {
      ConvTester().channels(channels, 7).kernel(kernel).pad(kernel / 2).batch(3).binary(kernels());
      ConvTester().channels(channels, 7).kernel(kernel).pad(kernel / 2).batch(3).floats(kernels());
    }
  }
}

TEST_P(Convolution, OutputsAroundThePanel) {
  for (int64_t panel : {kernels().binary_panel, kernels().f32_panel}) {
    for (int64_t outputs : {int64_t{1}, panel - 1, panel, panel + 1, 2 * panel + 1}) {
      ConvTester().channels(9, outputs).pad(1).binary(kernels());
      ConvTester().channels(9, outputs).pad(1).floats(kernels());
    }
  }
}

TEST_P(Convolution, KernelStridePaddingDilation) {
  for (int64_t kernel : {1, 3, 5, 7}) {
    for (int64_t stride : {1, 2}) {
      for (int64_t pad : {0, 1, 2}) {
        for (int64_t dilation : {1, 2}) {
          auto tester = ConvTester().size(13, 14).kernel(kernel).stride(stride).pad(pad).dilation(dilation);
          for (int pad_value : {0, 1, -1}) tester.pad_value(pad_value).binary(kernels());
          tester.floats(kernels());
        }
      }
    }
  }
}

TEST_P(Convolution, HeightAndWidthDiffer) {
  ConvShape shape;
  shape.in_height = 9;
  shape.in_width = 6;
  shape.in_channels = 65;
  shape.out_channels = 3;
  shape.kernel_height = 1;
  shape.kernel_width = 3;
  shape.stride_height = 2;
  shape.pad_width = 2;
  shape.dilation_width = 2;
  ConvTester(shape).batch(2).binary(kernels());
  ConvTester(shape).batch(2).floats(kernels());
  std::swap(shape.kernel_height, shape.kernel_width);
  std::swap(shape.pad_height, shape.pad_width);
  ConvTester(shape).batch(2).binary(kernels());
  ConvTester(shape).batch(2).floats(kernels());
}

TEST_P(Convolution, PaddingBeyondTheKernel) {
  for (int pad_value : {0, 1, -1}) ConvTester().pad(5).pad_value(pad_value).batch(2).binary(kernels());
  ConvTester().pad(5).batch(2).floats(kernels());
}

TEST_P(Convolution, ImageSmallerThanTheKernel) {
  for (int pad_value : {0, 1, -1}) {
    ConvTester().size(1, 2).kernel(5).pad(2).pad_value(pad_value).binary(kernels());
    ConvTester().size(1, 2).kernel(3).dilation(2).pad(2).pad_value(pad_value).binary(kernels());
  }
  ConvTester().size(1, 2).kernel(5).pad(2).floats(kernels());
}

TEST_P(Convolution, GroupsOfAnySize) {
  for (int64_t channels : {2, 6, 66, 128, 130, 160}) {
    for (int64_t groups : {int64_t{2}, channels}) {
      for (int pad_value : {0, 1, -1}) {
        ConvTester()
            .channels(channels, 2 * channels)
            .groups(groups)
            .pad(1)
            .pad_value(pad_value)
            .binary(kernels());
      }
      ConvTester().channels(channels, channels).groups(groups).kernel(1).binary(kernels());
      ConvTester().channels(channels, 2 * channels).groups(groups).pad(1).floats(kernels());
      ConvTester().channels(channels, channels).groups(groups).kernel(1).floats(kernels());
    }
  }
}

TEST_P(Convolution, GroupsThatCrossWords) {
  ConvTester().channels(3 * 50, 6).groups(3).pad(1).batch(2).binary(kernels());
  ConvTester().channels(3 * 70, 6).groups(3).pad(1).batch(2).pad_value(1).binary(kernels());
  ConvTester().channels(2 * 127, 4).groups(2).kernel(1).stride(2).binary(kernels());
}

TEST_P(Convolution, DenseLayers) {
  for (int64_t inputs : {1, 64, 65, 500, 2500}) {
    for (int64_t batch : {1, 3, 130}) {
      ConvTester().size(1, 1).kernel(1).channels(inputs, 10).batch(batch).binary(kernels());
      ConvTester().size(1, 1).kernel(1).channels(inputs, 10).batch(batch).floats(kernels());
    }
  }
}

// More pixels than a chunk holds, several images: chunks start and end anywhere in a row.
TEST_P(Convolution, SeveralChunks) {
  for (const Steps& steps : kAllSteps) {
    ConvTester().size(19, 21).channels(3, 70).pad(1).batch(5).steps(steps).binary(kernels());
    ConvTester().size(19, 21).channels(3, 70).pad(1).batch(3).steps(steps).floats(kernels());
  }
}

TEST_P(Convolution, EveryEpilogue) {
  for (const Steps& steps : kAllSteps) {
    for (int64_t outputs : kChannels) {
      ConvTester().channels(20, outputs).pad(1).steps(steps).binary(kernels());
      ConvTester().channels(2, outputs).pad(1).steps(steps).floats(kernels());
    }
  }
}

TEST_P(Convolution, RandomCombinations) {
  for (uint32_t seed = 1; seed <= 400; ++seed) {
    Random random(seed);
    ConvShape shape;
    const int64_t unit = random.choice<int64_t>({1, 2, 3, 16, 31, 33, 64, 65, 80});
    shape.groups = random.choice<int64_t>({1, 1, 1, 2, 3});
    shape.in_channels = shape.groups * unit;
    shape.out_channels = shape.groups * random.integer(1, 9);
    shape.kernel_height = random.choice<int64_t>({1, 2, 3, 5});
    shape.kernel_width = random.choice<int64_t>({1, 2, 3, 5});
    shape.stride_height = random.integer(1, 3);
    shape.stride_width = random.integer(1, 3);
    shape.pad_height = random.integer(0, 3);
    shape.pad_width = random.integer(0, 3);
    shape.dilation_height = random.integer(1, 2);
    shape.dilation_width = random.integer(1, 2);
    shape.in_height = random.integer(1, 9);
    shape.in_width = random.integer(1, 9);
    if (!shape.validate().ok()) continue;
    const Steps steps = kAllSteps[random.integer(0, static_cast<int64_t>(std::size(kAllSteps)) - 1)];
    auto tester = ConvTester(shape).batch(random.choice<int64_t>({1, 3})).steps(steps).seed(seed);
    tester.pad_value(static_cast<int>(random.integer(-1, 1))).binary(kernels());
    tester.floats(kernels());
    if (HasFailure()) return;
  }
}

BMX_TEST_ALL_ISAS(Convolution);

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
     "convolution: padding height must be between 0 and 2147483647, found -1"},
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
