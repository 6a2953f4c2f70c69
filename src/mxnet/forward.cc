#include "base/bits.h"
#include "mxnet/binary_layer.h"
#include "mxnet/repacked_weights.h"

namespace bmx {

namespace {

template <class T>
void write_output(const BinaryLayer& layer, const T* sums, const float* bias, float* y) {
  const float depth = static_cast<float>(layer.depth());
  to_channels_first(sums, layer.batch, layer.out_positions(), layer.shape.out_channels, y,
                    [&](T sum, int64_t channel) {
                      float value = static_cast<float>(sum);
                      if (layer.popcount) value = (value + depth) * 0.5F;
                      return bias == nullptr ? value : value + bias[channel];
                    });
}

int64_t out_size(const BinaryLayer& layer) {
  return layer.batch * layer.out_positions() * layer.shape.out_channels;
}

bool has_binary_input(const BinaryLayer& layer, const float* x) {
  const ImageShape images = layer.input_images();
  return layer.input.gives_binary(x, images.images * images.channels * images.positions());
}

void run_binary(const BinaryLayer& layer, const BinaryConvolution& convolution, const Kernels& kernels,
                const float* x, const float* bias, float* y) {
  const ImageShape images = layer.input_images();
  auto x_bits = allocate<uint64_t>(images.images * images.positions() * words_for(images.channels));
  pack_signs(x, images, kernels, x_bits.data());
  auto workspace = allocate<char>(convolution.workspace_bytes());
  auto dots = allocate<int32_t>(out_size(layer));
  ConvOutputs outputs;
  outputs.integers = dots.data();
  convolution.run(x_bits.data(), layer.batch, {}, outputs, workspace.data());
  write_output(layer, dots.data(), bias, y);
}

Status forward_binary(const BinaryLayer& layer, const Kernels& kernels, const float* x, const float* w,
                      const float* bias, float* y) {
  const ImageShape filters = layer.weight_images();
  auto w_bits = allocate<uint64_t>(filters.images * filters.positions() * words_for(filters.channels));
  pack_signs(w, filters, kernels, w_bits.data());
  auto convolution = BinaryConvolution::create(layer.shape, layer.pad_value, w_bits.data(), kernels);
  if (!convolution.ok()) return convolution.status();
  run_binary(layer, *convolution, kernels, x, bias, y);
  return {};
}

// Without a quantizer the values may be any, and are then multiplied as they are. The border is stored, so
// that any pad_value works.
Status forward_float(const BinaryLayer& layer, const Kernels& kernels, const float* x, const float* w,
                     const float* bias, float* y) {
  const ImageShape images = layer.input_images();
  const auto padded = to_channels_last(x, images, layer.input, static_cast<float>(layer.pad_value));
  const auto weights = to_channels_last(w, layer.weight_images(), layer.weight, 0);
  ConvShape shape = layer.shape;
  shape.in_height = images.padded_height();
  shape.in_width = images.padded_width();
  shape.pad_height = shape.pad_width = 0;
  auto convolution = FloatConvolution::create(shape, weights.data(), nullptr, kernels);
  if (!convolution.ok()) return convolution.status();
  auto workspace = allocate<char>(convolution->workspace_bytes());
  auto sums = allocate<float>(out_size(layer));
  ConvOutputs outputs;
  outputs.floats = sums.data();
  convolution->run(padded.data(), layer.batch, {}, outputs, workspace.data());
  write_output(layer, sums.data(), bias, y);
  return {};
}

}  // namespace

Status forward(const BinaryLayer& layer, const float* x, const float* w, const float* bias, float* y) {
  auto kernels = find_kernels("auto");
  if (!kernels.ok()) return kernels.status();
  const ImageShape filters = layer.weight_images();
  const bool binary = has_binary_input(layer, x) &&
                      layer.weight.gives_binary(w, filters.images * filters.channels * filters.positions());
  return binary ? forward_binary(layer, **kernels, x, w, bias, y)
                : forward_float(layer, **kernels, x, w, bias, y);
}

Status forward_packed(const BinaryLayer& layer, const float* x, const uint8_t* w, const float* bias,
                      float* y) {
  auto kernels = find_kernels("auto");
  if (!kernels.ok()) return kernels.status();
  if (!has_binary_input(layer, x)) {
    const auto weights = unpack_weights(w, layer.weight_images());
    return forward_float(layer, **kernels, x, weights.data(), bias, y);
  }
  auto convolution = repacked(layer, w, **kernels);
  if (!convolution.ok()) return convolution.status();
  run_binary(layer, **convolution, **kernels, x, bias, y);
  return {};
}

}  // namespace bmx
