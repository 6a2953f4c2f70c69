// transpose: out.shape[i] = in.shape[perm[i]], on the axes of a sample.
#include <algorithm>

#include "ops/parallel_rows.h"
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

template <class T>
class Transpose final : public Operator {
 public:
  Transpose(ValueType output, Shape strides, bool view)
      : Operator(std::move(output)), strides_(std::move(strides)), view_(view) {}

  bool is_view() const override { return view_; }

  void run(const RunArgs& args) const override {
    const int64_t sample = output().elements(), length = output().shape[0], inner = sample / length;
    parallel_rows(args.pool, args.batch * length, inner, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const T* x = args.input<T>() + row / length * sample + row % length * strides_[0];
        T* out = args.output<T>() + row * inner;
        if (inner == 1) {
          *out = *x;
        } else {
          copy_axis(x, out, 1, inner);
        }
      }
    });
  }

 private:
  // Fills out[0 .. size), the part of the output that axes from `axis` on span.
  void copy_axis(const T* x, T* out, size_t axis, int64_t size) const {
    const int64_t length = output().shape[axis], stride = strides_[axis], inner = size / length;
    if (axis + 2 == output().shape.size())
      return copy_plane(x, length, stride, inner, strides_[axis + 1], out);
    for (int64_t i = 0; i < length; ++i) {
      if (inner == 1) {
        out[i] = x[i * stride];
      } else {
        copy_axis(x + i * stride, out + i * inner, axis + 1, inner);
      }
    }
  }

  // The last two axes; the one whose elements lie closer together in memory is the inner loop.
  static void copy_plane(const T* x, int64_t rows, int64_t row_stride, int64_t columns, int64_t column_stride,
                         T* out) {
    if (row_stride < column_stride) {
      for (int64_t j = 0; j < columns; ++j) {
        for (int64_t i = 0; i < rows; ++i) out[i * columns + j] = x[i * row_stride + j * column_stride];
      }
    } else {
      for (int64_t i = 0; i < rows; ++i, out += columns) {
        for (int64_t j = 0; j < columns; ++j) out[j] = x[i * row_stride + j * column_stride];
      }
    }
  }

  Shape strides_;
  bool view_;
};

}  // namespace

Result<OperatorPtr> create_transpose(NodeReader& node, const Kernels&) {
  const ValueType& in = node.input({DType::kF32, DType::kBytes});
  const std::vector<int64_t> perm = node.integers("perm");
  if (!is_permutation(perm, in.shape.size())) {
    node.fail("perm " + text_of(perm) + " is not a permutation of the input's " +
              std::to_string(in.shape.size()) + " axes");
  }
  BMX_RETURN_IF_ERROR(node.finish());
  ValueType out{in.dtype, {}};
  for (int64_t axis : perm) out.shape.push_back(in.shape[static_cast<size_t>(axis)]);
  Shape strides = permuted_strides(in.shape, perm);
  const bool view = keeps_order(in.shape, perm);
  if (in.dtype == DType::kBytes)
    return OperatorPtr(new Transpose<uint8_t>(std::move(out), std::move(strides), view));
  return OperatorPtr(new Transpose<float>(std::move(out), std::move(strides), view));
}

}  // namespace bmx
