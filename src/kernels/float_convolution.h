// Float convolution and dense layers.
#pragma once

#include <cstdint>

#include "base/aligned.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "kernels/conv_shape.h"
#include "kernels/kernels.h"

namespace bmx {

class FloatConvolution {
 public:
  // weights: [O][KH][KW][I / groups]; bias: [O] or null.
  static Result<FloatConvolution> create(const ConvShape& shape, const float* weights, const float* bias,
                                         const Kernels& kernels);
  const ConvShape& shape() const { return shape_; }
  int64_t workspace_bytes(int threads = 1) const;
  void run(const float* x, int64_t batch, const Epilogue& epilogue, const ConvOutputs& out, void* workspace,
           ThreadPool* pool = nullptr) const;

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
