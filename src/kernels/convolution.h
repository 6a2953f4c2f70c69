// Convolution and dense layers on top of the microkernels: gather patches, multiply, correct the border, run
// the epilogue while the chunk is still in the cache.
//
// Layouts: float and int32 activations are NHWC; bits are [N][H][W][words_for(C)]. Dense layers are the case
// in_height = in_width = kernel = 1.
#pragma once

#include <cstdint>

#include "base/aligned.h"
#include "base/status.h"
#include "kernels/kernels.h"

namespace bmx {

struct ConvShape {
  int64_t in_height = 1, in_width = 1, in_channels = 0;
  int64_t out_channels = 0;
  int64_t kernel_height = 1, kernel_width = 1;
  int64_t stride_height = 1, stride_width = 1;
  int64_t pad_height = 0, pad_width = 0;
  int64_t dilation_height = 1, dilation_width = 1;
  int64_t groups = 1;

  int64_t out_height() const;
  int64_t out_width() const;
  int64_t group_inputs() const { return in_channels / groups; }
  int64_t group_outputs() const { return out_channels / groups; }
  int64_t taps() const { return kernel_height * kernel_width; }

  // Dimensions >= 1, padding >= 0, groups divide both channel counts, the output is not empty, no product
  // overflows.
  Status validate() const;
};

enum class Activation { kNone, kRelu, kTanh };

// What happens to each row of sums, in this order; null pointers skip a step. All arrays have out_channels
// entries and must outlive the call.
struct Epilogue {
  const float* scale = nullptr;  // affine: float(x) * scale + shift; both or neither
  const float* shift = nullptr;
  Activation activation = Activation::kNone;
  // Threshold to bits. On int32 sums (no affine, no activation) use threshold_i32, otherwise threshold_f32.
  const int32_t* threshold_i32 = nullptr;
  const float* threshold_f32 = nullptr;
  const uint64_t* flip = nullptr;  // words_for(out_channels)
};

// Weights are repacked once into the order of `kernels`; run() may be called from several threads at once,
// each with its own workspace of workspace_bytes() (kAlignment-aligned). run() does not allocate.
class BinaryConvolution {
 public:
  // weights: [O][KH][KW][words_for(I / groups)]. pad_value: 0, +1 or -1.
  static Result<BinaryConvolution> create(const ConvShape& shape, int pad_value, const uint64_t* weights,
                                          const Kernels& kernels);
  const ConvShape& shape() const { return shape_; }
  int64_t workspace_bytes() const;
  // out: int32 dots (empty epilogue), float32 (affine or activation), or bits (threshold), NHWC.
  void run(const uint64_t* x, int64_t batch, const Epilogue& epilogue, void* out, void* workspace) const;

 private:
  struct Chunk;
  int64_t patch_words() const;
  bool gathers() const;
  int64_t rows_per_chunk() const;
  int64_t patch_bytes() const;
  void sum_taps(const uint64_t* weights);
  void multiply(const Chunk& chunk, int64_t group) const;
  void correct_border(const Chunk& chunk) const;

  ConvShape shape_;
  int pad_value_ = 0;
  const Kernels* kernels_ = nullptr;
  AlignedArray<uint64_t> panels_;
  AlignedArray<uint64_t> pad_;      // one tap outside the image
  AlignedArray<int32_t> tap_sums_;  // [KH][KW][O]: sum of a tap's weights, for zero padding
};

class FloatConvolution {
 public:
  // weights: [O][KH][KW][I / groups]; bias: [O] or null.
  static Result<FloatConvolution> create(const ConvShape& shape, const float* weights, const float* bias,
                                         const Kernels& kernels);
  const ConvShape& shape() const { return shape_; }
  int64_t workspace_bytes() const;
  // out: float32, or bits if the epilogue has threshold_f32.
  void run(const float* x, int64_t batch, const Epilogue& epilogue, void* out, void* workspace) const;

 private:
  struct Chunk;
  int64_t patch_size() const;
  int64_t rows_per_chunk() const;
  int64_t patch_bytes() const;
  void multiply(const Chunk& chunk, int64_t group) const;

  ConvShape shape_;
  const Kernels* kernels_ = nullptr;
  AlignedArray<float> panels_;
  AlignedArray<float> bias_;
  AlignedArray<float> pad_;  // zeros: one tap outside the image
};

}  // namespace bmx
