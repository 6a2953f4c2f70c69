// to_planes: bytes to the bit planes of the same numbers.
#include "base/bits.h"
#include "microkernels/bit_planes.h"
#include "ops/parallel_rows.h"
#include "ops/registry.h"

namespace bmx {
namespace {

class ToPlanes final : public Operator {
 public:
  using Operator::Operator;

  void run(const RunArgs& args) const override {
    const int64_t channels = output().shape.back(), rows = args.batch * (output().elements() / channels);
    parallel_rows(args.pool, rows, channels, [&](int64_t begin, int64_t end) {
      pack_bytes(args.input<uint8_t>() + begin * channels, end - begin, channels, kMaxPlanes,
                 args.output<uint64_t>() + begin * kMaxPlanes * words_for(channels));
    });
  }
};

}  // namespace

Result<OperatorPtr> create_to_planes(NodeReader& node, const Kernels&) {
  const ValueType& in = node.input({DType::kBytes});
  BMX_RETURN_IF_ERROR(node.finish());
  return OperatorPtr(new ToPlanes({DType::kU8, in.shape}));
}

}  // namespace bmx
