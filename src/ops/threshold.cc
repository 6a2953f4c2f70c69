// threshold: bit = not (x < t), or not (x > t) where flip is 1. Packs numbers to bits.
#include "base/bits.h"
#include "ops/parallel_rows.h"
#include "ops/registry.h"
#include "ops/thresholds.h"

namespace bmx {
namespace {

class Threshold final : public Operator {
 public:
  Threshold(ValueType output, Thresholds thresholds, AlignedArray<uint64_t> flip, const Kernels& kernels)
      : Operator(std::move(output)),
        thresholds_(std::move(thresholds)),
        flip_(std::move(flip)),
        kernels_(kernels) {}

  void run(const RunArgs& args) const override {
    const int64_t channels = output().shape.back();
    const int64_t rows = args.batch * (output().elements() / channels);
    parallel_rows(args.pool, rows, channels, [&](int64_t begin, int64_t end) {
      auto* bits = args.output<uint64_t>() + begin * words_for(channels);
      const int64_t stride = args.input_strides[0];
      if (!thresholds_.are_floats()) {
        kernels_.pack_i32(args.input<int32_t>() + begin * stride, end - begin, channels, thresholds_.i32(),
                          flip_.data(), bits);
        return;
      }
      for_rows(args.input<float>() + begin * stride, stride, channels, end - begin,
               [&](const float* x, int64_t row, int64_t count) {
                 kernels_.pack_f32(x, count, channels, thresholds_.f32(), flip_.data(),
                                   bits + row * words_for(channels));
               });
    });
  }

  bool reads_strided() const override { return thresholds_.are_floats(); }

  // Nothing can follow a threshold in an epilogue, so there is always room for it.
  bool fuse_into(Epilogue* epilogue) const override {
    epilogue->flip = flip_.data();
    if (thresholds_.are_floats()) {
      epilogue->threshold_f32 = thresholds_.f32();
    } else {
      epilogue->threshold_i32 = thresholds_.i32();
    }
    return true;
  }

 private:
  Thresholds thresholds_;
  AlignedArray<uint64_t> flip_;
  const Kernels& kernels_;
};

}  // namespace

Result<OperatorPtr> create_threshold(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32, DType::kI32});
  const int64_t channels = in.shape.back();
  Thresholds thresholds(node, in.dtype, {channels});
  AlignedArray<uint64_t> flip = node.packed("flip", {}, channels);
  BMX_RETURN_IF_ERROR(node.finish());
  return OperatorPtr(
      new Threshold({DType::kBits, in.shape}, std::move(thresholds), std::move(flip), kernels));
}

}  // namespace bmx
