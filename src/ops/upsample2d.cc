// upsample2d: every pixel several times, downwards and to the right.
#include <cstring>

#include "ops/parallel_rows.h"
#include "ops/registry.h"

namespace bmx {
namespace {

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

Result<OperatorPtr> create_upsample2d(NodeReader& node, const Kernels&) {
  const ValueType& in = node.input({DType::kF32}, 3);
  const auto scale = node.pair("scale", 1);
  BMX_RETURN_IF_ERROR(node.finish());
  ValueType out{DType::kF32, {in.shape[0] * scale[0], in.shape[1] * scale[1], in.shape[2]}};
  return OperatorPtr(new Upsample2D(std::move(out), in.shape[1], scale[0], scale[1]));
}

}  // namespace bmx
