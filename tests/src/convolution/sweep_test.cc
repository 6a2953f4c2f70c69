// Thousands of random convolutions on every ISA, each equal to the reference loops to the last bit: shapes
// around the edges of words, units, tiles and panels, bit planes, borders, groups, every epilogue, one and
// several threads.
#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "convolution/convolution.h"
#include "reference/reference.h"
#include "support/tester.h"

namespace bmx {
namespace {

using testing::float_bits;
using testing::Guarded;
using testing::Random;

constexpr uint32_t kCases = 2000;

// One random case; `seed` makes it again.
class Sweep {
 public:
  Sweep(const Kernels& kernels, uint32_t seed) : kernels_(kernels), random_(seed) {
    draw_shape();
    draw_epilogue();
  }

  std::string describe() const {
    const ConvShape& s = shape_;
    std::string text = "batch, sizes, channels, kernel, stride, pad, dilation, groups:";
    for (int64_t value : {batch_, s.in_height, s.in_width, s.in_channels, s.out_channels, s.kernel_height,
                          s.kernel_width, s.stride_height, s.stride_width, s.pad_height, s.pad_width,
                          s.dilation_height, s.dilation_width, s.groups}) {
      text += " " + std::to_string(value);
    }
    return text + "; threads " + std::to_string(threads_);
  }

  void binary() {
    const Planes inputs = draw_planes();
    Planes weights = draw_planes();
    if (weights.count > 1 && coin()) weights.values = BitValues::kTwosComplement;
    const bool signs = inputs.count == 1 && inputs.values == BitValues::kSigns;
    const int pad_value = signs ? static_cast<int>(random_.integer(-1, 1)) : 0;
    const int64_t pixels = batch_ * shape_.in_height * shape_.in_width,
                  taps = shape_.out_channels * shape_.taps();
    // Inputs are [pixel][plane][words], weights [plane][output, tap][words].
    const auto x = random_.bits(pixels * inputs.count, shape_.in_channels);
    const auto w = random_.bits(weights.count * taps, shape_.group_inputs());
    const std::vector<int32_t> sums = reference::binary_convolution(
        shape_, batch_, pad_value, values_of(x, pixels, shape_.in_channels, inputs, 1, inputs.count),
        values_of(w, taps, shape_.group_inputs(), weights, taps, 1));
    auto convolution = BinaryConvolution::create(shape_, pad_value, w.data(), kernels_, inputs, weights);
    ASSERT_TRUE(convolution.ok()) << convolution.status().message();
    if (!makes_floats()) return check_integers(*convolution, x, sums);
    epilogue_.threshold_i32 = nullptr;
    check_floats(std::vector<float>(sums.begin(), sums.end()), convolution->workspace_bytes(threads_),
                 [&](const ConvOutputs& out, void* workspace, ThreadPool* pool) {
                   convolution->run(x.data(), batch_, epilogue_, out, workspace, pool);
                 });
  }

  void floats() {
    const auto x = random_.reals(batch_ * shape_.in_height * shape_.in_width * shape_.in_channels);
    const auto w = random_.reals(shape_.out_channels * shape_.depth());
    const auto bias = random_.reals(random_.integer(0, 1) * shape_.out_channels);
    auto convolution =
        FloatConvolution::create(shape_, w.data(), bias.empty() ? nullptr : bias.data(), kernels_);
    ASSERT_TRUE(convolution.ok()) << convolution.status().message();
    epilogue_.threshold_i32 = nullptr;
    check_floats(reference::float_convolution(shape_, batch_, x, w, bias),
                 convolution->workspace_bytes(threads_),
                 [&](const ConvOutputs& out, void* workspace, ThreadPool* pool) {
                   convolution->run(x.data(), batch_, epilogue_, out, workspace, pool);
                 });
  }

  // Weights of -1 and +1 that stay packed: equal to those of floats.
  void binary_weights() {
    const auto x = random_.reals(batch_ * shape_.in_height * shape_.in_width * shape_.in_channels);
    const auto w = random_.bits(shape_.out_channels * shape_.taps(), shape_.group_inputs());
    const std::vector<int> signs = reference::unpack(w, shape_.group_inputs());
    auto convolution = FloatConvolution::create_binary(shape_, w.data(), kernels_);
    ASSERT_TRUE(convolution.ok()) << convolution.status().message();
    epilogue_.threshold_i32 = nullptr;
    check_floats(reference::float_convolution(shape_, batch_, x, {signs.begin(), signs.end()}, {}),
                 convolution->workspace_bytes(threads_),
                 [&](const ConvOutputs& out, void* workspace, ThreadPool* pool) {
                   convolution->run(x.data(), batch_, epilogue_, out, workspace, pool);
                 });
  }

 private:
  int64_t pick(std::initializer_list<int64_t> values) { return random_.choice(values); }
  bool coin() { return random_.integer(0, 1) == 1; }

  void draw_shape() {
    do {
      ConvShape& s = shape_;
      s = ConvShape();
      batch_ = pick({1, 1, 1, 2, 3});
      s.in_height = random_.integer(1, 9);
      s.in_width = random_.integer(1, 9);
      s.kernel_height = pick({1, 1, 2, 3, 3, 5});
      s.kernel_width = coin() ? s.kernel_height : pick({1, 3, 4});
      s.stride_height = pick({1, 1, 2, 3});
      s.stride_width = coin() ? s.stride_height : pick({1, 2});
      s.pad_height = pick({0, 1, 1, 2, 4});
      s.pad_width = coin() ? s.pad_height : pick({0, 1, 3});
      s.dilation_height = pick({1, 1, 1, 2});
      s.dilation_width = coin() ? s.dilation_height : pick({1, 2});
      s.groups = pick({1, 1, 1, 1, 1, 2, 3, 5, 17, 64, 130});
      s.in_channels =
          s.groups * (coin() ? pick({1, 3, 4, 5, 31, 32, 33, 63, 64, 65, 96, 128}) : random_.integer(1, 40));
      s.out_channels =
          s.groups * (coin() ? pick({1, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 129}) : random_.integer(1, 40));
      if (s.groups == s.in_channels) s.out_channels = s.groups * pick({1, 1, 2});
    } while (!shape_.validate().ok() ||
             batch_ * shape_.out_height() * shape_.out_width() * shape_.out_channels * shape_.depth() >
                 300000);
    threads_ = static_cast<int>(pick({1, 1, 2, 3}));
  }

  void draw_epilogue() {
    const int64_t channels = shape_.out_channels;
    scale_ = random_.reals(channels);
    shift_ = random_.reals(channels);
    slope_ = random_.reals(channels);
    residual_ = random_.reals(coin() ? out_size() : 0);
    threshold_f32_ = random_.reals(channels);
    flip_ = random_.bits(1, channels);
    if (coin()) {
      epilogue_.scale = scale_.data();
      epilogue_.shift = shift_.data();
    }
    epilogue_.activation = {draw_activation(), slope_.data(), -1, 2.5F};
    if (coin()) {
      threshold_i32_ = random_.integers(channels, -6, 6);
      epilogue_.threshold_i32 = threshold_i32_.data();
      epilogue_.threshold_f32 = threshold_f32_.data();
      if (coin()) epilogue_.flip = flip_.data();
    }
    only_bits_ = coin();
    epilogue_.activation_first = epilogue_.scale != nullptr && coin();
    epilogue_.final_relu = coin() && coin();
    epilogue_.cast = coin();
    if (coin()) {  // plain integers
      epilogue_.scale = epilogue_.shift = nullptr;
      epilogue_.activation.function = Activation::kNone;
      epilogue_.activation_first = epilogue_.final_relu = epilogue_.cast = false;
      residual_.clear();
      epilogue_.threshold_f32 = nullptr;
    }
    epilogue_.residual = !residual_.empty();
  }

  Activation draw_activation() {
    return random_.choice({
        Activation::kNone,
        Activation::kNone,
#define BMX_ACTIVATION(name, Name, ...) Activation::k##Name,
#include "pointwise/activations.inc"
    });
  }

  bool makes_floats() const { return epilogue_.makes_floats(); }
  int64_t out_size() const { return batch_ * shape_.out_height() * shape_.out_width() * shape_.out_channels; }

  Planes draw_planes() {
    Planes planes;
    planes.count = static_cast<int>(pick({1, 1, 1, 1, 2, 3, 8}));
    planes.values = coin() ? BitValues::kSigns : BitValues::kZeroOne;
    return planes;
  }

  // Row r of plane i lies at row r * row_step + i * plane_step of `bits`.
  static std::vector<int> values_of(const std::vector<uint64_t>& bits, int64_t rows, int64_t channels,
                                    Planes planes, int64_t plane_step, int64_t row_step) {
    std::vector<int> values;
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < channels; ++c) {
        int value = 0;
        for (int i = 0; i < planes.count; ++i) {
          const uint64_t* row = bits.data() + (r * row_step + i * plane_step) * words_for(channels);
          const int bit = get_bit(row, c) ? 1 : planes.values == BitValues::kSigns ? -1 : 0;
          const bool negative = planes.values == BitValues::kTwosComplement && i == planes.count - 1;
          value += bit * (negative ? -(1 << i) : 1 << i);
        }
        values.push_back(value);
      }
    }
    return values;
  }

  void check_integers(const BinaryConvolution& convolution, const std::vector<uint64_t>& x,
                      const std::vector<int32_t>& sums) {
    const int64_t rows = out_size() / shape_.out_channels;
    Guarded<int32_t> integers(out_size());
    Guarded<uint64_t> bits(rows * words_for(shape_.out_channels));
    Guarded<uint8_t> workspace(convolution.workspace_bytes(threads_));
    ThreadPool pool(threads_);
    ConvOutputs out;
    const bool thresholds = epilogue_.threshold_i32 != nullptr;
    if (thresholds) out.bits = bits.data();
    if (!thresholds || !only_bits_) out.integers = integers.data();
    convolution.run(x.data(), batch_, epilogue_, out, workspace.data(), &pool);
    if (out.integers != nullptr) {
      EXPECT_EQ(integers.values(), sums);
    }
    if (thresholds) {
      EXPECT_EQ(bits.values(),
                reference::pack(sums, shape_.out_channels, epilogue_.threshold_i32, epilogue_.flip));
    }
    EXPECT_TRUE(integers.intact() && bits.intact() && workspace.intact());
  }

  float activated(float x, size_t channel) const {
    ActivationStep step = epilogue_.activation;
    switch (step.function) {
      case Activation::kRelu:
        return x <= 0 ? 0.0F : x;
      case Activation::kPrelu:
        return x <= 0 ? x * slope_[channel] : x;
      case Activation::kClip:
        return std::max(step.low, std::min(step.high, x));
      default:
        step.slope = &slope_[channel];
        return reference::activate(step, x);
    }
  }

  template <class Run>
  void check_floats(std::vector<float> values, int64_t workspace_bytes, Run run) {
    for (size_t i = 0; i < values.size(); ++i) {
      const size_t c = i % scale_.size();
      const auto affine = [&](float x) { return std::fma(x, scale_[c], shift_[c]); };
      if (epilogue_.scale != nullptr && !epilogue_.activation_first) values[i] = affine(values[i]);
      values[i] = activated(values[i], c);
      if (epilogue_.activation_first) values[i] = affine(values[i]);
      if (!residual_.empty()) values[i] += residual_[i];
      if (epilogue_.final_relu) values[i] = values[i] <= 0 ? 0.0F : values[i];
    }
    const int64_t rows = out_size() / shape_.out_channels;
    Guarded<float> floats(out_size());
    Guarded<uint64_t> bits(rows * words_for(shape_.out_channels));
    Guarded<uint8_t> workspace(workspace_bytes);
    ThreadPool pool(threads_);
    ConvOutputs out;
    if (epilogue_.threshold_f32 != nullptr) out.bits = bits.data();
    if (out.bits == nullptr || !only_bits_) out.floats = floats.data();
    if (!residual_.empty()) {
      // Sometimes the sum is made in the place of the residual.
      if (out.floats != nullptr && only_bits_) std::copy(residual_.begin(), residual_.end(), floats.data());
      out.residual = out.floats != nullptr && only_bits_ ? floats.data() : residual_.data();
    }
    run(out, workspace.data(), &pool);
    if (out.floats != nullptr) {
      EXPECT_EQ(float_bits(floats.values()), float_bits(values));
    }
    if (out.bits != nullptr) {
      EXPECT_EQ(bits.values(),
                reference::pack(values, shape_.out_channels, epilogue_.threshold_f32, epilogue_.flip));
    }
    EXPECT_TRUE(floats.intact() && bits.intact() && workspace.intact());
  }

  const Kernels& kernels_;
  Random random_;
  ConvShape shape_;
  int64_t batch_ = 1;
  int threads_ = 1;
  Epilogue epilogue_;
  bool only_bits_ = false;
  std::vector<float> scale_, shift_, slope_, residual_, threshold_f32_;
  std::vector<int32_t> threshold_i32_;
  std::vector<uint64_t> flip_;
};

class ConvolutionSweep : public testing::IsaTest {
 protected:
  template <class Check>
  void sweep(Check check) {
    for (uint32_t seed = 1; seed <= kCases && !HasFailure(); ++seed) {
      Sweep one(kernels(), seed);
      SCOPED_TRACE(std::string(kernels().name) + ", seed " + std::to_string(seed) + ", " + one.describe());
      check(one);
    }
  }
};

TEST_P(ConvolutionSweep, Binary) {
  sweep([](Sweep& one) { one.binary(); });
}

TEST_P(ConvolutionSweep, Float) {
  sweep([](Sweep& one) { one.floats(); });
}

TEST_P(ConvolutionSweep, BinaryWeights) {
  sweep([](Sweep& one) { one.binary_weights(); });
}

BMX_TEST_ALL_ISAS(ConvolutionSweep);

}  // namespace
}  // namespace bmx
