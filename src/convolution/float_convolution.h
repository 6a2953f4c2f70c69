// Float convolution and dense layers, directly on a padded slab of the input. Weights are floats, or signs
// that stay packed in memory.
#pragma once

#include <cstdint>
#include <vector>

#include "base/aligned.h"
#include "base/status.h"
#include "convolution/slab_convolution.h"
#include "microkernels/kernels.h"

namespace bmx {

class FloatConvolution final : public SlabConvolution {
 public:
  // weights: [O][KH][KW][I / groups]; bias: [O] or null. Taps outside the image are zeros.
  static Result<FloatConvolution> create(const ConvShape& shape, const float* weights, const float* bias,
                                         const Kernels& kernels);
  // The same with weights that are -1 or +1 and stay packed: [O][KH][KW][words_for(I / groups)]. A panel of
  // them at a time becomes floats, in the workspace, and the results are those of float weights.
  static Result<FloatConvolution> create_binary(const ConvShape& shape, const uint64_t* weights,
                                                const Kernels& kernels);
  int64_t packed_bytes() const;

  // As BinaryConvolution::run.
  void run(const float* x, int64_t batch, const Epilogue& epilogue, const ConvOutputs& out, void* workspace,
           ThreadPool* pool = nullptr) const;

 private:
  FloatConvolution(const ConvShape& shape, const Kernels& kernels);
  bool has_memory() const;
  void pack_weights(const float* weights, const float* bias);
  void pack_signs(const uint64_t* weights);
  int64_t panel_size() const { return shape_.depth() * panel_lanes(); }
  int64_t panel_words() const { return words_for(panel_size()); }
  const float* panel_weights(int64_t group, int64_t panel, void* scratch) const;
  void expand_pixels(const char* x, int64_t step, int64_t count, int64_t plane, char* out) const override;
  void run_panel(const Work& work, int64_t group, int64_t panel, const BlockPixels& pixels) const override;

  const Kernels* kernels_ = nullptr;
  const FloatTiles* tiles_ = nullptr;
  std::vector<Span> spans_;
  AlignedArray<float> panels_;    // [group][panel][unit][lanes]; or, if the weights are signs,
  AlignedArray<uint64_t> signs_;  // [group][panel][bits of [unit][lanes], in whole words]
  AlignedArray<float> bias_;      // [group][panel lanes]
};

}  // namespace bmx
