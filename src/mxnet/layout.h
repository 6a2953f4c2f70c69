// Between MXNet's channels-first arrays and the channels-last ones of the kernels.
#pragma once

#include <cstdint>
#include <new>

#include "base/aligned.h"
#include "microkernels/kernels.h"
#include "mxnet/quantizer.h"

namespace bmx {

// Memory or std::bad_alloc, which ends at the operator's boundary.
template <class T>
AlignedArray<T> allocate(int64_t size) {
  AlignedArray<T> array(static_cast<size_t>(size));
  if (size > 0 && array.data() == nullptr) throw std::bad_alloc();
  return array;
}

// Images of a batch, optionally with a border around each one.
struct ImageShape {
  int64_t images = 1, channels = 1, height = 1, width = 1;
  int64_t pad_height = 0, pad_width = 0;

  int64_t positions() const { return height * width; }
  int64_t padded_height() const { return height + 2 * pad_height; }
  int64_t padded_width() const { return width + 2 * pad_width; }
  int64_t padded_size() const { return images * padded_height() * padded_width() * channels; }
};

// [N][C][H][W] -> signs as bits [N][H][W][words_for(C)]; the border is not stored.
void pack_signs(const float* x, const ImageShape& shape, const Kernels& kernels, uint64_t* bits);

// Signs of weights as .bmx files and packed operators keep them: [O][I][KH][KW] <->
// [O][KH][KW][bytes_for(I)].
void pack_weights(const float* w, const ImageShape& filters, const Kernels& kernels, uint8_t* bytes);
AlignedArray<float> unpack_weights(const uint8_t* bytes, const ImageShape& filters);

// [N][C][H][W] -> quantized [N][H + 2 pad][W + 2 pad][C] with `border` around each image.
AlignedArray<float> to_channels_last(const float* x, const ImageShape& shape, const Quantizer& quantizer,
                                     float border);

// Calls visit(row, column) for a whole matrix, in square tiles, so that an array that runs along rows and one
// that runs along columns both use each cache line completely.
template <class Visit>
void for_each_tiled(int64_t rows, int64_t columns, Visit visit) {
  constexpr int64_t kTile = 16;  // floats in a cache line
  for (int64_t row = 0; row < rows; row += kTile) {
    const int64_t row_end = std::min(row + kTile, rows);
    for (int64_t column = 0; column < columns; column += kTile) {
      const int64_t column_end = std::min(column + kTile, columns);
      for (int64_t r = row; r < row_end; ++r) {
        for (int64_t c = column; c < column_end; ++c) visit(r, c);
      }
    }
  }
}

// [N][positions][C] -> [N][C][positions], each value through f(value, channel).
template <class T, class Function>
void to_channels_first(const T* x, int64_t images, int64_t positions, int64_t channels, float* y,
                       Function f) {
  for (int64_t n = 0; n < images; ++n, x += positions * channels, y += positions * channels) {
    for_each_tiled(channels, positions,
                   [&](int64_t c, int64_t p) { y[c * positions + p] = f(x[p * channels + c], c); });
  }
}

// The gradient of to_channels_last: g [N][H + 2 pad][W + 2 pad][C] -> dx [N][C][H][W], times `scale` where
// the quantizer lets the gradient of x pass and 0 elsewhere.
void gradient_to_channels_first(const float* g, const float* x, const ImageShape& shape,
                                const Quantizer& quantizer, float scale, float* dx);

}  // namespace bmx
