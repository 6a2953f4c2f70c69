#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "reference/reference.h"
#include "support/tester.h"

namespace bmx {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

float exp_f32(float x) { return reference::exp(x); }
float tanh_f32(float x) { return reference::activate({Activation::kTanh}, x); }
float sigmoid_f32(float x) { return reference::activate({Activation::kSigmoid}, x); }
float elu_f32(float x, float slope) { return reference::activate({Activation::kElu, &slope}, x); }

// Floats of every magnitude up to `limit`, ascending, both signs.
std::vector<float> sweep(float limit) {
  uint32_t last = 0;
  std::memcpy(&last, &limit, sizeof(last));
  std::vector<float> positive;
  for (uint64_t bits = 0; bits <= last; bits += 5003) {
    const uint32_t pattern = static_cast<uint32_t>(bits);
    float value = 0;
    std::memcpy(&value, &pattern, sizeof(value));
    positive.push_back(value);
  }
  std::vector<float> values;
  for (size_t i = positive.size(); i-- > 1;) values.push_back(-positive[i]);
  values.insert(values.end(), positive.begin(), positive.end());
  return values;
}

// Distance from the true value in units of the float's last place.
double ulps(float value, double truth) {
  const float nearest = static_cast<float>(truth);
  const float above = std::nextafter(std::fabs(nearest), kInfinity);
  return std::fabs(value - truth) / (static_cast<double>(above) - std::fabs(nearest));
}

TEST(Tanh, IsWithinFourUlpAndMonotone) {
  float previous = -1;
  double worst = 0;
  for (float x : sweep(20.0F)) {
    const float y = tanh_f32(x);
    worst = std::max(worst, ulps(y, std::tanh(static_cast<double>(x))));
    ASSERT_GE(y, previous) << x;
    ASSERT_EQ(tanh_f32(-x), -y) << x;
    previous = y;
  }
  EXPECT_LE(worst, 4.0);
}

TEST(Tanh, Limits) {
  EXPECT_EQ(tanh_f32(10.0F), 1.0F);
  EXPECT_EQ(tanh_f32(kInfinity), 1.0F);
  EXPECT_EQ(tanh_f32(-kInfinity), -1.0F);
  EXPECT_TRUE(std::isnan(tanh_f32(kNan)));
  EXPECT_TRUE(std::signbit(tanh_f32(-0.0F)));
}

TEST(Exp, IsWithinTwoUlpAndMonotone) {
  float previous = 0;
  double worst = 0;
  for (float x : sweep(110.0F)) {
    const float y = exp_f32(x);
    ASSERT_GE(y, previous) << x;
    previous = y;
    const double truth = std::exp(static_cast<double>(x));
    if (truth < std::numeric_limits<float>::max()) worst = std::max(worst, ulps(y, truth));
  }
  EXPECT_LE(worst, 2.0);
}

TEST(Exp, Limits) {
  EXPECT_EQ(exp_f32(0.0F), 1.0F);
  EXPECT_EQ(exp_f32(88.73F), kInfinity);
  EXPECT_EQ(exp_f32(kInfinity), kInfinity);
  EXPECT_EQ(exp_f32(-104.0F), 0.0F);
  EXPECT_EQ(exp_f32(-kInfinity), 0.0F);
  EXPECT_TRUE(std::isnan(exp_f32(kNan)));
}

TEST(Sigmoid, IsWithinThreeUlpAndMonotone) {
  float previous = 0;
  double worst = 0;
  for (float x : sweep(110.0F)) {
    const float y = sigmoid_f32(x);
    ASSERT_GE(y, previous) << x;
    previous = y;
    if (x > -87) worst = std::max(worst, ulps(y, 1 / (1 + std::exp(-static_cast<double>(x)))));
  }
  EXPECT_LE(worst, 3.0);
}

TEST(Sigmoid, Limits) {
  EXPECT_EQ(sigmoid_f32(0.0F), 0.5F);
  EXPECT_EQ(sigmoid_f32(-0.0F), 0.5F);
  EXPECT_EQ(sigmoid_f32(17.4F), 1.0F);
  EXPECT_EQ(sigmoid_f32(kInfinity), 1.0F);
  EXPECT_EQ(sigmoid_f32(-88.73F), 0.0F);
  EXPECT_EQ(sigmoid_f32(-kInfinity), 0.0F);
  EXPECT_TRUE(std::isnan(sigmoid_f32(kNan)));
}

TEST(Elu, IsWithinFourUlpAndMonotone) {
  for (float slope : {1.0F, 0.37F}) {
    float previous = -1;
    double worst = 0;
    for (float x : sweep(110.0F)) {
      const float y = elu_f32(x, slope);
      ASSERT_GE(y, previous) << x;
      previous = y;
      if (x > 0) {
        ASSERT_EQ(y, x);
      } else if (x < -std::numeric_limits<float>::min() / slope) {  // others are rounded more coarsely
        worst = std::max(worst, ulps(y, slope * std::expm1(static_cast<double>(x))));
      }
    }
    EXPECT_LE(worst, 4.0);
  }
}

TEST(Elu, Limits) {
  EXPECT_EQ(elu_f32(0.0F, 2.0F), 0.0F);
  EXPECT_EQ(elu_f32(-20.0F, 2.0F), -2.0F);
  EXPECT_EQ(elu_f32(-kInfinity, 2.0F), -2.0F);
  EXPECT_EQ(elu_f32(kInfinity, 2.0F), kInfinity);
  EXPECT_TRUE(std::isnan(elu_f32(kNan, 2.0F)));
}

class Math : public testing::IsaTest {
 protected:
  // The bits to compare: 32-bit NEON takes denormal numbers for zero.
  std::vector<uint32_t> bits(std::vector<float> values) const {
    if (std::string(kernels().name) == "neon32") {
      for (float& value : values)
        value = std::fabs(value) <= std::numeric_limits<float>::min() ? 0.0F : value;
    }
    return testing::float_bits(values);
  }
};

TEST_P(Math, ExpReturnsTheSameBitsOnEveryIsa) {
  const std::vector<float> x = sweep(120.0F);
  std::vector<float> y(x.size()), expected(x.size());
  kernels().exp(x.data(), static_cast<int64_t>(x.size()), y.data());
  all_kernels().back()->exp(x.data(), static_cast<int64_t>(x.size()), expected.data());
  EXPECT_TRUE(bits(y) == bits(expected));
}

constexpr Activation kActivations[] = {
#define BMX_ACTIVATION(name, Name, ...) Activation::k##Name,
#include "pointwise/activations.inc"
};

TEST_P(Math, ActivationsReturnTheSameBitsOnEveryIsa) {
  const std::vector<float> x = sweep(120.0F), slope(x.size(), 0.37F);
  const int64_t count = static_cast<int64_t>(x.size());
  for (const Activation function : kActivations) {
    const ActivationStep step{function, slope.data(), -1.5F, 60.0F};
    std::vector<float> y(x.size()), expected(x.size());
    kernels().activate(step, x.data(), 1, count, y.data());
    all_kernels().back()->activate(step, x.data(), 1, count, expected.data());
    EXPECT_TRUE(bits(y) == bits(expected)) << static_cast<int>(function);
  }
}

TEST_P(Math, ActivationsOfShortRowsAndOfNan) {
  const float slopes[40] = {0.5F, 0.25F};
  for (const Activation function : kActivations) {
    for (int64_t count = 1; count <= 40; ++count) {
      std::vector<float> x(static_cast<size_t>(count), 0.5F);
      x.back() = kNan;
      testing::Guarded<float> y(x);
      kernels().activate({function, slopes, -1.5F, 60.0F}, y.data(), 1, count, y.data());
      const std::vector<float> values = y.values();
      for (size_t i = 0; i + 1 < values.size(); ++i) {
        EXPECT_EQ(values[i], reference::activate({function, &slopes[i], -1.5F, 60.0F}, 0.5F));
      }
      EXPECT_TRUE(std::isnan(values.back()));
      EXPECT_TRUE(y.intact());
    }
  }
}

BMX_TEST_ALL_ISAS(Math);

}  // namespace
}  // namespace bmx
