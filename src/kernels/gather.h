// Gathers the patches of output pixels into the rows of a matrix: [pixel][kernel_height][kernel_width][group
// inputs].
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/bits.h"
#include "kernels/conv_shape.h"

namespace bmx {

// Walks the output pixels of a batch in memory order; row and column are where the first tap lies in the
// input.
class PixelCursor {
 public:
  PixelCursor(const ConvShape& shape, int64_t pixel)
      : shape_(shape), out_height_(shape.out_height()), out_width_(shape.out_width()) {
    out_column_ = pixel % out_width_;
    out_row_ = pixel / out_width_ % out_height_;
    image_ = pixel / out_width_ / out_height_;
  }
  void advance() {
    if (++out_column_ < out_width_) return;
    out_column_ = 0;
    if (++out_row_ < out_height_) return;
    out_row_ = 0;
    ++image_;
  }

  int64_t image() const { return image_; }
  int64_t row() const { return out_row_ * shape_.stride_height - shape_.pad_height; }
  int64_t column() const { return out_column_ * shape_.stride_width - shape_.pad_width; }

 private:
  const ConvShape& shape_;
  int64_t out_height_, out_width_;
  int64_t image_, out_row_, out_column_;
};

// Values of one group that are consecutive elements of a pixel: floats, or bits whose group starts at a word.
template <class T>
struct ElementSource {
  const T* x;
  int64_t pixel_size;  // elements
  int64_t offset;      // of the group in a pixel
  int64_t tap_size;

  void copy(int64_t pixel, int64_t step, int64_t taps, T* out) const {
    const T* from = x + pixel * pixel_size + offset;
    if (step == 1 && tap_size == pixel_size) {
      std::copy_n(from, taps * tap_size, out);
      return;
    }
    for (int64_t t = 0; t < taps; ++t)
      std::copy_n(from + t * step * pixel_size, tap_size, out + t * tap_size);
  }
};

// Bits of one group that start anywhere in a word.
struct BitSource {
  const uint64_t* x;
  int64_t pixel_size;  // words
  int64_t offset;      // of the group in a pixel, in bits
  int64_t channels;    // of the group
  int64_t tap_size;    // words_for(channels)

  void copy(int64_t pixel, int64_t step, int64_t taps, uint64_t* out) const {
    for (int64_t t = 0; t < taps; ++t) copy_tap(x + (pixel + t * step) * pixel_size, out + t * tap_size);
  }

 private:
  void copy_tap(const uint64_t* from, uint64_t* out) const {
    const int64_t shift = offset % kWordBits;
    for (int64_t w = 0; w < tap_size; ++w) {
      const int64_t source = offset / kWordBits + w;
      out[w] = from[source] >> shift;
      if (shift != 0 && source + 1 < pixel_size) out[w] |= from[source + 1] << (kWordBits - shift);
    }
    out[tap_size - 1] &= tail_mask(channels);
  }
};

// Taps outside the image become `pad`, the tap_size elements of one padding pixel.
template <class Source, class T>
void gather(const ConvShape& shape, const Source& source, const T* pad, int64_t first, int64_t count,
            T* out) {
  const int64_t tap_size = source.tap_size;
  const auto fill = [&](int64_t taps) {
    for (int64_t t = 0; t < taps; ++t, out += tap_size) std::copy_n(pad, tap_size, out);
  };
  PixelCursor cursor(shape, first);
  for (int64_t p = 0; p < count; ++p, cursor.advance()) {
    const TapRange inside =
        taps_inside(cursor.column(), shape.dilation_width, shape.kernel_width, shape.in_width);
    for (int64_t kh = 0; kh < shape.kernel_height; ++kh) {
      const int64_t row = cursor.row() + kh * shape.dilation_height;
      if (row < 0 || row >= shape.in_height) {
        fill(shape.kernel_width);
        continue;
      }
      const int64_t pixel = (cursor.image() * shape.in_height + row) * shape.in_width + cursor.column() +
                            inside.begin * shape.dilation_width;
      const int64_t taps = inside.end - inside.begin;
      fill(inside.begin);
      source.copy(pixel, shape.dilation_width, taps, out);
      out += taps * tap_size;
      fill(shape.kernel_width - inside.end);
    }
  }
}

}  // namespace bmx
