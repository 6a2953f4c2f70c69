// Convolution and dense layers on packed bits, directly on a padded slab of the input: no patches are
// gathered.
//
//   dot = sum over planes i, j and the window of 2^(i+j) * x_i * w_j
//
// where x_i and w_j are bit planes whose bits mean -1/+1 or 0/1. With p = popcount(x xor w) or popcount(x and
// w), S = popcount(w) and n the window's size, one pair of planes contributes
//   x -1/+1, w -1/+1:   n - 2 p(xor)        x 0/1, w -1/+1:   S - p(xor)      because x * w = (w bit) - (x
//   xor w) x -1/+1, w 0/1:   2 p(and) - S          x 0/1, w 0/1:     p(and)
// so one table of bases for each output, and one multiplier, turn the counts into dots. Padding with zeros
// between -1/+1 values is exact: what the window lacks at the border is in the bases, one row of them for
// each kind of border.
#pragma once

#include <cstdint>
#include <vector>

#include "base/aligned.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "kernels/conv_shape.h"
#include "kernels/epilogue.h"
#include "kernels/kernels.h"
#include "kernels/slab.h"

namespace bmx {

enum class BitValues { kSigns, kZeroOne };  // what bits 0 and 1 stand for

// k planes of bits; plane i has the weight 2^i. Activations are [N][H][W][planes][words_for(C)].
struct Planes {
  int count = 1;
  BitValues values = BitValues::kSigns;
};

class BinaryConvolution {
 public:
  // weights: [planes][O][KH][KW][words_for(I / groups)]. pad_value: what taps outside the image count as; 0,
  // +1 or -1, but only 0 for inputs of several planes or of 0/1. Weights are repacked once into the order of
  // `kernels`.
  static Result<BinaryConvolution> create(const ConvShape& shape, int pad_value, const uint64_t* weights,
                                          const Kernels& kernels, Planes inputs = {},
                                          Planes weight_planes = {});
  const ConvShape& shape() const { return shape_; }

  // Scratch memory of run() with a pool of so many threads, for any batch.
  int64_t workspace_bytes(int threads = 1) const;
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
  };
  struct Work;
  struct Block;

  Status check_planes(int pad_value, Planes inputs, Planes weight_planes) const;
  void choose_layout();
  void make_parts();
  void pack_weights(const uint64_t* weights);
  void pack_pad(int pad_value);
  void make_bases(const uint64_t* weights, int pad_value);

  int64_t tap_words() const;
  int64_t window_units() const { return shape_.taps() * tap_units_; }
  int64_t panels() const;
  int64_t panel_vectors(int64_t panel) const;
  int64_t panel_lanes() const;
  int64_t panel_bytes() const;
  int64_t max_panel_parts() const;
  int64_t thread_bytes() const;
  const void* fill_slab(const Work& work, const Block& block, char* slab) const;
  void fill_row(const uint64_t* row, int64_t plane, char* slab) const;
  void expand_pixels(const uint64_t* x, int64_t step, int64_t count, int64_t plane, char* out) const;
  void run_block(const Work& work, const Block& block, char* scratch) const;
  void run_panel(const Work& work, const Block& block, int64_t group, int64_t panel, const void** pixels,
                 const int64_t* bases) const;
  void add_parts(BinaryTile count_tile, const void* const* pixels, const char* weights, int64_t lanes,
                 int64_t size, int32_t* sums) const;

  ConvShape shape_;
  Planes inputs_, weight_planes_;
  const Kernels* kernels_ = nullptr;
  BitProduct product_ = BitProduct::kXor;
  int32_t multiplier_ = -2;

  bool pointwise_ = false;  // the pixels of a batch are one column
  SlabLayout layout_;
  int64_t tap_units_ = 0;       // of one group
  int64_t max_block_rows_ = 1;  // of the output, so that a slab stays in the cache
  int64_t plane_bytes_ = 0;     // of one plane of a slab
  std::vector<Run> runs_;       // of all input planes
  std::vector<Part> parts_;

  AlignedArray<uint8_t> panels_;  // [group][panel][weight plane][unit][lanes]
  AlignedArray<uint8_t> pad_;     // one pixel outside the image, as tiles read it
  AlignedArray<int32_t> bases_;   // [kinds of rows][kinds of columns][group][panel lanes]
  std::vector<int64_t> row_base_,
      column_base_;  // by row and column of the output: their sum leads into bases_
};

}  // namespace bmx
