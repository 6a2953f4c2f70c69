// A slab: the input rows that a block of output rows needs, with padding around them, in the units that the
// tiles read. The tiles of all panels run over one slab while it is in the cache.
//
// Slab pixels are [rows][columns], `pixel_bytes` each. If nothing has to be padded, skipped or expanded, the
// slab is the input itself.
#pragma once

#include <cstdint>
#include <vector>

#include "convolution/conv_shape.h"
#include "microkernels/tiles.h"

namespace bmx {

// One axis of a convolution as the slab sees it. An axis with a single tap has stride 1 there: the positions
// between are not copied.
struct SlabAxis {
  SlabAxis() = default;
  SlabAxis(int64_t in, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation, int64_t out);

  int64_t in = 1, pad = 0, step = 1;  // slab position p is input position p * step - pad
  int64_t stride = 1, extent = 1;     // stride and extent of the window, in slab positions
  int64_t out = 1;

  int64_t positions(int64_t outputs) const { return (outputs - 1) * stride + extent; }
};

struct SlabLayout {
  SlabAxis rows, columns;
  int64_t pixel_bytes = 0;
  int64_t row_bytes = 0;
  bool is_input = false;  // the slab is the input itself

  int64_t bytes(int64_t out_rows) const { return rows.positions(out_rows) * row_bytes; }
  int64_t out_pixel_offset(int64_t out_row, int64_t out_column) const {
    return out_row * rows.stride * row_bytes + out_column * columns.stride * pixel_bytes;
  }
};

struct UnitLimits {
  int64_t unit_bytes = 0;
  int64_t narrow_units = 0, wide_units = 0;  // as in BinaryTiles
};

// The window of `tap_units` units per tap, as few spans as possible. No stretch of spans between two
// widenings is longer than narrow_units, no span longer than wide_units.
std::vector<Span> window_spans(const ConvShape& shape, const SlabLayout& layout, int64_t tap_units,
                               const UnitLimits& limits);

// How the output rows of a batch are cut into blocks, and the panels of a block into parts, so that every
// thread of the pool finds the same amount of work.
struct WorkSplit {
  int64_t blocks_per_image = 1, block_rows = 1;
  int64_t panel_parts = 1;

  int64_t items(int64_t images) const { return images * blocks_per_image * panel_parts; }
};
WorkSplit split_work(int64_t images, int64_t out_rows, int64_t max_block_rows, int64_t max_panel_parts,
                     int threads);

// Part `index` of `parts` of the range [0, total).
struct PartRange {
  int64_t begin, end;
};
inline PartRange part_range(int64_t total, int64_t parts, int64_t index) {
  return {total * index / parts, total * (index + 1) / parts};
}

}  // namespace bmx
