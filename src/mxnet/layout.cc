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
  // One word of each position in a block: the inner loop runs along the image's rows and vectorizes.
  constexpr int64_t kBlock = 64;
  for (int64_t n = 0; n < shape.images; ++n, x += channels * positions, bits += positions * words) {
    for (int64_t first = 0; first < positions; first += kBlock) {
      const int64_t count = std::min(kBlock, positions - first);
      for (int64_t word = 0; word < words; ++word) {
        uint64_t packed[kBlock] = {};
        const int64_t begin = word * kWordBits, end = std::min(begin + kWordBits, channels);
        for (int64_t c = begin; c < end; ++c) {
          const float* row = x + c * positions + first;
          for (int64_t p = 0; p < count; ++p) packed[p] |= uint64_t{!(row[p] < 0)} << (c - begin);
        }
        for (int64_t p = 0; p < count; ++p) bits[(first + p) * words + word] = packed[p];
      }
    }
  }
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
