// The activations of pointwise/activations.inc: element by element, the same in an epilogue and alone.
#include "ops/channel_values.h"
#include "ops/node_reader.h"
#include "ops/operator.h"
#include "ops/parallel_rows.h"

namespace bmx {
namespace {

class ActivationOperator final : public Operator {
 public:
  // slope: of an activation that takes one, otherwise empty.
  ActivationOperator(ValueType output, ActivationStep step, ChannelValues<float> slope,
                     const Kernels& kernels)
      : Operator(std::move(output)), step_(step), slope_(std::move(slope)), kernels_(kernels) {
    step_.slope = slope_.data();
  }

  void run(const RunArgs& args) const override {
    const auto* x = args.input<float>();
    auto* y = args.output<float>();
    const int64_t row = step_.slope != nullptr ? output().shape.back() : 1;
    parallel_rows(args.pool, args.batch * (output().elements() / row), row, [&](int64_t begin, int64_t end) {
      kernels_.activate(step_, x + begin * row, end - begin, row, y + begin * row);
    });
  }

  bool fuse_into(Epilogue* epilogue) const override {
    if (epilogue->residual) {
      if (step_.function != Activation::kRelu || epilogue->final_relu) return false;
      epilogue->final_relu = true;
      return true;
    }
    if (epilogue->activation) return false;
    epilogue->activation = step_;
    return true;
  }

 private:
  ActivationStep step_;
  ChannelValues<float> slope_;
  const Kernels& kernels_;
};

void read_limits(NodeReader& node, ActivationStep* step) {
  const Tensor& low = node.tensor("low", TensorType::kF32, {1});
  const Tensor& high = node.tensor("high", TensorType::kF32, {1});
  if (!node.ok()) return;
  step->low = low.f32()[0];
  step->high = high.f32()[0];
  if (step->low <= step->high) return;  // not so for NaN either
  node.fail("low is " + std::to_string(step->low) + " and high is " + std::to_string(step->high) +
            ", low must not be above high");
}

Result<OperatorPtr> create_activation(NodeReader& node, Activation function, ActivationArguments arguments,
                                      const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32});
  ActivationStep step{function};
  ChannelValues<float> slope;
  if (arguments == ActivationArguments::kSlope)
    slope = ChannelValues<float>(node, "slope", {in.shape.back()});
  if (arguments == ActivationArguments::kLimits) read_limits(node, &step);
  BMX_RETURN_IF_ERROR(node.status());
  return OperatorPtr(new ActivationOperator(in, step, std::move(slope), kernels));
}

}  // namespace

#define BMX_ACTIVATION(name, Name, arguments, ...)                                                \
  Result<OperatorPtr> create_##name(NodeReader& node, const Kernels& kernels) {                   \
    return create_activation(node, Activation::k##Name, ActivationArguments::arguments, kernels); \
  }
#include "pointwise/activations.inc"

}  // namespace bmx
