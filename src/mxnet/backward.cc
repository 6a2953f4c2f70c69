// Gradients as matrix products over patches (im2col), a chunk of output pixels at a time.
//
// Per group, with `pixels` rows in a chunk, J = taps * group inputs and O outputs:
//   patch gradients [pixels][J] = dy [pixels][O] . q(w) [O][J]      scattered into the input's gradient
//   dw [O][J]                  += dy^T [O][pixels] . patches [pixels][J]
#include <algorithm>
#include <cstring>

#include "convolution/float_product.h"
#include "mxnet/binary_layer.h"

namespace bmx {

namespace {

// Long enough that adding a chunk's dw costs little next to computing it, short enough for the cache.
constexpr int64_t kChunkPixels = 256;

class Gradient {
 public:
  Gradient(const BinaryLayer& layer, const Kernels& kernels, const float* dy, const float* x, const float* w)
      : layer_(layer),
        shape_(layer.shape),
        kernels_(kernels),
        images_(layer.input_images()),
        pixels_(layer.batch * layer.out_positions()),
        chunk_pixels_(std::min(kChunkPixels, pixels_)),
        dy_(to_channels_last(dy, {layer.batch, shape_.out_channels, shape_.out_height(), shape_.out_width()},
                             Quantizer{false, 0}, 0)),
        x_(to_channels_last(x, images_, layer.input, static_cast<float>(layer.pad_value))),
        w_(to_channels_last(w, layer.weight_images(), layer.weight, 0)),
        dx_(allocate<float>(images_.padded_size())),
        dw_(allocate<float>(shape_.out_channels * layer.depth())),
        patches_(allocate<float>(chunk_pixels_ * layer.depth())),
        dy_transposed_(allocate<float>(shape_.group_outputs() * chunk_pixels_)),
        product_(allocate<float>(shape_.group_outputs() * layer.depth())),
        w_panels_(allocate<float>(product_panels_size(kernels, layer.depth(), shape_.group_outputs()))),
        patch_panels_(allocate<float>(product_panels_size(kernels, layer.depth(), chunk_pixels_))) {}

  void run() {
    for (int64_t group = 0; group < shape_.groups; ++group) {
      const float* weights = w_.data() + group * shape_.group_outputs() * layer_.depth();
      pack_product_panels(kernels_, weights, shape_.group_outputs(), layer_.depth(), layer_.depth(),
                          w_panels_.data());
      for (int64_t first = 0; first < pixels_; first += kChunkPixels) {
        const int64_t count = std::min(kChunkPixels, pixels_ - first);
        add_weight_gradient(group, first, count);
        add_input_gradient(group, first, count);
      }
    }
  }

  const float* dx() const { return dx_.data(); }  // [N][padded H][padded W][I]
  const float* dw() const { return dw_.data(); }  // [O][KH][KW][I / groups]

 private:
  // Calls visit(offset in the padded input, offset in the chunk's patches) for each tap of each pixel.
  template <class Visit>
  void for_each_tap(int64_t group, int64_t first, int64_t count, Visit visit) const {
    const int64_t out_width = shape_.out_width(), positions = layer_.out_positions();
    const int64_t row_size = images_.padded_width() * shape_.in_channels;
    int64_t patch = 0;
    for (int64_t pixel = first; pixel < first + count; ++pixel) {
      const int64_t image = pixel / positions, row = pixel % positions / out_width,
                    column = pixel % out_width;
      for (int64_t kh = 0; kh < shape_.kernel_height; ++kh) {
        const int64_t h = row * shape_.stride_height + kh * shape_.dilation_height;
        for (int64_t kw = 0; kw < shape_.kernel_width; ++kw, patch += shape_.group_inputs()) {
          const int64_t v = column * shape_.stride_width + kw * shape_.dilation_width;
          visit((image * images_.padded_height() + h) * row_size + v * shape_.in_channels +
                    group * shape_.group_inputs(),
                patch);
        }
      }
    }
  }

  void add_weight_gradient(int64_t group, int64_t first, int64_t count) {
    const int64_t outputs = shape_.group_outputs(), depth = layer_.depth();
    const size_t tap_bytes = static_cast<size_t>(shape_.group_inputs()) * sizeof(float);
    for_each_tap(group, first, count, [&](int64_t from, int64_t to) {
      std::memcpy(patches_.data() + to, x_.data() + from, tap_bytes);
    });
    pack_product_panels(kernels_, patches_.data(), count, depth, depth, patch_panels_.data());
    const float* dy = dy_.data() + first * shape_.out_channels + group * outputs;
    for_each_tiled(outputs, count, [&](int64_t o, int64_t k) {
      dy_transposed_[static_cast<size_t>(o * count + k)] = dy[k * shape_.out_channels + o];
    });
    float_product(kernels_, dy_transposed_.data(), outputs, count, count, patch_panels_.data(), depth,
                  product_.data(), depth);
    float* dw = dw_.data() + group * outputs * depth;
    for (int64_t i = 0; i < outputs * depth; ++i) dw[i] += product_[i];
  }

  void add_input_gradient(int64_t group, int64_t first, int64_t count) {
    const float* dy = dy_.data() + first * shape_.out_channels + group * shape_.group_outputs();
    float_product(kernels_, dy, count, shape_.out_channels, shape_.group_outputs(), w_panels_.data(),
                  layer_.depth(), patches_.data(), layer_.depth());
    for_each_tap(group, first, count, [&](int64_t to, int64_t from) {
      const float* source = patches_.data() + from;
      float* target = dx_.data() + to;
      for (int64_t c = 0; c < shape_.group_inputs(); ++c) target[c] += source[c];
    });
  }

  const BinaryLayer& layer_;
  const ConvShape& shape_;
  const Kernels& kernels_;
  const ImageShape images_;
  const int64_t pixels_, chunk_pixels_;
  const AlignedArray<float> dy_, x_, w_;  // channels last, x and w quantized, x padded
  AlignedArray<float> dx_, dw_;
  AlignedArray<float> patches_, dy_transposed_, product_, w_panels_, patch_panels_;
};

void bias_gradient(const BinaryLayer& layer, const float* dy, float* db) {
  const int64_t channels = layer.shape.out_channels, positions = layer.out_positions();
  for (int64_t o = 0; o < channels; ++o) {
    double sum = 0;
    for (int64_t n = 0; n < layer.batch; ++n) {
      const float* row = dy + (n * channels + o) * positions;
      for (int64_t p = 0; p < positions; ++p) sum += row[p];
    }
    db[o] = static_cast<float>(sum);
  }
}

}  // namespace

Status backward(const BinaryLayer& layer, const float* dy, const float* x, const float* w, float* dx,
                float* dw, float* db) {
  auto kernels = find_kernels("auto");
  if (!kernels.ok()) return kernels.status();
  Gradient gradient(layer, **kernels, dy, x, w);
  gradient.run();
  const float scale = layer.popcount ? 0.5F : 1.0F;
  gradient_to_channels_first(gradient.dx(), x, layer.input_images(), layer.input, scale, dx);
  gradient_to_channels_first(gradient.dw(), w, layer.weight_images(), layer.weight, scale, dw);
  if (db != nullptr) bias_gradient(layer, dy, db);
  return {};
}

}  // namespace bmx
