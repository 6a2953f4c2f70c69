// softmax over the last axis: exp(x - max) / sum, the sum in ascending order.
#include <algorithm>

#include "ops/parallel_rows.h"
#include "ops/registry.h"

namespace bmx {
namespace {

class Softmax final : public Operator {
 public:
  Softmax(ValueType output, const Kernels& kernels) : Operator(std::move(output)), kernels_(kernels) {}

  void run(const RunArgs& args) const override {
    const int64_t channels = output().shape.back();
    const int64_t rows = args.batch * (output().elements() / channels);
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

Result<OperatorPtr> create_softmax(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32});
  BMX_RETURN_IF_ERROR(node.finish());
  return OperatorPtr(new Softmax(in, kernels));
}

}  // namespace bmx
