// Runs one convolution on random values and compares it with the reference loops.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "convolution/convolution.h"
#include "reference/reference.h"
#include "support/tester.h"

namespace bmx::testing {

// The steps of an epilogue, each on or off.
struct Steps {
  bool affine = false;
  Activation activation = Activation::kNone;
  bool threshold = false;
  bool flip = false;
};

inline const Steps kAllSteps[] = {
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
    const auto run = [&](const ConvOutputs& out, void* workspace) {
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
    expect_floats(sums, epilogue, convolution->workspace_bytes(),
                  [&](const ConvOutputs& out, void* workspace) {
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
    epilogue.activation.function = steps_.activation;
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
      if (steps_.activation == Activation::kTanh)
        values[i] = reference::activate({Activation::kTanh}, values[i]);
    }
    if (steps_.threshold) {
      expect_out(reference::pack(values, shape_.out_channels, epilogue.threshold_f32, epilogue.flip),
                 workspace, run);
    } else {
      expect_out(float_bits(values), workspace, run);
    }
  }

  static ConvOutputs outputs_to(int32_t* out) { return {out, nullptr, nullptr, nullptr}; }
  static ConvOutputs outputs_to(uint32_t* out) {
    return {nullptr, reinterpret_cast<float*>(out), nullptr, nullptr};
  }
  static ConvOutputs outputs_to(uint64_t* out) { return {nullptr, nullptr, out, nullptr}; }

  template <class T, class Run>
  void expect_out(const std::vector<T>& expected, int64_t workspace_bytes, Run run) {
    Guarded<T> out(static_cast<int64_t>(expected.size()));
    Guarded<uint8_t> workspace(workspace_bytes);
    run(outputs_to(out.data()), workspace.data());
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

}  // namespace bmx::testing
