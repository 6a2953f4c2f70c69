// transpose, slice, concat, shuffle_channels, reshape and flatten: the same numbers in other places.
#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "base/checked.h"
#include "ops/node_reader.h"
#include "ops/operator.h"
#include "ops/parallel_rows.h"

namespace bmx {
namespace {

// Elements from one to the next along each axis.
Shape row_major_strides(const Shape& shape) {
  Shape strides(shape.size(), 1);
  for (size_t axis = shape.size() - 1; axis > 0; --axis) strides[axis - 1] = strides[axis] * shape[axis];
  return strides;
}

// Input strides of the output's axes.
Shape permuted_strides(const Shape& in, const std::vector<int64_t>& perm) {
  const Shape strides = row_major_strides(in);
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

// out.shape[i] = in.shape[perm[i]].
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

// A range of each axis.
class Slice final : public Operator {
 public:
  Slice(ValueType output, Shape in, std::vector<int64_t> begin)
      : Operator(std::move(output)),
        in_(std::move(in)),
        begin_(std::move(begin)),
        strides_(row_major_strides(in_)) {
    for (size_t axis = 0; axis < in_.size(); ++axis) {
      if (this->output().shape[axis] != in_[axis]) cut_ = axis;
    }
  }

  bool is_view() const override { return output().shape == in_; }

  void run(const RunArgs& args) const override {
    const int64_t sample = strides_[0] * in_[0], elements = output().elements();
    // Along the first axis, unless the slice of a sample lies together.
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
  // Fills y[0 .. size), the part of the output that the axes from `axis` on span. After the last axis
  // that is cut, everything lies together.
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

// The rows of all inputs side by side along the last axis.
class Concat final : public Operator {
 public:
  Concat(ValueType output, std::vector<int64_t> channels)
      : Operator(std::move(output)), channels_(std::move(channels)) {}

  void run(const RunArgs& args) const override {
    const int64_t rows = row_count(output(), args.batch);
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

// The first channel of each group, then the second of each, and so on.
class ShuffleChannels final : public Operator {
 public:
  ShuffleChannels(ValueType output, int64_t groups) : Operator(std::move(output)), groups_(groups) {}

  void run(const RunArgs& args) const override {
    const int64_t channels = output().shape.back(), group = channels / groups_;
    const int64_t rows = row_count(output(), args.batch);
    parallel_rows(args.pool, rows, channels, [&](int64_t begin, int64_t end) {
      const float* x = args.input<float>() + begin * channels;
      float* y = args.output<float>() + begin * channels;
      for (int64_t r = begin; r < end; ++r, x += channels) {
        for (int64_t c = 0; c < group; ++c) {
          for (int64_t g = 0; g < groups_; ++g) *y++ = x[g * group + c];
        }
      }
    });
  }

 private:
  int64_t groups_;
};

// The same elements in row-major order. Free.
class Reshape final : public Operator {
 public:
  using Operator::Operator;
  bool is_view() const override { return true; }
  void run(const RunArgs&) const override {}
};

// Are these the sizes of 1 to 8 axes that hold `elements` together?
bool holds(const std::vector<int64_t>& shape, int64_t elements) {
  int64_t product = shape.empty() || shape.size() > 8 ? 0 : 1;
  for (int64_t size : shape) {
    const auto next = size < 1 ? std::nullopt : checked_product({product, size});
    product = next.value_or(0);
  }
  return product == elements;
}

// Row-major order of the logical shape. Free, except for bits whose rows end inside a word and for several
// rows of several planes.
class Flatten final : public Operator {
 public:
  Flatten(ValueType output, int64_t channels, bool view)
      : Operator(std::move(output)),
        planes_(planes_of(Operator::output().dtype)),
        channels_(channels),
        view_(view) {}

  bool is_view() const override { return view_; }

  void run(const RunArgs& args) const override {
    const int64_t elements = output().elements(), plane_words = words_for(elements);
    const auto* row = args.input<uint64_t>();
    auto* words = args.output<uint64_t>();
    for (int64_t n = 0; n < args.batch; ++n, words += planes_ * plane_words) {
      std::memset(words, 0, static_cast<size_t>(planes_ * plane_words) * sizeof(uint64_t));
      for (int64_t at = 0; at < elements; at += channels_) {
        for (int plane = 0; plane < planes_; ++plane, row += words_for(channels_))
          append_row(row, at, words + plane * plane_words);
      }
    }
  }

 private:
  // ORs the row's bits to bit `at` on. Rows have zero tails, so nothing is written past them.
  void append_row(const uint64_t* row, int64_t at, uint64_t* words) const {
    const int64_t shift = at % kWordBits;
    uint64_t* target = words + at / kWordBits;
    for (int64_t w = 0; w < words_for(channels_); ++w) {
      target[w] |= row[w] << shift;
      const uint64_t carried = shift == 0 ? 0 : row[w] >> (kWordBits - shift);
      if (carried != 0) target[w + 1] |= carried;
    }
  }

  int planes_;
  int64_t channels_;
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
  BMX_RETURN_IF_ERROR(node.status());
  ValueType out{in.dtype, {}};
  for (int64_t axis : perm) out.shape.push_back(in.shape[static_cast<size_t>(axis)]);
  Shape strides = permuted_strides(in.shape, perm);
  const bool view = keeps_order(in.shape, perm);
  if (in.dtype == DType::kBytes)
    return OperatorPtr(new Transpose<uint8_t>(std::move(out), std::move(strides), view));
  return OperatorPtr(new Transpose<float>(std::move(out), std::move(strides), view));
}

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
  BMX_RETURN_IF_ERROR(node.status());
  return OperatorPtr(new Slice(std::move(out), in.shape, begin));
}

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
  BMX_RETURN_IF_ERROR(node.status());
  return OperatorPtr(new Concat(std::move(out), std::move(channels)));
}

Result<OperatorPtr> create_shuffle_channels(NodeReader& node, const Kernels&) {
  const ValueType& in = node.input({DType::kF32});
  const int64_t groups = node.integer("groups"), channels = in.shape.back();
  if (groups < 1 || channels % groups != 0) {
    node.fail("cannot split " + std::to_string(channels) + " channels into " + std::to_string(groups) +
              " groups");
  }
  BMX_RETURN_IF_ERROR(node.status());
  return OperatorPtr(new ShuffleChannels(in, groups));
}

Result<OperatorPtr> create_reshape(NodeReader& node, const Kernels&) {
  const ValueType& in = node.input({DType::kF32});
  const std::vector<int64_t> shape = node.integers("shape");
  if (node.ok() && !holds(shape, in.elements())) {
    node.fail("shape " + text_of(shape) + " does not hold the elements of its input's " + text_of(in.shape));
  }
  BMX_RETURN_IF_ERROR(node.status());
  return OperatorPtr(new Reshape({in.dtype, shape}));
}

Result<OperatorPtr> create_flatten(NodeReader& node, const Kernels&) {
  const ValueType& in = node.input({DType::kF32, DType::kI32, DType::kBits, DType::kU1, DType::kU2,
                                    DType::kU3, DType::kU4, DType::kU5, DType::kU6, DType::kU7, DType::kU8});
  BMX_RETURN_IF_ERROR(node.status());
  const int64_t channels = in.shape.back(), elements = in.elements();
  const int planes = planes_of(in.dtype);
  const bool view = planes == 0 || channels == elements || (planes == 1 && channels % kWordBits == 0);
  return OperatorPtr(new Flatten({in.dtype, {elements}}, channels, view));
}

}  // namespace bmx
