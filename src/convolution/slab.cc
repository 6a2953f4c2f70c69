#include "convolution/slab.h"

#include <algorithm>

namespace bmx {

SlabAxis::SlabAxis(int64_t in_size, int64_t kernel, int64_t window_stride, int64_t padding, int64_t dilation,
                   int64_t outputs)
    : in(in_size), pad(padding), out(outputs) {
  extent = (kernel - 1) * dilation + 1;
  step = kernel == 1 ? window_stride : 1;
  stride = kernel == 1 ? 1 : window_stride;
}

namespace {

// Taps that follow each other without a gap are one span.
std::vector<Span> merged_spans(const ConvShape& shape, const SlabLayout& layout, int64_t tap_units,
                               int64_t unit_bytes) {
  std::vector<Span> spans;
  for (int64_t kh = 0; kh < shape.kernel_height; ++kh) {
    for (int64_t kw = 0; kw < shape.kernel_width; ++kw) {
      const int64_t offset =
          kh * shape.dilation_height * layout.row_bytes + kw * shape.dilation_width * layout.pixel_bytes;
      if (!spans.empty() && spans.back().offset + spans.back().units * unit_bytes == offset) {
        spans.back().units += static_cast<int32_t>(tap_units);
      } else {
        spans.push_back({offset, static_cast<int32_t>(tap_units), 0});
      }
    }
  }
  return spans;
}

}  // namespace

std::vector<Span> window_spans(const ConvShape& shape, const SlabLayout& layout, int64_t tap_units,
                               const UnitLimits& limits) {
  const std::vector<Span> merged = merged_spans(shape, layout, tap_units, limits.unit_bytes);
  const int64_t longest = limits.narrow_units != 0 ? limits.narrow_units : limits.wide_units;
  if (longest == 0) return merged;
  std::vector<Span> spans;
  int64_t counted = 0;  // units since the last widening
  for (const Span& span : merged) {
    const int64_t pieces = (span.units + longest - 1) / longest;
    for (int64_t i = 0; i < pieces; ++i) {
      const PartRange part = part_range(span.units, pieces, i);
      const int64_t units = part.end - part.begin;
      if (limits.narrow_units != 0 && counted + units > longest) {
        spans.back().widen = 1;
        counted = 0;
      }
      spans.push_back({span.offset + part.begin * limits.unit_bytes, static_cast<int32_t>(units), 0});
      counted += units;
    }
  }
  return spans;
}

WorkSplit split_work(int64_t images, int64_t out_rows, int64_t max_block_rows, int64_t max_panel_parts,
                     int threads) {
  WorkSplit split;
  split.blocks_per_image = (out_rows + max_block_rows - 1) / max_block_rows;
  if (threads > 1) {
    // As many equal blocks as threads, or a multiple; where rows are too few or do not divide, panels are
    // split.
    const int64_t blocks = (images * split.blocks_per_image + threads - 1) / threads * threads;
    const int64_t wanted = (blocks + images - 1) / images;
    if (wanted <= out_rows && (out_rows % wanted == 0 || out_rows >= 8 * wanted)) {
      split.blocks_per_image = wanted;
    } else {
      const int64_t items = images * split.blocks_per_image;
      if (items % threads != 0 && items < 8 * threads) {
        split.panel_parts = std::min<int64_t>(max_panel_parts, threads);
        if (split.panel_parts == 1) split.blocks_per_image = std::min(wanted, out_rows);
      }
    }
  }
  split.block_rows = (out_rows + split.blocks_per_image - 1) / split.blocks_per_image;
  split.blocks_per_image = (out_rows + split.block_rows - 1) / split.block_rows;
  return split;
}

}  // namespace bmx
