// concat: the rows of all inputs side by side along the last axis.
#include <algorithm>
#include <cstring>

#include "ops/parallel_rows.h"
#include "ops/registry.h"

namespace bmx {
namespace {

class Concat final : public Operator {
 public:
  Concat(ValueType output, std::vector<int64_t> channels)
      : Operator(std::move(output)), channels_(std::move(channels)) {}

  void run(const RunArgs& args) const override {
    const int64_t row = output().shape.back(), rows = args.batch * (output().elements() / row);
    float* y = args.output<float>();
    for (size_t i = 0; i < channels_.size(); y += channels_[i], ++i) {
      if (args.input<float>(i) != y) copy_rows(args, i, rows, y);
    }
  }

  bool reads_strided() const override { return true; }
  bool writes_strided() const override { return true; }
  bool is_concat() const override { return true; }

 private:
  void copy_rows(const RunArgs& args, size_t index, int64_t rows, float* y) const {
    const int64_t channels = channels_[index], stride = args.input_strides[index];
    parallel_rows(args.pool, rows, channels, [&](int64_t begin, int64_t end) {
      const float* x = args.input<float>(index) + begin * stride;
      float* to = y + begin * args.out_stride;
      for (int64_t r = begin; r < end; ++r, x += stride, to += args.out_stride) {
        std::memcpy(to, x, static_cast<size_t>(channels) * sizeof(float));
      }
    });
  }

  std::vector<int64_t> channels_;  // of each input
};

}  // namespace

Result<OperatorPtr> create_concat(NodeReader& node, const Kernels&) {
  const std::vector<ValueType> in = node.inputs(0, {DType::kF32});
  ValueType out = in[0];
  std::vector<int64_t> channels;
  out.shape.back() = 0;
  for (const ValueType& x : in) {
    const bool fits = x.shape.size() == out.shape.size() &&
                      std::equal(x.shape.begin(), x.shape.end() - 1, out.shape.begin());
    if (!fits) {
      node.fail("takes shapes that are equal but for the last axis, its inputs are " + text_of(in[0].shape) +
                " and " + text_of(x.shape));
    }
    channels.push_back(x.shape.back());
    out.shape.back() += x.shape.back();
  }
  BMX_RETURN_IF_ERROR(node.finish());
  return OperatorPtr(new Concat(std::move(out), std::move(channels)));
}

}  // namespace bmx
