// lrn and softmax: each value against those of other channels.
#include <algorithm>
#include <cmath>

#include "ops/node_reader.h"
#include "ops/operator.h"
#include "ops/parallel_rows.h"

namespace bmx {
namespace {

enum class Power { kHalf, kThreeQuarters, kOne };

float raise(float base, Power power) {
  if (power == Power::kOne) return base;
  const float root = std::sqrt(base);
  return power == Power::kHalf ? root : root * std::sqrt(root);
}

// Local response normalization across channels. Every step is a correctly rounded operation in a fixed order,
// so the results are the same on every machine.
class Lrn final : public Operator {
 public:
  Lrn(ValueType output, int64_t size, float alpha, Power power, float knorm)
      : Operator(std::move(output)),
        half_(size / 2),
        scale_(alpha / static_cast<float>(size)),
        power_(power),
        knorm_(knorm) {}

  void run(const RunArgs& args) const override {
    const int64_t channels = output().shape.back();
    const int64_t rows = row_count(output(), args.batch);
    parallel_rows(
        args.pool, rows, channels * (2 * std::min(half_, channels) + 1), [&](int64_t begin, int64_t end) {
          for (int64_t r = begin; r < end; ++r) {
            normalize(args.input<float>() + r * channels, channels, args.output<float>() + r * channels);
          }
        });
  }

 private:
  void normalize(const float* x, int64_t channels, float* y) const {
    for (int64_t c = 0; c < channels; ++c) {
      float sum = 0;
      const int64_t end = std::min(c + half_ + 1, channels);
      for (int64_t near = std::max<int64_t>(c - half_, 0); near < end; ++near) sum += x[near] * x[near];
      y[c] = x[c] / raise(knorm_ + scale_ * sum, power_);
    }
  }

  int64_t half_;
  float scale_;
  Power power_;
  float knorm_;
};

Power power_of(NodeReader& node, float beta) {
  if (beta == 0.5F) return Power::kHalf;
  if (beta == 0.75F) return Power::kThreeQuarters;
  if (beta != 1.0F) node.fail("beta is " + std::to_string(beta) + ", it must be 0.5, 0.75 or 1");
  return Power::kOne;
}

// exp(x - max) / sum over the last axis, the sum in ascending order.
class Softmax final : public Operator {
 public:
  Softmax(ValueType output, const Kernels& kernels) : Operator(std::move(output)), kernels_(kernels) {}

  void run(const RunArgs& args) const override {
    const int64_t channels = output().shape.back();
    const int64_t rows = row_count(output(), args.batch);
    const auto* x = args.input<float>();
    auto* y = args.output<float>();
    parallel_rows(args.pool, rows, channels, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) normalize(x + r * channels, channels, y + r * channels);
    });
  }

 private:
  void normalize(const float* x, int64_t channels, float* y) const {
    const float largest = *std::max_element(x, x + channels);
    for (int64_t c = 0; c < channels; ++c) y[c] = x[c] - largest;
    kernels_.exp(y, channels, y);
    float sum = 0;
    for (int64_t c = 0; c < channels; ++c) sum += y[c];
    for (int64_t c = 0; c < channels; ++c) y[c] /= sum;
  }

  const Kernels& kernels_;
};

}  // namespace

Result<OperatorPtr> create_lrn(NodeReader& node, const Kernels&) {
  const ValueType& in = node.input({DType::kF32});
  const int64_t size = node.integer("size");
  const Tensor &alpha = node.tensor("alpha", TensorType::kF32, {1}),
               &beta = node.tensor("beta", TensorType::kF32, {1}),
               &knorm = node.tensor("knorm", TensorType::kF32, {1});
  if (size < 1 || size > INT32_MAX || size % 2 == 0) {
    node.fail("size is " + std::to_string(size) + ", it must be odd and at least 1");
  }
  BMX_RETURN_IF_ERROR(node.status());
  const Power power = power_of(node, beta.f32()[0]);
  BMX_RETURN_IF_ERROR(node.status());
  return OperatorPtr(new Lrn(in, size, alpha.f32()[0], power, knorm.f32()[0]));
}

Result<OperatorPtr> create_softmax(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32});
  BMX_RETURN_IF_ERROR(node.status());
  return OperatorPtr(new Softmax(in, kernels));
}

}  // namespace bmx
