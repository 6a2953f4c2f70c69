#include "convolution/slab_convolution.h"

#include <cstring>

#include "base/bits.h"

namespace bmx {
namespace {

constexpr int64_t kPlaneGap = 9 * int64_t{kAlignment};

int64_t aligned_bytes(int64_t bytes) {
  return static_cast<int64_t>(round_up(static_cast<size_t>(bytes), kAlignment));
}

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

bool is_pointwise(const ConvShape& s) {
  return s.taps() == 1 && s.stride_height == 1 && s.stride_width == 1 && s.pad_height == 0 &&
         s.pad_width == 0;
}

}  // namespace

void SlabConvolution::set_geometry(const ConvShape& shape, const Units& units, int64_t lanes, int max_vectors,
                                   const int* tile_pixels) {
  shape_ = shape;
  units_ = units;
  lanes_ = lanes;
  panel_vectors_ = std::min<int64_t>(max_vectors, ceil_div(group_outputs(), lanes));
  tile_pixels_.assign(tile_pixels, tile_pixels + max_vectors);
  pointwise_ = is_pointwise(shape);
  make_layout();
  max_block_rows_ = choose_block_rows(tile_pixels[panel_vectors(0) - 1]);
  plane_bytes_ = aligned_bytes(layout_.bytes(max_block_rows_));
  // Planes a power of two apart would take each other's places in the first-level cache.
  if (units.planes > 1) plane_bytes_ += kPlaneGap;
}

void SlabConvolution::make_layout() {
  const ConvShape& s = shape_;
  layout_.rows = SlabAxis(s.in_height, s.kernel_height, s.stride_height, s.pad_height, s.dilation_height,
                          s.out_height());
  layout_.columns =
      SlabAxis(s.in_width, s.kernel_width, s.stride_width, s.pad_width, s.dilation_width, s.out_width());
  layout_.is_input = units_.input_is_units && units_.planes == 1 && s.pad_height == 0 && s.pad_width == 0 &&
                     layout_.rows.step == 1 && layout_.columns.step == 1;
  layout_.pixel_bytes =
      layout_.is_input ? units_.input_pixel_bytes : groups() * units_.tap_units * units_.unit_bytes;
  layout_.row_bytes =
      (layout_.is_input ? s.in_width : layout_.columns.positions(s.out_width())) * layout_.pixel_bytes;
  if (pointwise_) {
    layout_.rows = layout_.columns = SlabAxis();
    layout_.row_bytes = layout_.pixel_bytes;
  }
}

// The output rows of a block: as many as a slab of slab_bytes serves, in whole tiles where that is possible.
int64_t SlabConvolution::choose_block_rows(int64_t tile) const {
  const int64_t most = pointwise_ ? INT64_MAX : shape_.out_height(), most_pixels = units_.slab_bytes / 16;
  int64_t rows = 1;
  while (rows < most && layout_.bytes(rows + 1) * units_.planes <= units_.slab_bytes &&
         rows * out_width() < most_pixels) {
    ++rows;
  }
  return rows < most && rows >= tile ? rows - rows % tile : rows;
}

int64_t SlabConvolution::panel_vectors(int64_t panel) const {
  const int64_t rest = group_outputs() - panel * panel_lanes();
  return ceil_div(std::min(rest, panel_lanes()), lanes_);
}

EpilogueTile SlabConvolution::panel_strip(int64_t group, int64_t panel) const {
  EpilogueTile strip;
  strip.lanes = panel_vectors(panel) * lanes_;
  strip.outputs = std::min(panel_lanes(), group_outputs() - panel * panel_lanes());
  strip.first_channel = group * group_outputs() + panel * panel_lanes();
  strip.channels = shape_.out_channels;
  return strip;
}

int64_t SlabConvolution::thread_bytes() const {
  const int64_t pixels = max_block_rows_ * out_width();
  return (layout_.is_input ? 0 : units_.planes * plane_bytes_) +
         aligned_bytes(pixels * int64_t{sizeof(void*)}) + aligned_bytes(pixels * int64_t{sizeof(int64_t)}) +
         aligned_bytes(panel_scratch_bytes_);
}

// Parts begin at whole words of bits, so that threads never write to the same word.
int64_t SlabConvolution::max_panel_parts() const {
  if (groups() > 1) return 1;
  return std::max<int64_t>(1,
                           words_for(shape_.out_channels) * kWordBits / std::max(panel_lanes(), kWordBits));
}

void SlabConvolution::run_blocks(const void* x, int64_t batch, const Epilogue& epilogue,
                                 const ConvOutputs& out, void* workspace, ThreadPool* pool) const {
  if (batch == 0) return;
  const int64_t out_rows = pointwise_ ? batch * shape_.in_height * shape_.in_width : shape_.out_height();
  const Work work{static_cast<const char*>(x), pointwise_ ? 1 : batch, out_rows, epilogue, out};
  const WorkSplit split =
      split_work(work.images, out_rows, max_block_rows_, max_panel_parts(), thread_count(pool));
  const int64_t step = std::max<int64_t>(1, kWordBits / panel_lanes());  // panels of a word of bits
  parallel_for(pool, split.items(work.images), [&](int64_t item, int thread) {
    const int64_t part = item % split.panel_parts, block = item / split.panel_parts;
    const int64_t first = block % split.blocks_per_image * split.block_rows;
    const PartRange words = part_range(ceil_div(panels(), step), split.panel_parts, part);
    run_block(work,
              {block / split.blocks_per_image,
               {first, std::min(first + split.block_rows, out_rows)},
               {words.begin * step, std::min(words.end * step, panels())}},
              static_cast<char*>(workspace) + thread * thread_bytes());
  });
}

// Fills a row of the slab from a row of the input; null: with padding.
void SlabConvolution::fill_row(const char* row, int64_t plane, char* slab) const {
  const SlabAxis& axis = layout_.columns;
  const int64_t positions = axis.positions(axis.out);
  const auto pad = [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      std::memcpy(slab + p * layout_.pixel_bytes, pad_.data(), static_cast<size_t>(layout_.pixel_bytes));
    }
  };
  if (row == nullptr) return pad(0, positions);
  const int64_t begin = std::min(positions, ceil_div(axis.pad, axis.step));
  const int64_t end = std::clamp((axis.in - 1 + axis.pad) / axis.step + 1, begin, positions);
  pad(0, begin);
  const int64_t first = begin * axis.step - axis.pad;
  expand_pixels(row + first * units_.input_pixel_bytes * units_.planes, axis.step, end - begin, plane,
                slab + begin * layout_.pixel_bytes);
  pad(end, positions);
}

// Returns where slab row 0 lies.
const char* SlabConvolution::fill_slab(const Work& work, const Block& block, char* slab) const {
  const int64_t row_bytes = (pointwise_ ? 1 : shape_.in_width) * units_.input_pixel_bytes * units_.planes;
  const char* image = work.x + block.image * shape_.in_height * row_bytes;
  const int64_t count = layout_.rows.positions(block.rows.end - block.rows.begin);
  const int64_t first = block.rows.begin * layout_.rows.stride;
  if (layout_.is_input) return image + first * row_bytes;
  for (int64_t plane = 0; plane < units_.planes; ++plane) {
    char* rows = slab + plane * plane_bytes_;
    if (pointwise_) {
      expand_pixels(image + first * row_bytes, 1, count, plane, rows);
      continue;
    }
    for (int64_t r = 0; r < count; ++r) {
      const int64_t row = (first + r) * layout_.rows.step - layout_.rows.pad;
      const bool inside = row >= 0 && row < shape_.in_height;
      fill_row(inside ? image + row * row_bytes : nullptr, plane, rows + r * layout_.row_bytes);
    }
  }
  return slab;
}

// Finds the windows of a block's pixels in its slab and their rows in the table of offsets.
void SlabConvolution::place_pixels(const Block& block, const char* slab, const BlockPixels& pixels) const {
  int64_t p = 0;
  for (int64_t row = block.rows.begin; row < block.rows.end; ++row) {
    const int64_t offset_row = offset_row_by_row_[static_cast<size_t>(pointwise_ ? 0 : row)];
    const char* address = slab + (row - block.rows.begin) * layout_.rows.stride * layout_.row_bytes;
    for (int64_t column = 0; column < out_width(); ++column, ++p) {
      pixels.addresses[p] = address;
      pixels.offset_rows[p] = offset_row + offset_row_by_column_[static_cast<size_t>(column)];
      address += layout_.columns.stride * layout_.pixel_bytes;
    }
  }
}

void SlabConvolution::run_block(const Work& work, const Block& block, char* scratch) const {
  const int64_t width = out_width(), most = max_block_rows_ * width;
  BlockPixels pixels;
  pixels.addresses = reinterpret_cast<const void**>(scratch);
  scratch += aligned_bytes(most * int64_t{sizeof(void*)});
  pixels.offset_rows = reinterpret_cast<int64_t*>(scratch);
  scratch += aligned_bytes(most * int64_t{sizeof(int64_t)});
  pixels.panel = scratch;
  scratch += aligned_bytes(panel_scratch_bytes_);
  pixels.first = (block.image * work.out_rows + block.rows.begin) * width;
  pixels.count = (block.rows.end - block.rows.begin) * width;
  place_pixels(block, fill_slab(work, block, scratch), pixels);
  if (block.panels.end == panels()) {
    clear_bit_tails(work.out.bits, pixels.first, pixels.count, shape_.out_channels);
  }
  for (int64_t g = 0; g < groups(); ++g) {
    for (int64_t panel = block.panels.begin; panel < block.panels.end; ++panel)
      run_panel(work, g, panel, pixels);
    for (int64_t i = 0; i < pixels.count; ++i) {
      pixels.addresses[i] =
          static_cast<const char*>(pixels.addresses[i]) + units_.tap_units * units_.unit_bytes;
    }
  }
}

}  // namespace bmx
