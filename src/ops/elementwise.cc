// relu, prelu, elu, clip, tanh and sigmoid: element by element, the same in an epilogue and alone.
#include "ops/channel_values.h"
#include "ops/node_reader.h"
#include "ops/operator.h"
#include "ops/parallel_rows.h"

namespace bmx {
namespace {

// An activation and its numbers, as in Epilogue.
struct ActivationStep {
  Activation activation;
  ChannelValues<float> slope{};  // of prelu and elu
  float low = 0, high = 0;
};

class ActivationOperator final : public Operator {
 public:
  ActivationOperator(ValueType output, ActivationStep step, const Kernels& kernels)
      : Operator(std::move(output)), step_(std::move(step)), kernels_(kernels) {}

  void run(const RunArgs& args) const override {
    const auto* x = args.input<float>();
    auto* y = args.output<float>();
    const int64_t row = step_.slope.data() != nullptr ? output().shape.back() : 1;
    parallel_rows(args.pool, args.batch * (output().elements() / row), row, [&](int64_t begin, int64_t end) {
      apply(x + begin * row, end - begin, row, y + begin * row);
    });
  }

  bool fuse_into(Epilogue* epilogue) const override {
    if (epilogue->residual) {
      if (step_.activation != Activation::kRelu || epilogue->final_relu) return false;
      epilogue->final_relu = true;
      return true;
    }
    if (epilogue->activation != Activation::kNone) return false;
    epilogue->activation = step_.activation;
    epilogue->slope = step_.slope.data();
    epilogue->low = step_.low;
    epilogue->high = step_.high;
    return true;
  }

 private:
  void apply(const float* x, int64_t rows, int64_t row, float* y) const {
    switch (step_.activation) {
      case Activation::kNone:
        return;
      case Activation::kRelu:
        return kernels_.relu(x, rows, y);
      case Activation::kPrelu:
        return kernels_.prelu(x, rows, row, step_.slope.data(), y);
      case Activation::kElu:
        return kernels_.elu(x, rows, row, step_.slope.data(), y);
      case Activation::kClip:
        return kernels_.clip(x, rows, step_.low, step_.high, y);
      case Activation::kTanh:
        return kernels_.tanh(x, rows, y);
      case Activation::kSigmoid:
        return kernels_.sigmoid(x, rows, y);
    }
  }

  ActivationStep step_;
  const Kernels& kernels_;
};

Result<OperatorPtr> create_plain(NodeReader& node, Activation activation, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32});
  BMX_RETURN_IF_ERROR(node.finish());
  return OperatorPtr(new ActivationOperator(in, {activation}, kernels));
}

Result<OperatorPtr> create_with_slope(NodeReader& node, Activation activation, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32});
  ActivationStep step{activation, ChannelValues<float>(node, "slope", {in.shape.back()})};
  BMX_RETURN_IF_ERROR(node.finish());
  return OperatorPtr(new ActivationOperator(in, std::move(step), kernels));
}

}  // namespace

Result<OperatorPtr> create_clip(NodeReader& node, const Kernels& kernels) {
  const ValueType& in = node.input({DType::kF32});
  const Tensor& low = node.tensor("low", TensorType::kF32, {1});
  const Tensor& high = node.tensor("high", TensorType::kF32, {1});
  BMX_RETURN_IF_ERROR(node.finish());
  ActivationStep step{Activation::kClip, {}, low.f32()[0], high.f32()[0]};
  if (!(step.low <= step.high)) {  // NaN too
    node.fail("low is " + std::to_string(step.low) + " and high is " + std::to_string(step.high) +
              ", low must not be above high");
    return node.finish();
  }
  return OperatorPtr(new ActivationOperator(in, std::move(step), kernels));
}

Result<OperatorPtr> create_elu(NodeReader& node, const Kernels& kernels) {
  return create_with_slope(node, Activation::kElu, kernels);
}

Result<OperatorPtr> create_prelu(NodeReader& node, const Kernels& kernels) {
  return create_with_slope(node, Activation::kPrelu, kernels);
}

Result<OperatorPtr> create_relu(NodeReader& node, const Kernels& kernels) {
  return create_plain(node, Activation::kRelu, kernels);
}

Result<OperatorPtr> create_sigmoid(NodeReader& node, const Kernels& kernels) {
  return create_plain(node, Activation::kSigmoid, kernels);
}

Result<OperatorPtr> create_tanh(NodeReader& node, const Kernels& kernels) {
  return create_plain(node, Activation::kTanh, kernels);
}

}  // namespace bmx
