// What QConvolution and QFullyConnected compute, which is the case height = width = kernel = 1.
//
// With q the quantizers, S = 1 for output_range 'dot' and 1/2 for 'popcount', K values in a dot product:
//   y  = q(x) * q(w)            'dot'            + bias
//   y  = (q(x) * q(w) + K) / 2  'popcount'       + bias
//   dx = S * (dy *^T q(w)) where q lets x pass, dw = S * (q(x) *^T dy) where q lets w pass, db = sum of dy
#pragma once

#include <cstdint>

#include "base/status.h"
#include "convolution/convolution.h"
#include "mxnet/layout.h"
#include "mxnet/quantizer.h"

namespace bmx {

struct BinaryLayer {
  int64_t batch = 1;
  ConvShape shape;
  int pad_value = 0;
  Quantizer input, weight;
  bool popcount = false;

  int64_t depth() const { return shape.taps() * shape.group_inputs(); }
  int64_t out_positions() const { return shape.out_height() * shape.out_width(); }
  ImageShape input_images() const {
    return {batch, shape.in_channels, shape.in_height, shape.in_width, shape.pad_height, shape.pad_width};
  }
  // Each output channel's weights are an image of the kernel's size.
  ImageShape weight_images() const {
    return {shape.out_channels, shape.group_inputs(), shape.kernel_height, shape.kernel_width, 0, 0};
  }
};

// x [N][I][H][W], w [O][I / groups][KH][KW], bias [O] or null, y [N][O][H'][W'].
Status forward(const BinaryLayer& layer, const float* x, const float* w, const float* bias, float* y);

// The same with the signs of the weights as bits [O][KH][KW][bytes_for(I / groups)], the order of .bmx files.
Status forward_packed(const BinaryLayer& layer, const float* x, const uint8_t* w, const float* bias,
                      float* y);

// Gradients of x and w, given dy; db is null if there is no bias.
Status backward(const BinaryLayer& layer, const float* dy, const float* x, const float* w, float* dx,
                float* dw, float* db);

}  // namespace bmx
