// quantize: the number of thresholds that a number is not less than, or all of them less that number where
// flip is 1. Packs numbers to bit planes.
#include "base/bits.h"
#include "ops/parallel_rows.h"
#include "ops/registry.h"
#include "ops/thresholds.h"

namespace bmx {
namespace {

class Quantize final : public Operator {
 public:
  Quantize(ValueType output, Thresholds thresholds, AlignedArray<uint64_t> flip, const Kernels& kernels)
      : Operator(std::move(output)),
        planes_(planes_of(Operator::output().dtype)),
        thresholds_(std::move(thresholds)),
        flip_(std::move(flip)),
        kernels_(kernels) {}

  void run(const RunArgs& args) const override {
    const int64_t channels = output().shape.back(), row_words = planes_ * words_for(channels);
    const int64_t rows = args.batch * (output().elements() / channels);
    parallel_rows(args.pool, rows, channels << planes_, [&](int64_t begin, int64_t end) {
      auto* codes = args.output<uint64_t>() + begin * row_words;
      const int64_t stride = args.input_strides[0];
      if (!thresholds_.are_floats()) {
        kernels_.pack_planes_i32(args.input<int32_t>() + begin * stride, end - begin, channels,
                                 thresholds_.i32(), planes_, codes);
      } else {
        for_rows(args.input<float>() + begin * stride, stride, channels, end - begin,
                 [&](const float* x, int64_t row, int64_t count) {
                   kernels_.pack_planes_f32(x, count, channels, thresholds_.f32(), planes_,
                                            codes + row * row_words);
                 });
      }
      flip_rows(codes, end - begin);
    });
  }

  bool reads_strided() const override { return thresholds_.are_floats(); }

 private:
  // 2^planes - 1 - n has the bits of n, inverted.
  void flip_rows(uint64_t* codes, int64_t rows) const {
    const int64_t words = words_for(output().shape.back());
    for (int64_t plane = 0; plane < rows * planes_; ++plane, codes += words) {
      for (int64_t w = 0; w < words; ++w) codes[w] ^= flip_[static_cast<size_t>(w)];
    }
  }

  int planes_;
  Thresholds thresholds_;
  AlignedArray<uint64_t> flip_;
  const Kernels& kernels_;
};

// values: [levels][channels].
template <class T>
void check_ascending(NodeReader& node, const T* values, int64_t levels, int64_t channels) {
  for (int64_t i = 0; i < levels * channels; ++i) {
    const T least = i < channels ? values[i] : values[i - channels];
    if (least <= values[i]) continue;  // NaN is not
    node.fail("tensor 'threshold' must ascend along its first axis and hold no NaN; channel " +
              std::to_string(i % channels) + " does not at level " + std::to_string(i / channels));
    return;
  }
}

}  // namespace

Result<OperatorPtr> create_quantize(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32, DType::kI32});
  const int64_t bits = node.integer("bits"), channels = in.shape.back();
  if (bits < 1 || bits > kMaxPlanes) node.fail("bits must be from 1 to 8, found " + std::to_string(bits));
  BMX_RETURN_IF_ERROR(node.status());
  const int64_t levels = (int64_t{1} << bits) - 1;
  Thresholds thresholds(node, in.dtype, {levels, channels});
  AlignedArray<uint64_t> flip = node.packed("flip", {}, channels);
  BMX_RETURN_IF_ERROR(node.finish());
  if (thresholds.are_floats()) {
    check_ascending(node, thresholds.f32(), levels, channels);
  } else {
    check_ascending(node, thresholds.i32(), levels, channels);
  }
  BMX_RETURN_IF_ERROR(node.finish());
  return OperatorPtr(new Quantize({unsigned_of(static_cast<int>(bits)), in.shape}, std::move(thresholds),
                                  std::move(flip), kernels));
}

}  // namespace bmx
