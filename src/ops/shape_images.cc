// pad2d and upsample2d: images that grow by copies of their pixels.
#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "ops/node_reader.h"
#include "ops/operator.h"
#include "ops/parallel_rows.h"

namespace bmx {
namespace {

// An image with zeros around it, or with its outermost pixels repeated.
class Pad2D final : public Operator {
 public:
  // pixel: bytes of all channels of a position.
  Pad2D(ValueType output, const ValueType& in, const std::vector<int64_t>& padding, bool edge, int64_t pixel)
      : Operator(std::move(output)),
        top_(padding[0]),
        left_(padding[2]),
        right_(padding[3]),
        height_(in.shape[0]),
        width_(in.shape[1]),
        pixel_(static_cast<size_t>(pixel)),
        edge_(edge) {}

  void run(const RunArgs& args) const override {
    const int64_t out_height = output().shape[0];
    const size_t row = bytes(width_), out_row = bytes(output().shape[1]);
    const int64_t work = static_cast<int64_t>(out_row / sizeof(float));
    parallel_rows(args.pool, args.batch * out_height, work, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const int64_t n = r / out_height, i = r % out_height - top_;
        const int64_t inside = std::clamp<int64_t>(i, 0, height_ - 1);
        char* y = args.output<char>() + static_cast<size_t>(r) * out_row;
        if (i == inside || edge_) {
          pad_row(args.input<char>() + static_cast<size_t>(n * height_ + inside) * row, y);
        } else {
          std::memset(y, 0, out_row);
        }
      }
    });
  }

 private:
  size_t bytes(int64_t pixels) const { return static_cast<size_t>(pixels) * pixel_; }

  void pad_row(const char* x, char* y) const {
    const size_t row = bytes(width_);
    fill(x, left_, y);
    std::memcpy(y + bytes(left_), x, row);
    fill(x + row - pixel_, right_, y + bytes(left_) + row);
  }

  void fill(const char* pixel, int64_t count, char* y) const {
    if (!edge_) {
      std::memset(y, 0, bytes(count));
      return;
    }
    for (int64_t i = 0; i < count; ++i) std::memcpy(y + bytes(i), pixel, pixel_);
  }

  int64_t top_, left_, right_, height_, width_;
  size_t pixel_;
  bool edge_;
};

// Every pixel several times, downwards and to the right.
class Upsample2D final : public Operator {
 public:
  Upsample2D(ValueType output, int64_t width, int64_t down, int64_t right)
      : Operator(std::move(output)), width_(width), down_(down), right_(right) {}

  void run(const RunArgs& args) const override {
    const int64_t channels = output().shape[2], row = width_ * channels, out_row = row * right_;
    const int64_t rows = args.batch * (output().shape[0] / down_);
    parallel_rows(args.pool, rows, out_row * down_, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        float* y = args.output<float>() + r * out_row * down_;
        repeat_pixels(args.input<float>() + r * row, channels, y);
        for (int64_t i = 1; i < down_; ++i) {
          std::memcpy(y + i * out_row, y, static_cast<size_t>(out_row) * sizeof(float));
        }
      }
    });
  }

 private:
  void repeat_pixels(const float* x, int64_t channels, float* y) const {
    for (int64_t j = 0; j < width_; ++j, x += channels) {
      for (int64_t i = 0; i < right_; ++i, y += channels) {
        std::memcpy(y, x, static_cast<size_t>(channels) * sizeof(float));
      }
    }
  }

  int64_t width_, down_, right_;
};

}  // namespace

Result<OperatorPtr> create_pad2d(NodeReader& node, const Kernels&) {
  const ValueType& in = node.input({DType::kF32, DType::kBits}, 3);
  const std::vector<int64_t> padding = node.integers("padding");
  const bool edge = node.flag("edge");
  const auto in_range = [](int64_t size) { return size >= 0 && size <= INT32_MAX; };
  if (padding.size() != 4 || !std::all_of(padding.begin(), padding.end(), in_range)) {
    node.fail("attribute 'padding' must be [top, bottom, left, right], each at least 0; found " +
              text_of(padding));
  }
  const bool bits = in.dtype == DType::kBits;
  if (bits && !edge) node.fail("bits have no 0: attribute 'edge' must be true");
  BMX_RETURN_IF_ERROR(node.status());
  const int64_t channels = in.shape[2], pixel = bits ? words_for(channels) * 8 : channels * 4;
  ValueType out{in.dtype,
                {padding[0] + in.shape[0] + padding[1], padding[2] + in.shape[1] + padding[3], channels}};
  return OperatorPtr(new Pad2D(std::move(out), in, padding, edge, pixel));
}

Result<OperatorPtr> create_upsample2d(NodeReader& node, const Kernels&) {
  const ValueType& in = node.input({DType::kF32}, 3);
  const auto scale = node.pair("scale", 1);
  BMX_RETURN_IF_ERROR(node.status());
  ValueType out{DType::kF32, {in.shape[0] * scale[0], in.shape[1] * scale[1], in.shape[2]}};
  return OperatorPtr(new Upsample2D(std::move(out), in.shape[1], scale[0], scale[1]));
}

}  // namespace bmx
