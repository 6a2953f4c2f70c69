// cast: integers to float32, those of 32 bits rounded to nearest; bits to -1 and +1.
#include "base/bits.h"
#include "microkernels/bit_planes.h"
#include "ops/parallel_rows.h"
#include "ops/registry.h"

namespace bmx {
namespace {

class Cast final : public Operator {
 public:
  Cast(ValueType output, DType input, const Kernels& kernels)
      : Operator(std::move(output)), input_(input), kernels_(kernels) {}

  void run(const RunArgs& args) const override {
    // Numbers of 32 bits have no rows.
    const int64_t channels = input_ == DType::kI32 ? 1 : output().shape.back();
    const int64_t rows = args.batch * (output().elements() / channels);
    parallel_rows(args.pool, rows, channels, [&](int64_t begin, int64_t end) {
      cast_rows(args, begin, end - begin, channels, args.output<float>() + begin * channels);
    });
  }

  // Bits and planes are no sums.
  bool fuse_into(Epilogue* epilogue) const override {
    if (input_ != DType::kI32) return false;
    epilogue->cast = true;
    return true;
  }

 private:
  void cast_rows(const RunArgs& args, int64_t first, int64_t rows, int64_t channels, float* y) const {
    if (input_ == DType::kI32) {
      kernels_.cast_i32(args.input<int32_t>() + first * channels, rows * channels, y);
      return;
    }
    const int planes = planes_of(input_);
    const uint64_t* x = args.input<uint64_t>() + first * planes * words_for(channels);
    if (input_ == DType::kBits) {
      for (int64_t r = 0; r < rows; ++r)
        kernels_.unpack_signs(x + r * words_for(channels), channels, y + r * channels);
    } else {
      unpack_planes(x, rows, channels, planes, y);
    }
  }

  DType input_;
  const Kernels& kernels_;
};

}  // namespace

Result<OperatorPtr> create_cast(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kI32, DType::kBits, DType::kU1, DType::kU2, DType::kU3, DType::kU4,
                                    DType::kU5, DType::kU6, DType::kU7, DType::kU8});
  BMX_RETURN_IF_ERROR(node.finish());
  return OperatorPtr(new Cast({DType::kF32, in.shape}, in.dtype, kernels));
}

}  // namespace bmx
