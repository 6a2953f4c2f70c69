// transpose: out.shape[i] = in.shape[perm[i]], on the axes of a sample.
#include <algorithm>

#include "ops/registry.h"

namespace bmx {
namespace {

// Input strides, in elements, of the output's axes.
Shape permuted_strides(const Shape& in, const std::vector<int64_t>& perm) {
  Shape strides(in.size(), 1);
  for (size_t axis = in.size() - 1; axis > 0; --axis) strides[axis - 1] = strides[axis] * in[axis];
  Shape permuted;
  for (int64_t axis : perm) permuted.push_back(strides[static_cast<size_t>(axis)]);
  return permuted;
}

bool is_permutation(std::vector<int64_t> perm, size_t rank) {
  std::sort(perm.begin(), perm.end());
  for (size_t i = 0; i < perm.size(); ++i) {
    if (perm[i] != static_cast<int64_t>(i)) return false;
  }
  return perm.size() == rank;
}

// Moving axes of size 1 moves nothing.
bool keeps_order(const Shape& in, const std::vector<int64_t>& perm) {
  int64_t last = -1;
  for (int64_t axis : perm) {
    if (in[static_cast<size_t>(axis)] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

class Transpose final : public Operator {
 public:
  Transpose(ValueType output, Shape strides, bool view)
      : Operator(std::move(output)), strides_(std::move(strides)), view_(view) {}

  bool is_view() const override { return view_; }

  void run(const RunArgs& args) const override {
    const int64_t sample = output().elements();
    for (int64_t n = 0; n < args.batch; ++n) {
      copy_axis(args.input<float>() + n * sample, args.output<float>() + n * sample, 0, sample);
    }
  }

 private:
  // Fills out[0 .. size), the part of the output that axes from `axis` on span.
  void copy_axis(const float* x, float* out, size_t axis, int64_t size) const {
    const int64_t length = output().shape[axis], stride = strides_[axis], inner = size / length;
    for (int64_t i = 0; i < length; ++i) {
      if (inner == 1) {
        out[i] = x[i * stride];
      } else {
        copy_axis(x + i * stride, out + i * inner, axis + 1, inner);
      }
    }
  }

  Shape strides_;
  bool view_;
};

}  // namespace

Result<OperatorPtr> create_transpose(NodeReader& node, const Kernels&) {
  const ValueType& in = node.input({DType::kF32});
  const std::vector<int64_t> perm = node.integers("perm");
  if (!is_permutation(perm, in.shape.size())) {
    node.fail("perm " + text_of(perm) + " is not a permutation of the input's " +
              std::to_string(in.shape.size()) + " axes");
  }
  BMX_RETURN_IF_ERROR(node.finish());
  ValueType out{in.dtype, {}};
  for (int64_t axis : perm) out.shape.push_back(in.shape[static_cast<size_t>(axis)]);
  return OperatorPtr(
      new Transpose(std::move(out), permuted_strides(in.shape, perm), keeps_order(in.shape, perm)));
}

}  // namespace bmx
