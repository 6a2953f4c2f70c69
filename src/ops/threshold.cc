// threshold: bit = not (x < t), or not (x > t) where flip is 1. Packs numbers to bits.
#include "base/bits.h"
#include "ops/parallel_rows.h"
#include "ops/registry.h"

namespace bmx {
namespace {

class Threshold final : public Operator {
 public:
  Threshold(ValueType output, DType input, const Tensor& threshold, AlignedArray<uint64_t> flip,
            const Kernels& kernels)
      : Operator(std::move(output)),
        input_(input),
        threshold_(threshold),
        flip_(std::move(flip)),
        kernels_(kernels) {}

  void run(const RunArgs& args) const override {
    const int64_t channels = output().shape.back();
    const int64_t rows = args.batch * (output().elements() / channels);
    parallel_rows(args.pool, rows, channels, [&](int64_t begin, int64_t end) {
      auto* bits = args.output<uint64_t>() + begin * words_for(channels);
      const int64_t stride = args.input_strides[0];
      if (input_ == DType::kI32) {
        kernels_.pack_i32(args.input<int32_t>() + begin * stride, end - begin, channels, threshold_.i32(),
                          flip_.data(), bits);
        return;
      }
      for_rows(args.input<float>() + begin * stride, stride, channels, end - begin,
               [&](const float* x, int64_t row, int64_t count) {
                 kernels_.pack_f32(x, count, channels, threshold_.f32(), flip_.data(),
                                   bits + row * words_for(channels));
               });
    });
  }

  bool reads_strided() const override { return input_ == DType::kF32; }

  // Nothing can follow a threshold in an epilogue, so there is always room for it.
  bool fuse_into(Epilogue* epilogue) const override {
    epilogue->flip = flip_.data();
    if (input_ == DType::kF32) {
      epilogue->threshold_f32 = threshold_.f32();
    } else {
      epilogue->threshold_i32 = threshold_.i32();
    }
    return true;
  }

 private:
  DType input_;
  Tensor threshold_;
  AlignedArray<uint64_t> flip_;
  const Kernels& kernels_;
};

}  // namespace

Result<OperatorPtr> create_threshold(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32, DType::kI32});
  const int64_t channels = in.shape.back();
  const TensorType type = in.dtype == DType::kF32 ? TensorType::kF32 : TensorType::kI32;
  const Tensor& threshold = node.tensor("threshold", type, {channels});
  AlignedArray<uint64_t> flip = node.packed("flip", {}, channels);
  BMX_RETURN_IF_ERROR(node.finish());
  return OperatorPtr(new Threshold({DType::kBits, in.shape}, in.dtype, threshold, std::move(flip), kernels));
}

}  // namespace bmx
