// What binary and float convolutions share: the walk over images, blocks of output rows, panels and tiles.
//
// A block's slab is filled once; then, for every panel, tiles of pixels are multiplied and a strip of tiles
// goes through the epilogue while its sums are in the first-level cache.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/aligned.h"
#include "base/thread_pool.h"
#include "convolution/conv_shape.h"
#include "convolution/slab.h"
#include "pointwise/epilogue.h"

namespace bmx {

class SlabConvolution {
 public:
  virtual ~SlabConvolution() = default;
  const ConvShape& shape() const { return shape_; }

  // Bytes of scratch memory that run() needs with a pool of `threads` threads, for any batch.
  int64_t workspace_bytes(int threads = 1) const { return threads * thread_bytes(); }

 protected:
  // The arguments of one call of run().
  struct Work {
    const char* x;
    int64_t images, out_rows;  // as the slab sees them: a pointwise layer has one image of a pixel a row
    const Epilogue& epilogue;
    const ConvOutputs& out;
  };
  // Some output rows of an image, and some panels; with several groups, all panels.
  struct Block {
    int64_t image;
    PartRange rows, panels;
  };
  // The pixels of a block: where their windows begin in the slab, and their rows in the table of offsets.
  struct BlockPixels {
    const void** addresses;
    int64_t* offset_rows;
    void* panel;           // panel_scratch_bytes_ of memory for this thread
    int64_t first, count;  // indices in the output, through the whole batch
  };
  struct Units {
    int64_t unit_bytes = 0, tap_units = 0;  // units of a tap and group, in the slab
    int64_t input_pixel_bytes = 0;          // bytes of a pixel and plane
    int64_t planes = 1;
    bool input_is_units = false;  // the input can serve as the slab
    int64_t slab_bytes = 0;       // limit, unless a single row is larger
    bool depthwise = false;       // a unit is one tap of all channels; tiles see a single group
  };

  SlabConvolution() = default;
  SlabConvolution(SlabConvolution&&) = default;
  SlabConvolution& operator=(SlabConvolution&&) = default;

  // Panels of at most max_vectors vectors; tile_pixels as in BinaryTiles.
  void set_geometry(const ConvShape& shape, const Units& units, int64_t lanes, int max_vectors,
                    const int* tile_pixels);
  void run_blocks(const void* x, int64_t batch, const Epilogue& epilogue, const ConvOutputs& out,
                  void* workspace, ThreadPool* pool) const;

  // Writes `count` pixels of the input, `step` apart, as units of the slab.
  virtual void expand_pixels(const char* x, int64_t step, int64_t count, int64_t plane, char* out) const = 0;
  virtual void run_panel(const Work& work, int64_t group, int64_t panel, const BlockPixels& pixels) const = 0;

  // Tiles of nearly the same size (a last one of a single pixel would be slow), in strips that the epilogue
  // takes with one call. count(first pixel, pixels, sums) makes the sums of a tile.
  template <class Value, class Count, class RunEpilogue>
  void run_strips(const Work& work, const BlockPixels& pixels, int64_t panel, EpilogueTile strip, Count count,
                  RunEpilogue run_epilogue) const {
    alignas(kAlignment) Value sums[kStripValues];
    const int64_t tile_pixels = tile_pixels_[static_cast<size_t>(panel_vectors(panel) - 1)];
    const int64_t tiles = (pixels.count + tile_pixels - 1) / tile_pixels;
    const int64_t smaller = pixels.count / tiles, larger_tiles = pixels.count % tiles;
    const int64_t strip_tiles = kStripValues / (tile_pixels * strip.lanes);
    strip.sums = sums;
    for (int64_t tile = 0, p = 0; tile < tiles;) {
      const int64_t end = std::min(tile + strip_tiles, tiles), begin = p;
      for (Value* to = sums; tile < end; ++tile) {
        const int64_t size = smaller + (tile < larger_tiles ? 1 : 0);
        count(p, size, to);
        to += size * strip.lanes;
        p += size;
      }
      strip.pixels = p - begin;
      strip.first_pixel = pixels.first + begin;
      strip.offset_rows = pixels.offset_rows + begin;
      run_epilogue(strip, work.epilogue, work.out);
    }
  }
  // The strips of a panel, without what changes from strip to strip.
  EpilogueTile panel_strip(int64_t group, int64_t panel) const;

  int64_t panel_lanes() const { return panel_vectors_ * lanes_; }
  int64_t groups() const { return units_.depthwise ? 1 : shape_.groups; }
  int64_t group_outputs() const { return shape_.out_channels / groups(); }
  int64_t panels() const { return (group_outputs() + panel_lanes() - 1) / panel_lanes(); }
  int64_t panel_vectors(int64_t panel) const;  // the last panel may be narrower
  int64_t window_units() const { return shape_.taps() * units_.tap_units; }

  // Whether every channel is a group of its own, with one output.
  static bool is_depthwise(const ConvShape& shape) {
    return shape.groups > 1 && shape.groups == shape.in_channels && shape.in_channels == shape.out_channels &&
           shape.taps() <= UINT16_MAX;
  }
  // The addresses of pixels, moved by `bytes` to the channels of a panel of a depthwise layer.
  static const void* const* shift_addresses(const void* const* pixels, int64_t count, int64_t bytes,
                                            const void** shifted) {
    if (bytes == 0) return pixels;
    for (int64_t i = 0; i < count; ++i) shifted[i] = static_cast<const char*>(pixels[i]) + bytes;
    return shifted;
  }

  ConvShape shape_;
  Units units_;
  SlabLayout layout_;
  bool pointwise_ = false;           // the pixels of a batch are one column
  int64_t plane_bytes_ = 0;          // from one plane of a slab to the next
  int64_t panel_scratch_bytes_ = 0;  // memory that run_panel needs in each thread
  AlignedArray<uint8_t> pad_;        // one pixel outside the image, as tiles read it
  // By row and column of the output: their sum is where a pixel finds its row in the table of offsets.
  std::vector<int64_t> offset_row_by_row_, offset_row_by_column_;

 private:
  // So many sums that calling the epilogue for a strip costs little.
  static constexpr int64_t kStripValues = kMaxTilePixels * kMaxPanelLanes;

  int64_t out_width() const { return pointwise_ ? 1 : shape_.out_width(); }
  void make_layout();
  int64_t choose_block_rows(int64_t tile) const;
  int64_t thread_bytes() const;
  int64_t max_panel_parts() const;
  const char* fill_slab(const Work& work, const Block& block, char* slab) const;
  void fill_row(const char* row, int64_t plane, char* slab) const;
  void place_pixels(const Block& block, const char* slab, const BlockPixels& pixels) const;
  void run_block(const Work& work, const Block& block, char* scratch) const;

  int64_t lanes_ = 1;
  int64_t panel_vectors_ = 1;
  std::vector<int> tile_pixels_;  // pixels of the largest tile, by vectors - 1
  int64_t max_block_rows_ = 1;    // output rows whose slab stays in the cache
};

}  // namespace bmx
