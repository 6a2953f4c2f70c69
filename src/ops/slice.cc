// slice: a range of each axis of a sample.
#include <cstring>

#include "ops/parallel_rows.h"
#include "ops/registry.h"

namespace bmx {
namespace {

class Slice final : public Operator {
 public:
  Slice(ValueType output, Shape in, std::vector<int64_t> begin)
      : Operator(std::move(output)), in_(std::move(in)), begin_(std::move(begin)), strides_(in_.size(), 1) {
    for (size_t axis = in_.size() - 1; axis > 0; --axis) strides_[axis - 1] = strides_[axis] * in_[axis];
    for (size_t axis = 0; axis < in_.size(); ++axis) {
      if (this->output().shape[axis] != in_[axis]) cut_ = axis;
    }
  }

  bool is_view() const override { return output().shape == in_; }

  void run(const RunArgs& args) const override {
    const int64_t sample = strides_[0] * in_[0], elements = output().elements();
    // Along the first axis, unless a sample is one stretch.
    const int64_t length = cut_ == 0 ? 1 : output().shape[0], inner = elements / length;
    parallel_rows(args.pool, args.batch * length, inner, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const float* x = args.input<float>() + r / length * sample;
        float* y = args.output<float>() + r * inner;
        if (cut_ == 0) {
          copy(x, 0, inner, y);
        } else {
          copy(x + (begin_[0] + r % length) * strides_[0], 1, inner, y);
        }
      }
    });
  }

 private:
  // Fills y[0 .. size), the part of the output that the axes from `axis` on span. Behind the last axis that
  // is cut, everything is one stretch.
  void copy(const float* x, size_t axis, int64_t size, float* y) const {
    x += begin_[axis] * strides_[axis];
    if (axis == cut_) {
      std::memcpy(y, x, static_cast<size_t>(size) * sizeof(float));
      return;
    }
    const int64_t length = output().shape[axis], inner = size / length;
    for (int64_t i = 0; i < length; ++i) copy(x + i * strides_[axis], axis + 1, inner, y + i * inner);
  }

  Shape in_;
  std::vector<int64_t> begin_, strides_;
  size_t cut_ = 0;  // the last axis that is not copied whole
};

}  // namespace

Result<OperatorPtr> create_slice(NodeReader& node, const Kernels&) {
  const ValueType& in = node.input({DType::kF32});
  const std::vector<int64_t> begin = node.integers("begin"), end = node.integers("end");
  ValueType out = in;
  bool fits = begin.size() == in.shape.size() && end.size() == in.shape.size();
  for (size_t axis = 0; fits && axis < in.shape.size(); ++axis) {
    fits = begin[axis] >= 0 && begin[axis] < end[axis] && end[axis] <= in.shape[axis];
    if (fits) out.shape[axis] = end[axis] - begin[axis];
  }
  if (!fits) {
    node.fail("slices from " + text_of(begin) + " to " + text_of(end) +
              ", which are not ranges inside its input's " + text_of(in.shape));
  }
  BMX_RETURN_IF_ERROR(node.finish());
  return OperatorPtr(new Slice(std::move(out), in.shape, begin));
}

}  // namespace bmx
