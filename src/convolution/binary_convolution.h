// Convolution and dense layers on packed bits, directly on a padded slab of the input: no patches are
// gathered.
//
//   dot = sum over planes i, j and the window of 2^(i+j) * x_i * w_j
//
// where x_i and w_j are bit planes whose bits mean -1/+1 or 0/1. With p = popcount(x xor w) or popcount(x and
// w), S = popcount(w) and n the window's size, one pair of planes contributes
//   x -1/+1, w -1/+1:   n - 2 p(xor)        x 0/1, w -1/+1:   S - p(xor)      because x * w = (w bit) - (x
//   xor w) x -1/+1, w 0/1:   2 p(and) - S          x 0/1, w 0/1:     p(and)
// so one table of bases for each output, and one multiplier, turn the counts into dots. The last plane of
// weights in two's complement holds 0/1 like the others, but its counts and bases are subtracted. Padding
// with zeros between -1/+1 values is exact: what the window lacks at the border is in the bases, one row of
// them for each kind of border.
#pragma once

#include <cstdint>
#include <vector>

#include "base/aligned.h"
#include "base/status.h"
#include "convolution/conv_shape.h"
#include "convolution/slab_convolution.h"
#include "microkernels/kernels.h"
#include "pointwise/epilogue.h"

namespace bmx {

// What bits 0 and 1 stand for: -1 and +1, or 0 and 1. kTwosComplement: 0 and 1, and the last plane has the
// weight -2^(k-1); of weights only, in 2 to 8 planes.
enum class BitValues { kSigns, kZeroOne, kTwosComplement };

// k planes of bits; plane i has the weight 2^i. Activations are [N][H][W][planes][words_for(C)].
struct Planes {
  int count = 1;
  BitValues values = BitValues::kSigns;
};

class BinaryConvolution final : public SlabConvolution {
 public:
  // weights: [planes][O][KH][KW][words_for(I / groups)]. pad_value: what taps outside the image count as; 0,
  // +1 or -1, but only 0 for inputs of several planes or of 0/1. Weights are repacked once into the order of
  // `kernels`.
  static Result<BinaryConvolution> create(const ConvShape& shape, int pad_value, const uint64_t* weights,
                                          const Kernels& kernels, Planes inputs = {},
                                          Planes weight_planes = {});

  // Can such planes be multiplied: are there 1 to 8, do sums stay below 2^31?
  static Status check_planes(const ConvShape& shape, int pad_value, Planes inputs, Planes weight_planes);

  // Bytes of the repacked weights and tables.
  int64_t packed_bytes() const;

  // May be called from several threads at once, each with its own workspace (kAlignment-aligned). Does not
  // allocate.
  void run(const uint64_t* x, int64_t batch, const Epilogue& epilogue, const ConvOutputs& out,
           void* workspace, ThreadPool* pool = nullptr) const;

 private:
  // Counts of one stretch of the reduction: planes i and j, and a part of the window that wide sums can hold.
  struct Part {
    int64_t first_run, run_count;
    int64_t weight_plane, first_unit;
    int shift;  // i + j
    bool subtract;
  };

  void choose_layout(const ConvShape& shape);
  void make_parts();
  void pack_weights(const uint64_t* weights);
  template <class Unit>
  void pack_panel(const uint64_t* weights, int64_t group, int64_t panel);
  void pack_depthwise_weights(const uint64_t* weights);
  void pack_pad(int pad_value);
  void make_bases(const uint64_t* weights, int pad_value);

  int64_t panel_bytes() const;
  int64_t tap_words() const { return words_for(shape_.group_inputs()); }
  void expand_pixels(const char* x, int64_t step, int64_t count, int64_t plane, char* out) const override;
  void run_panel(const Work& work, int64_t group, int64_t panel, const BlockPixels& pixels) const override;
  void add_parts(BinaryTile count_tile, const void* const* pixels, const char* weights, int64_t lanes,
                 int64_t size, int32_t* sums) const;

  Planes inputs_, weight_planes_;
  const Kernels* kernels_ = nullptr;
  const BinaryTiles* tiles_ = nullptr;
  BitProduct product_ = BitProduct::kXor;
  int32_t multiplier_ = -2;
  std::vector<Run> runs_;  // of all input planes
  std::vector<Part> parts_;
  AlignedArray<uint8_t> panels_;  // [group][panel][weight plane][unit][lanes]
  AlignedArray<int32_t> bases_;   // [kinds of rows][kinds of columns][group][panel lanes]
};

}  // namespace bmx
