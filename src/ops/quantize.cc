// threshold, quantize and to_planes: numbers to bits, to integers of few bits, and bytes to their planes.
#include "base/bits.h"
#include "microkernels/bit_planes.h"
#include "ops/channel_values.h"
#include "ops/node_reader.h"
#include "ops/operator.h"
#include "ops/parallel_rows.h"

namespace bmx {
namespace {

// The thresholds of threshold and quantize: floats, or integers.
class Thresholds {
 public:
  // The tensor "threshold", for an input of floats or of integers.
  Thresholds(NodeReader& node, DType input, const Shape& shape) : are_floats_(input == DType::kF32) {
    if (are_floats_) {
      floats_ = ChannelValues<float>(node, "threshold", shape);
    } else {
      integers_ = ChannelValues<int32_t>(node, "threshold", shape);
    }
  }

  bool are_floats() const { return are_floats_; }
  const float* f32() const { return floats_.data(); }
  const int32_t* i32() const { return integers_.data(); }

 private:
  bool are_floats_;
  ChannelValues<float> floats_;
  ChannelValues<int32_t> integers_;
};

// bit = not (x < t), or not (x > t) where flip is 1.
class Threshold final : public Operator {
 public:
  Threshold(ValueType output, Thresholds thresholds, AlignedArray<uint64_t> flip, const Kernels& kernels)
      : Operator(std::move(output)),
        thresholds_(std::move(thresholds)),
        flip_(std::move(flip)),
        kernels_(kernels) {}

  void run(const RunArgs& args) const override {
    const int64_t channels = output().shape.back();
    const int64_t rows = row_count(output(), args.batch);
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

// How many thresholds a number is not less than, or all of them less that number where flip is 1.
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
    const int64_t rows = row_count(output(), args.batch);
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

// Bytes to the bit planes of the same numbers.
class ToPlanes final : public Operator {
 public:
  using Operator::Operator;

  void run(const RunArgs& args) const override {
    const int64_t channels = output().shape.back(), rows = row_count(output(), args.batch);
    parallel_rows(args.pool, rows, channels, [&](int64_t begin, int64_t end) {
      pack_bytes(args.input<uint8_t>() + begin * channels, end - begin, channels, kMaxPlanes,
                 args.output<uint64_t>() + begin * kMaxPlanes * words_for(channels));
    });
  }
};

}  // namespace

Result<OperatorPtr> create_threshold(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32, DType::kI32});
  const int64_t channels = in.shape.back();
  Thresholds thresholds(node, in.dtype, {channels});
  AlignedArray<uint64_t> flip = node.packed("flip", {}, channels);
  BMX_RETURN_IF_ERROR(node.status());
  return OperatorPtr(
      new Threshold({DType::kBits, in.shape}, std::move(thresholds), std::move(flip), kernels));
}

Result<OperatorPtr> create_quantize(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32, DType::kI32});
  const int64_t bits = node.integer("bits"), channels = in.shape.back();
  if (bits < 1 || bits > kMaxPlanes) node.fail("bits must be from 1 to 8, found " + std::to_string(bits));
  if (!node.ok()) return node.status();
  const int64_t levels = (int64_t{1} << bits) - 1;
  Thresholds thresholds(node, in.dtype, {levels, channels});
  AlignedArray<uint64_t> flip = node.packed("flip", {}, channels);
  BMX_RETURN_IF_ERROR(node.status());
  if (thresholds.are_floats()) {
    check_ascending(node, thresholds.f32(), levels, channels);
  } else {
    check_ascending(node, thresholds.i32(), levels, channels);
  }
  BMX_RETURN_IF_ERROR(node.status());
  return OperatorPtr(new Quantize({unsigned_of(static_cast<int>(bits)), in.shape}, std::move(thresholds),
                                  std::move(flip), kernels));
}

Result<OperatorPtr> create_to_planes(NodeReader& node, const Kernels&) {
  const ValueType& in = node.input({DType::kBytes});
  BMX_RETURN_IF_ERROR(node.status());
  return OperatorPtr(new ToPlanes({DType::kU8, in.shape}));
}

}  // namespace bmx
