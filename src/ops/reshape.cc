// reshape: the same elements in row-major order under another shape. Free.
#include <algorithm>

#include "base/checked.h"
#include "ops/registry.h"

namespace bmx {
namespace {

class Reshape final : public Operator {
 public:
  using Operator::Operator;
  bool is_view() const override { return true; }
  void run(const RunArgs&) const override {}
};

// Are these the sizes of 1 to 8 axes that hold `elements` together?
bool holds(const std::vector<int64_t>& shape, int64_t elements) {
  int64_t product = shape.empty() || shape.size() > 8 ? 0 : 1;
  for (int64_t size : shape) {
    const auto next = size < 1 ? std::nullopt : checked_product({product, size});
    product = next.value_or(0);
  }
  return product == elements;
}

}  // namespace

Result<OperatorPtr> create_reshape(NodeReader& node, const Kernels&) {
  const ValueType& in = node.input({DType::kF32});
  const std::vector<int64_t> shape = node.integers("shape");
  if (node.ok() && !holds(shape, in.elements())) {
    node.fail("shape " + text_of(shape) + " does not hold the elements of its input's " + text_of(in.shape));
  }
  BMX_RETURN_IF_ERROR(node.finish());
  return OperatorPtr(new Reshape({in.dtype, shape}));
}

}  // namespace bmx
