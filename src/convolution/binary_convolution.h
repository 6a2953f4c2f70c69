// Convolution and dense layers on packed bits, directly on a padded slab of the input: no patches are
// gathered.
//
//   dot = sum over planes i, j and the window of 2^(i+j) * x_i * w_j
//
// where x_i and w_j are bit planes whose bits stand for -1/+1 or 0/1. With n the size of the window, S =
// popcount(w) and p = popcount(x xor w) or popcount(x and w), one pair of planes contributes
//
// clang-format off
//                 w -1/+1              w 0/1
//   x -1/+1       n - 2 p(xor)         2 p(and) - S
//   x 0/1         S - p(xor)           p(and)
// clang-format on
//
// where S - p(xor) follows from x * w = (bit of w) - (x xor w) for each bit. So a table of offsets, one for
// each output, and one multiplier turn counts into dots. The last plane of weights in two's complement holds
// 0/1 like the others, but its counts and offsets are subtracted.
//
// Padding with zeros between -1/+1 values is exact: what the window lacks at the border is in the offsets,
// which have a row for each kind of border.
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

// k planes of bits. Activations are [N][H][W][planes][words_for(C)].
struct Planes {
  int count = 1;
  BitValues values = BitValues::kSigns;

  bool is_negative(int64_t plane) const { return values == BitValues::kTwosComplement && plane == count - 1; }
  // The weight of a plane.
  int64_t scale(int64_t plane) const {
    return is_negative(plane) ? -(int64_t{1} << plane) : int64_t{1} << plane;
  }
  // The largest absolute value.
  int64_t largest() const {
    return values == BitValues::kTwosComplement ? int64_t{1} << (count - 1) : (int64_t{1} << count) - 1;
  }
};

class BinaryConvolution final : public SlabConvolution {
 public:
  // weights: [planes][O][KH][KW][words_for(I / groups)]. pad_value: what taps outside the image count as; 0,
  // +1 or -1, but only 0 for inputs of several planes or of 0/1. Weights are repacked once into the order of
  // `kernels`.
  static Result<BinaryConvolution> create(const ConvShape& shape, int pad_value, const uint64_t* weights,
                                          const Kernels& kernels, Planes inputs = {},
                                          Planes weight_planes = {});

  // Refuses planes that cannot be multiplied: more than 8, or sums of 2^31 and more.
  static Status check_planes(const ConvShape& shape, int pad_value, Planes inputs, Planes weight_planes);

  // Bytes of the repacked weights and tables.
  int64_t packed_bytes() const;

  // May be called from several threads at once, each with its own workspace (kAlignment-aligned). Does not
  // allocate.
  void run(const uint64_t* x, int64_t batch, const Epilogue& epilogue, const ConvOutputs& out,
           void* workspace, ThreadPool* pool = nullptr) const;

 private:
  // One stretch of the reduction: planes i and j, and a part of the window whose counts wide sums can hold.
  struct Part {
    int64_t first_span, span_count;
    int64_t weight_plane, first_unit;
    int shift;  // i + j
    bool subtract;
  };

  // What the weights of one output sum up to.
  struct OutputSums {
    int64_t offset = 0;         // of a window inside the image
    std::vector<int64_t> taps;  // each tap's sum
  };
  // Kinds of borders, as the taps inside the image along rows and columns.
  struct Borders {
    std::vector<TapRange> rows, columns;
  };

  BinaryConvolution(const ConvShape& shape, const Kernels& kernels, Planes inputs, Planes weight_planes);
  void choose_layout(const ConvShape& shape);
  std::vector<Part> stretches_of(std::vector<Span>* window) const;
  void make_parts();
  void pack_weights(const uint64_t* weights);
  template <class Unit>
  void pack_panel(const uint64_t* weights, int64_t group, int64_t panel);
  void pack_depthwise_weights(const uint64_t* weights);
  void pack_pad(int pad_value);
  bool make_offsets(const uint64_t* weights, int pad_value);  // false: no memory
  Borders find_borders(int pad_value);
  int64_t offset_of(int64_t n, int64_t ones) const;
  OutputSums sums_of(const uint64_t* weights, int64_t output) const;
  int64_t outside(const OutputSums& sums, const TapRange& rows, const TapRange& columns) const;

  int64_t panel_bytes() const;
  int64_t tap_words() const { return words_for(shape_.group_inputs()); }
  void expand_units(const uint64_t* bits, int64_t units, char* out) const;
  void expand_groups(const uint64_t* pixel, char* out) const;
  void expand_pixels(const char* x, int64_t step, int64_t count, int64_t plane, char* out) const override;
  void run_panel(const Work& work, int64_t group, int64_t panel, const BlockPixels& pixels) const override;
  void add_parts(BinaryTile count_tile, const void* const* pixels, const char* weights, int64_t lanes,
                 int64_t size, int32_t* sums) const;

  Planes inputs_, weight_planes_;
  const Kernels* kernels_ = nullptr;
  const BinaryTiles* tiles_ = nullptr;
  BitProduct product_ = BitProduct::kXor;
  int32_t multiplier_ = -2;
  std::vector<Span> spans_;  // one window for each input plane
  std::vector<Part> parts_;
  AlignedArray<uint8_t> panels_;   // [group][panel][weight plane][unit][lanes]
  AlignedArray<int32_t> offsets_;  // [kinds of rows][kinds of columns][group][panel lanes]
};

}  // namespace bmx
