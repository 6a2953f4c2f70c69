// A convolution on bit planes of few channels, as a dense layer on the bits of its windows.
//
// A pixel takes at least a unit of the tiles, which a first layer on images of 3 channels leaves nearly
// empty. Here the bits of a row of the image lie without gaps, so that the taps of a row of the window are
// one stretch of bits, and the window of each output pixel is copied from as many stretches as the kernel has
// rows. Zeros around the image are bits 0, so this works for planes of 0/1 bits only. The integer sums
// equal those of a BinaryConvolution.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "base/thread_pool.h"
#include "convolution/binary_convolution.h"

namespace bmx {

class GatheredConvolution {
 public:
  // Whether the shape allows it and it saves more than it costs.
  static bool pays(const ConvShape& shape, const Kernels& kernels, Planes inputs);

  // As for BinaryConvolution, for a shape that pays.
  static Result<GatheredConvolution> create(const ConvShape& shape, const uint64_t* weights,
                                            const Kernels& kernels, Planes inputs, Planes weight_planes);

  const ConvShape& shape() const { return shape_; }
  int64_t packed_bytes() const { return dense_.packed_bytes(); }
  int64_t workspace_bytes(int threads = 1) const;
  void run(const uint64_t* x, int64_t batch, const Epilogue& epilogue, const ConvOutputs& out,
           void* workspace, ThreadPool* pool = nullptr) const;

 private:
  GatheredConvolution(const ConvShape& shape, int planes, BinaryConvolution dense);

  void pack_row(const uint64_t* pixels, int64_t plane, uint64_t* row) const;
  void gather(const uint64_t* rows, int64_t out_row, uint64_t* windows) const;

  ConvShape shape_;
  int64_t planes_;
  BinaryConvolution dense_;   // multiplies the window of a pixel
  int64_t row_words_ = 0;     // words of a padded row of the image, and one more to read past its end
  int64_t window_words_ = 0;  // words of a window and plane
  int64_t band_rows_ = 1;     // output rows whose windows are gathered at a time
};

}  // namespace bmx
