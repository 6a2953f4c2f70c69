// cast: int32 to float32, rounded to nearest.
#include "ops/parallel_rows.h"
#include "ops/registry.h"

namespace bmx {
namespace {

class Cast final : public Operator {
 public:
  Cast(ValueType output, const Kernels& kernels) : Operator(std::move(output)), kernels_(kernels) {}

  void run(const RunArgs& args) const override {
    const auto* x = args.input<int32_t>();
    auto* y = args.output<float>();
    parallel_rows(args.pool, args.batch * output().elements(), 1,
                  [&](int64_t begin, int64_t end) { kernels_.cast_i32(x + begin, end - begin, y + begin); });
  }

  bool fuse_into(Epilogue* epilogue) const override {
    epilogue->cast = true;
    return true;
  }

 private:
  const Kernels& kernels_;
};

}  // namespace

Result<OperatorPtr> create_cast(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kI32});
  BMX_RETURN_IF_ERROR(node.finish());
  return OperatorPtr(new Cast({DType::kF32, in.shape}, kernels));
}

}  // namespace bmx
