// pad2d: an image with rows and columns of zeros around it.
#include <algorithm>
#include <cstring>

#include "ops/parallel_rows.h"
#include "ops/registry.h"

namespace bmx {
namespace {

class Pad2D final : public Operator {
 public:
  Pad2D(ValueType output, const ValueType& in, int64_t top, int64_t left)
      : Operator(std::move(output)),
        top_(top),
        height_(in.shape[0]),
        left_(left * in.shape[2]),
        row_(in.shape[1] * in.shape[2]) {}

  void run(const RunArgs& args) const override {
    const int64_t out_height = output().shape[0], out_row = output().shape[1] * output().shape[2];
    parallel_rows(args.pool, args.batch * out_height, out_row, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const int64_t n = r / out_height, i = r % out_height - top_;
        float* y = args.output<float>() + r * out_row;
        if (i < 0 || i >= height_) {
          std::fill_n(y, out_row, 0.0F);
        } else {
          pad_row(args.input<float>() + (n * height_ + i) * row_, out_row, y);
        }
      }
    });
  }

 private:
  void pad_row(const float* x, int64_t out_row, float* y) const {
    std::fill_n(y, left_, 0.0F);
    std::memcpy(y + left_, x, static_cast<size_t>(row_) * sizeof(float));
    std::fill(y + left_ + row_, y + out_row, 0.0F);
  }

  int64_t top_, height_;
  int64_t left_, row_;  // elements
};

}  // namespace

Result<OperatorPtr> create_pad2d(NodeReader& node, const Kernels&) {
  const ValueType& in = node.input({DType::kF32}, 3);
  const std::vector<int64_t> padding = node.integers("padding");
  const auto in_range = [](int64_t size) { return size >= 0 && size <= INT32_MAX; };
  if (padding.size() != 4 || !std::all_of(padding.begin(), padding.end(), in_range)) {
    node.fail("attribute 'padding' must be [top, bottom, left, right], each at least 0; found " +
              text_of(padding));
  }
  BMX_RETURN_IF_ERROR(node.finish());
  ValueType out{DType::kF32,
                {padding[0] + in.shape[0] + padding[1], padding[2] + in.shape[1] + padding[3], in.shape[2]}};
  return OperatorPtr(new Pad2D(std::move(out), in, padding[0], padding[2]));
}

}  // namespace bmx
