// QActivation(data): sign with a straight-through gradient.
#include <cmath>

#include "mxnet/operator.h"
#include "mxnet/quantizer.h"

namespace {

using bmx::AttributeReader;
using bmx::Attributes;
using bmx::guarded;
using bmx::Quantizer;
using bmx::Result;
using bmx::Shape;
using bmx::Status;
using bmx::Tensors;
using Code = mxnet::ext::MXReturnValue;
using Resource = mxnet::ext::OpResource;

constexpr const char* kName = "QActivation";
// Elements from which on MXNet's threads share the work, as they do in its own operators.
constexpr int64_t kShared = 1 << 15;

Result<Quantizer> parse(const Attributes& attributes) {
  AttributeReader reader(kName, attributes);
  Quantizer quantizer;
  reader.choice("method", {"det_sign"});
  quantizer.clip = reader.non_negative("clip", 1.0F);
  BMX_RETURN_IF_ERROR(reader.status());
  return quantizer;
}

Code parse_attributes(const Attributes& attributes, int* inputs, int* outputs) {
  *inputs = *outputs = 1;
  return guarded(kName, [&] { return parse(attributes).status(); });
}

Code infer_type(const Attributes&, std::vector<int>* in_types, std::vector<int>* out_types) {
  return guarded(kName, [&] { return bmx::infer_float32(kName, in_types, out_types); });
}

Code infer_shape(const Attributes&, std::vector<Shape>* in_shapes, std::vector<Shape>* out_shapes) {
  return guarded(kName, [&]() -> Status {
    if (!bmx::is_known((*in_shapes)[0])) {
      return bmx::invalid_argument("QActivation: expected data of known shape, found " +
                                   bmx::to_string((*in_shapes)[0]));
    }
    (*out_shapes)[0] = (*in_shapes)[0];
    return {};
  });
}

Code forward(const Attributes& attributes, Tensors* inputs, Tensors* outputs, const Resource&) {
  return guarded(kName, [&]() -> Status {
    const auto quantizer = parse(attributes);
    if (!quantizer.ok()) return quantizer.status();
    const float* x = (*inputs)[0].data<float>();
    float* y = (*outputs)[0].data<float>();
    const int64_t count = (*inputs)[0].size();  // MXNet multiplies the axes anew at each call
#pragma omp parallel for simd if (count >= kShared)
    for (int64_t i = 0; i < count; ++i) y[i] = x[i] < 0 ? -1.0F : 1.0F;
    return {};
  });
}

// Inputs: gradient of the output, then the forward input and output.
Code backward(const Attributes& attributes, Tensors* inputs, Tensors* outputs, const Resource&) {
  return guarded(kName, [&]() -> Status {
    const auto quantizer = parse(attributes);
    if (!quantizer.ok()) return quantizer.status();
    const float* dy = (*inputs)[0].data<float>();
    const float* x = (*inputs)[1].data<float>();
    float* dx = (*outputs)[0].data<float>();
    const int64_t count = (*inputs)[0].size();
    const float limit = quantizer.value().limit();
#pragma omp parallel for simd if (count >= kShared)
    for (int64_t i = 0; i < count; ++i) {
      const float gradient = dy[i];  // read in any case, or the loop is not made of vectors
      dx[i] = std::fabs(x[i]) <= limit ? gradient : 0.0F;
    }
    return {};
  });
}

}  // namespace

REGISTER_OP(QActivation)
    .setParseAttrs(parse_attributes)
    .setInferType(infer_type)
    .setInferShape(infer_shape)
    .setForward(forward, "cpu")
    .setBackward(backward, "cpu");
