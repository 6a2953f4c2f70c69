#include "mxnet/layout.h"

#include "base/bits.h"

namespace bmx {

namespace {

// Calls visit(offset in [C][H][W], offset in the padded [H][W][C]) for each value of an image.
template <class Visit>
void for_each_value(const ImageShape& s, Visit visit) {
  for (int64_t h = 0; h < s.height; ++h) {
    const int64_t first = h * s.width;
    const int64_t last = ((h + s.pad_height) * s.padded_width() + s.pad_width) * s.channels;
    for_each_tiled(s.channels, s.width, [&](int64_t c, int64_t w) {
      visit(c * s.positions() + first + w, last + w * s.channels + c);
    });
  }
}

}  // namespace

void pack_signs(const float* x, const ImageShape& shape, const Kernels& kernels, uint64_t* bits) {
  const int64_t positions = shape.positions(), channels = shape.channels, words = words_for(channels);
  if (positions == 1) {
    kernels.pack_f32(x, shape.images, channels, nullptr, nullptr, bits);
    return;
  }
  for (int64_t n = 0; n < shape.images; ++n, x += channels * positions, bits += positions * words) {
    kernels.pack_planar_f32(x, channels, positions, nullptr, nullptr, bits);
  }
}

void pack_weights(const float* w, const ImageShape& filters, const Kernels& kernels, uint8_t* bytes) {
  const int64_t rows = filters.images * filters.positions();
  const int64_t row_words = words_for(filters.channels), row_bytes = bytes_for(filters.channels);
  auto words = allocate<uint64_t>(rows * row_words);
  pack_signs(w, filters, kernels, words.data());
  for (int64_t row = 0; row < rows; ++row) {
    bytes_from_words(words.data() + row * row_words, filters.channels, bytes + row * row_bytes);
  }
}

AlignedArray<float> unpack_weights(const uint8_t* bytes, const ImageShape& filters) {
  const int64_t positions = filters.positions();
  auto w = allocate<float>(filters.padded_size());
  float* to = w.data();
  for (int64_t n = 0; n < filters.images; ++n, bytes += positions * bytes_for(filters.channels)) {
    for (int64_t c = 0; c < filters.channels; ++c) {
      for (int64_t p = 0; p < positions; ++p) {
        const uint8_t byte = bytes[p * bytes_for(filters.channels) + c / 8];
        *to++ = ((byte >> (c % 8)) & 1) != 0 ? 1.0F : -1.0F;
      }
    }
  }
  return w;
}

AlignedArray<float> to_channels_last(const float* x, const ImageShape& shape, const Quantizer& quantizer,
                                     float border) {
  AlignedArray<float> y = allocate<float>(shape.padded_size());
  if (border != 0) std::fill_n(y.data(), y.size(), border);
  const int64_t size = shape.channels * shape.positions(), padded_size = shape.padded_size() / shape.images;
  for (int64_t n = 0; n < shape.images; ++n) {
    const float* from = x + n * size;
    float* to = y.data() + n * padded_size;
    for_each_value(shape, [&](int64_t first, int64_t last) { to[last] = quantizer(from[first]); });
  }
  return y;
}

void gradient_to_channels_first(const float* g, const float* x, const ImageShape& shape,
                                const Quantizer& quantizer, float scale, float* dx) {
  const int64_t size = shape.channels * shape.positions(), padded_size = shape.padded_size() / shape.images;
  for (int64_t n = 0; n < shape.images; ++n, x += size, dx += size, g += padded_size) {
    for_each_value(shape, [&](int64_t first, int64_t last) {
      dx[first] = quantizer.passes(x[first]) ? g[last] * scale : 0.0F;
    });
  }
}

}  // namespace bmx
