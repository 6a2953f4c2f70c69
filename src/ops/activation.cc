// relu and tanh: element by element, the same in an epilogue and alone.
#include "ops/registry.h"

namespace bmx {
namespace {

using ElementwiseKernel = void (*)(const float* x, int64_t count, float* y);

class ActivationOperator final : public Operator {
 public:
  ActivationOperator(ValueType output, Activation activation, ElementwiseKernel kernel)
      : Operator(std::move(output)), activation_(activation), kernel_(kernel) {}

  void run(const RunArgs& args) const override {
    kernel_(args.input<float>(), args.batch * output().elements(), args.output<float>());
  }

  bool fuse_into(Epilogue* epilogue) const override {
    if (epilogue->residual) {
      if (activation_ != Activation::kRelu || epilogue->final_relu) return false;
      epilogue->final_relu = true;
      return true;
    }
    if (epilogue->activation != Activation::kNone) return false;
    epilogue->activation = activation_;
    return true;
  }

 private:
  Activation activation_;
  ElementwiseKernel kernel_;
};

Result<OperatorPtr> create_activation(NodeReader& node, Activation activation, ElementwiseKernel kernel) {
  const ValueType& in = node.input({DType::kF32});
  BMX_RETURN_IF_ERROR(node.finish());
  return OperatorPtr(new ActivationOperator(in, activation, kernel));
}

}  // namespace

Result<OperatorPtr> create_relu(NodeReader& node, const Kernels& kernels) {
  return create_activation(node, Activation::kRelu, kernels.relu);
}

Result<OperatorPtr> create_tanh(NodeReader& node, const Kernels& kernels) {
  return create_activation(node, Activation::kTanh, kernels.tanh);
}

}  // namespace bmx
