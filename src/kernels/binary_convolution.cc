#include "kernels/binary_convolution.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "base/bits.h"

namespace bmx {
namespace {

// Counts of a strip of tiles, which one epilogue finishes: enough that calling it costs little.
constexpr int64_t kStripCounts = kMaxTilePixels * kMaxPanelLanes;

// A slab shares the first-level cache with the panel that is being multiplied.
constexpr int64_t kSlabBytes = 32 * 1024;

int64_t aligned_bytes(int64_t bytes) {
  return static_cast<int64_t>(round_up(static_cast<size_t>(bytes), kAlignment));
}

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// `count` bits from bit `first` on.
void copy_bits(const uint64_t* x, int64_t first, int64_t count, uint64_t* out) {
  const int64_t shift = first % kWordBits;
  const uint64_t* from = x + first / kWordBits;
  for (int64_t w = 0; w < words_for(count); ++w) {
    out[w] = from[w] >> shift;
    if (shift != 0 && (w + 1) * kWordBits - shift < count) out[w] |= from[w + 1] << (kWordBits - shift);
  }
  out[words_for(count) - 1] &= tail_mask(count);
}

int64_t popcount(const uint64_t* words, int64_t count) {
  int64_t ones = 0;
  for (int64_t w = 0; w < count; ++w) ones += __builtin_popcountll(words[w]);
  return ones;
}

bool is_pointwise(const ConvShape& s) {
  return s.taps() == 1 && s.stride_height == 1 && s.stride_width == 1 && s.pad_height == 0 &&
         s.pad_width == 0;
}

int64_t largest(Planes planes) { return (int64_t{1} << planes.count) - 1; }

// The different ranges of taps that lie inside the image, and which one each output position has.
std::vector<TapRange> kinds_of(const SlabAxis& axis, int64_t taps, int64_t dilation, int64_t outputs,
                               bool one_kind, std::vector<int64_t>* kind) {
  std::vector<TapRange> kinds;
  std::map<std::pair<int64_t, int64_t>, int64_t> known;
  for (int64_t o = 0; o < outputs; ++o) {
    const TapRange inside =
        one_kind ? TapRange{0, taps}
                 : taps_inside(o * axis.stride * axis.step - axis.pad, dilation, taps, axis.in);
    const auto found = known.try_emplace({inside.begin, inside.end}, static_cast<int64_t>(kinds.size()));
    if (found.second) kinds.push_back(inside);
    kind->push_back(found.first->second);
  }
  return kinds;
}

}  // namespace

// What one call of run() has.
struct BinaryConvolution::Work {
  const uint64_t* x;
  int64_t images, out_rows;  // as the slab sees them: a pointwise layer has one image of a pixel a row
  const Epilogue& epilogue;
  const ConvOutputs& out;
};

// Output rows of an image, and panels; with several groups all panels.
struct BinaryConvolution::Block {
  int64_t image;
  PartRange rows, panels;
};

Result<BinaryConvolution> BinaryConvolution::create(const ConvShape& shape, int pad_value,
                                                    const uint64_t* weights, const Kernels& kernels,
                                                    Planes inputs, Planes weight_planes) {
  BMX_RETURN_IF_ERROR(shape.validate());
  BinaryConvolution c;
  c.shape_ = shape;
  c.kernels_ = &kernels;
  BMX_RETURN_IF_ERROR(c.check_planes(pad_value, inputs, weight_planes));
  c.inputs_ = inputs;
  c.weight_planes_ = weight_planes;
  const bool signs = inputs.values == BitValues::kSigns,
             weight_signs = weight_planes.values == BitValues::kSigns;
  c.product_ = weight_signs ? BitProduct::kXor : BitProduct::kAnd;
  c.multiplier_ = (weight_signs ? -1 : 1) * (signs ? 2 : 1);
  c.choose_layout();
  c.make_parts();
  c.panels_ = AlignedArray<uint8_t>(static_cast<size_t>(shape.groups * c.panels() * c.panel_bytes()));
  c.pad_ = AlignedArray<uint8_t>(static_cast<size_t>(c.layout_.pixel_bytes));
  if (c.panels_.data() == nullptr || c.pad_.data() == nullptr) {
    return Status(Code::kOutOfMemory, "convolution: not enough memory for the repacked weights");
  }
  c.pack_weights(weights);
  c.pack_pad(pad_value);
  c.make_bases(weights, pad_value);
  if (c.bases_.data() == nullptr) {
    return Status(Code::kOutOfMemory, "convolution: not enough memory for the repacked weights");
  }
  return c;
}

Status BinaryConvolution::check_planes(int pad_value, Planes inputs, Planes weight_planes) const {
  const auto error = [](const std::string& message) { return invalid_argument("convolution: " + message); };
  if (pad_value < -1 || pad_value > 1)
    return error("pad_value must be 0, 1 or -1, found " + std::to_string(pad_value));
  for (const Planes& planes : {inputs, weight_planes}) {
    if (planes.count < 1 || planes.count > 8) {
      return error("the number of bit planes must be between 1 and 8, found " + std::to_string(planes.count));
    }
  }
  if (pad_value != 0 && (inputs.count > 1 || inputs.values == BitValues::kZeroOne)) {
    return error("pad_value must be 0 for inputs of several bit planes or of 0/1 bits, found " +
                 std::to_string(pad_value));
  }
  if (shape_.depth() > INT32_MAX / (largest(inputs) * largest(weight_planes))) {
    return error("sums must stay below 2147483648, found " + std::to_string(shape_.depth()) +
                 " products of " + std::to_string(inputs.count) + " and " +
                 std::to_string(weight_planes.count) + " bits");
  }
  return {};
}

int64_t BinaryConvolution::tap_words() const { return words_for(shape_.group_inputs()); }

void BinaryConvolution::choose_layout() {
  const BinaryTiles& tiles = kernels_->binary;
  const ConvShape& s = shape_;
  tap_units_ = ceil_div(s.group_inputs(), tiles.unit_bits);
  pointwise_ = is_pointwise(s);
  layout_.rows = SlabAxis(s.in_height, s.kernel_height, s.stride_height, s.pad_height, s.dilation_height,
                          s.out_height());
  layout_.columns =
      SlabAxis(s.in_width, s.kernel_width, s.stride_width, s.pad_width, s.dilation_width, s.out_width());
  layout_.pixel_bytes = s.groups * tap_units_ * tiles.unit_bytes;
  layout_.row_bytes = layout_.columns.positions(s.out_width()) * layout_.pixel_bytes;
  const bool units_are_bits =
      tiles.expand == nullptr && (s.groups == 1 || s.group_inputs() % tiles.unit_bits == 0);
  if (units_are_bits && inputs_.count == 1 && s.pad_height == 0 && s.pad_width == 0 &&
      layout_.rows.step == 1 && layout_.columns.step == 1) {
    layout_.is_input = true;
    layout_.pixel_bytes = words_for(s.in_channels) * kWordBits / 8;
    layout_.row_bytes = s.in_width * layout_.pixel_bytes;
  }
  if (pointwise_) {
    layout_.rows = layout_.columns = SlabAxis();
    layout_.row_bytes = layout_.pixel_bytes;
  }
  const int64_t tile = tiles.pixels[panel_vectors(0) - 1], out_width = pointwise_ ? 1 : s.out_width();
  const int64_t most = pointwise_ ? INT64_MAX : s.out_height();
  max_block_rows_ = 1;
  const auto fits = [&](int64_t rows) { return layout_.bytes(rows) * inputs_.count <= kSlabBytes; };
  while (max_block_rows_ < most && fits(max_block_rows_ + 1) &&
         max_block_rows_ * out_width < kSlabBytes / 16) {
    ++max_block_rows_;
  }
  // Whole tiles.
  if (max_block_rows_ < most && max_block_rows_ >= tile) max_block_rows_ -= max_block_rows_ % tile;
  plane_bytes_ = aligned_bytes(layout_.bytes(max_block_rows_));
}

void BinaryConvolution::make_parts() {
  const BinaryTiles& tiles = kernels_->binary;
  const std::vector<Run> window =
      window_runs(shape_, layout_, tap_units_, {tiles.unit_bytes, tiles.narrow_units, tiles.wide_units});
  for (int i = 0; i < inputs_.count; ++i) {
    for (Run run : window) {
      run.offset += i * plane_bytes_;
      runs_.push_back(run);
    }
  }
  const int64_t count = static_cast<int64_t>(window.size());
  for (int i = 0; i < inputs_.count; ++i) {
    for (int j = 0; j < weight_planes_.count; ++j) {
      Part part{i * count, 0, j, 0, i + j};
      int64_t units = 0;
      for (int64_t r = 0; r < count; ++r) {
        const int64_t next = window[static_cast<size_t>(r)].units;
        if (tiles.wide_units != 0 && units + next > tiles.wide_units) {
          parts_.push_back(part);
          part = {i * count + r, 0, j, part.first_unit + units, i + j};
          units = 0;
        }
        units += next;
        ++part.run_count;
      }
      parts_.push_back(part);
    }
  }
}

int64_t BinaryConvolution::panel_lanes() const {
  const BinaryTiles& tiles = kernels_->binary;
  return std::min<int64_t>(tiles.max_vectors, ceil_div(shape_.group_outputs(), tiles.lanes)) * tiles.lanes;
}

int64_t BinaryConvolution::panels() const { return ceil_div(shape_.group_outputs(), panel_lanes()); }

// The last panel may be narrower.
int64_t BinaryConvolution::panel_vectors(int64_t panel) const {
  const int64_t rest = shape_.group_outputs() - panel * panel_lanes();
  return ceil_div(std::min(rest, panel_lanes()), kernels_->binary.lanes);
}

int64_t BinaryConvolution::panel_bytes() const {
  return weight_planes_.count * window_units() * panel_lanes() * kernels_->binary.weight_bytes;
}

// Units of a panel lie [weight plane][unit][lanes of the panel]; a narrower last panel has fewer lanes.
void BinaryConvolution::pack_weights(const uint64_t* weights) {
  const BinaryTiles& tiles = kernels_->binary;
  const int64_t words = tap_words(), outputs = shape_.group_outputs();
  const int64_t bytes = tiles.weight_bytes, bits = tiles.unit_bits, per_word = kWordBits / bits;
  const uint64_t mask = tail_mask(bits % kWordBits);
  for (int64_t o = 0; o < shape_.out_channels; ++o) {
    const int64_t group = o / outputs, panel = o % outputs / panel_lanes(),
                  lane = o % outputs % panel_lanes();
    const int64_t lanes = panel_vectors(panel) * tiles.lanes;
    uint8_t* to = panels_.data() + (group * panels() + panel) * panel_bytes() + lane * bytes;
    for (int64_t j = 0; j < weight_planes_.count; ++j) {
      const uint64_t* taps = weights + (j * shape_.out_channels + o) * shape_.taps() * words;
      uint8_t* unit = to + j * window_units() * lanes * bytes;
      for (int64_t tap = 0; tap < shape_.taps(); ++tap, taps += words) {
        for (int64_t u = 0; u < tap_units_; ++u, unit += lanes * bytes) {
          const uint64_t value = taps[u / per_word] >> (u % per_word * bits) & mask;
          std::memcpy(unit, &value, static_cast<size_t>(bytes));
        }
      }
    }
  }
}

void BinaryConvolution::pack_pad(int pad_value) {
  if (layout_.is_input) return;
  std::vector<uint64_t> pixel(static_cast<size_t>(words_for(shape_.in_channels)),
                              pad_value == 1 ? ~uint64_t{0} : 0);
  pixel.back() &= tail_mask(shape_.in_channels);
  expand_pixels(pixel.data(), 1, 1, 0, reinterpret_cast<char*>(pad_.data()));
}

void BinaryConvolution::make_bases(const uint64_t* weights, int pad_value) {
  const ConvShape& s = shape_;
  const bool exact = pad_value == 0 && inputs_.values == BitValues::kSigns;
  const int64_t rows = pointwise_ ? 1 : s.out_height(), columns = pointwise_ ? 1 : s.out_width();
  const auto row_kinds =
      kinds_of({s.in_height, s.kernel_height, s.stride_height, s.pad_height, s.dilation_height, rows},
               s.kernel_height, s.dilation_height, rows, !exact || s.pad_height == 0, &row_base_);
  const auto column_kinds =
      kinds_of({s.in_width, s.kernel_width, s.stride_width, s.pad_width, s.dilation_width, columns},
               s.kernel_width, s.dilation_width, columns, !exact || s.pad_width == 0, &column_base_);
  const int64_t lanes = panels() * panel_lanes(), row = s.groups * lanes;
  for (int64_t& base : column_base_) base *= row;
  for (int64_t& base : row_base_) base *= row * static_cast<int64_t>(column_kinds.size());
  bases_ = AlignedArray<int32_t>(row_kinds.size() * column_kinds.size() * static_cast<size_t>(row));
  if (bases_.data() == nullptr) return;

  const int64_t words = tap_words(), n = s.group_inputs(), inputs = largest(inputs_);
  const bool input_signs = inputs_.values == BitValues::kSigns,
             signs = weight_planes_.values == BitValues::kSigns;
  std::vector<int64_t> tap_sums(static_cast<size_t>(s.taps()));
  for (int64_t o = 0; o < s.out_channels; ++o) {
    // The sum of each tap's weights, and the base of a window that lies inside.
    int64_t base = 0;
    std::fill(tap_sums.begin(), tap_sums.end(), 0);
    for (int64_t j = 0; j < weight_planes_.count; ++j) {
      for (int64_t tap = 0; tap < s.taps(); ++tap) {
        const int64_t ones = popcount(weights + ((j * s.out_channels + o) * s.taps() + tap) * words, words);
        tap_sums[static_cast<size_t>(tap)] += (signs ? 2 * ones - n : ones) << j;
        base += (signs ? (input_signs ? n : ones) : (input_signs ? -ones : 0)) << j;
      }
    }
    base *= inputs;
    int32_t* to = bases_.data() + o / s.group_outputs() * lanes + o % s.group_outputs();
    for (const TapRange& rows_inside : row_kinds) {
      for (const TapRange& columns_inside : column_kinds) {
        // Taps outside were counted as the lowest value, -inputs.
        int64_t outside = 0;
        for (int64_t tap = 0; tap < s.taps(); ++tap) {
          const int64_t kh = tap / s.kernel_width, kw = tap % s.kernel_width;
          const bool inside = rows_inside.begin <= kh && kh < rows_inside.end && columns_inside.begin <= kw &&
                              kw < columns_inside.end;
          if (!inside) outside += tap_sums[static_cast<size_t>(tap)];
        }
        *to = static_cast<int32_t>(base + inputs * outside);
        to += row;
      }
    }
  }
}

int64_t BinaryConvolution::thread_bytes() const {
  const int64_t pixels = max_block_rows_ * (pointwise_ ? 1 : shape_.out_width());
  return (layout_.is_input ? 0 : inputs_.count * plane_bytes_) +
         aligned_bytes(pixels * int64_t{sizeof(void*)}) + aligned_bytes(pixels * int64_t{sizeof(int64_t)});
}

int64_t BinaryConvolution::workspace_bytes(int threads) const { return threads * thread_bytes(); }

int64_t BinaryConvolution::packed_bytes() const {
  return static_cast<int64_t>(panels_.size() + pad_.size() + bases_.size() * sizeof(int32_t));
}

// Parts begin at whole words of bits, so that threads never write to the same word.
int64_t BinaryConvolution::max_panel_parts() const {
  if (shape_.groups > 1) return 1;
  return std::max<int64_t>(1,
                           words_for(shape_.out_channels) * kWordBits / std::max(panel_lanes(), kWordBits));
}

void BinaryConvolution::run(const uint64_t* x, int64_t batch, const Epilogue& epilogue,
                            const ConvOutputs& out, void* workspace, ThreadPool* pool) const {
  const int64_t out_rows = pointwise_ ? batch * shape_.in_height * shape_.in_width : shape_.out_height();
  const Work work{x, pointwise_ ? 1 : batch, out_rows, epilogue, out};
  if (batch == 0) return;
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

// Pixels `step` apart in the input, in the units that tiles read.
void BinaryConvolution::expand_pixels(const uint64_t* x, int64_t step, int64_t count, int64_t plane,
                                      char* out) const {
  const BinaryTiles& tiles = kernels_->binary;
  const int64_t words = words_for(shape_.in_channels), pixel_words = words * inputs_.count;
  x += plane * words;
  const auto emit = [&](const uint64_t* bits, int64_t units, char* to) {
    if (tiles.expand != nullptr) return tiles.expand(bits, units, to);
    std::memcpy(to, bits, static_cast<size_t>(units * tiles.unit_bytes));
  };
  const int64_t pixel_units = shape_.groups * tap_units_;
  const bool whole = shape_.groups == 1 || shape_.group_inputs() % tiles.unit_bits == 0;
  if (whole && step == 1 && inputs_.count == 1 && pixel_units * tiles.unit_bits == words * kWordBits) {
    return emit(x, count * pixel_units, out);
  }
  for (int64_t p = 0; p < count; ++p, x += step * pixel_words) {
    if (whole) {
      emit(x, pixel_units, out);
      out += layout_.pixel_bytes;
      continue;
    }
    for (int64_t g = 0; g < shape_.groups; ++g, out += tap_units_ * tiles.unit_bytes) {
      constexpr int64_t kChunk = 16;  // words
      uint64_t group[kChunk];
      for (int64_t u = 0; u < tap_units_; u += kChunk * kWordBits / tiles.unit_bits) {
        const int64_t first = u * tiles.unit_bits;
        const int64_t bits = std::min(shape_.group_inputs() - first, kChunk * kWordBits);
        copy_bits(x, g * shape_.group_inputs() + first, bits, group);
        emit(group, ceil_div(bits, tiles.unit_bits), out + u * tiles.unit_bytes);
      }
    }
  }
}

// One row of the slab from one row of the input, or from none.
void BinaryConvolution::fill_row(const uint64_t* row, int64_t plane, char* slab) const {
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
  expand_pixels(row + first * words_for(shape_.in_channels) * inputs_.count, axis.step, end - begin, plane,
                slab + begin * layout_.pixel_bytes);
  pad(end, positions);
}

// Returns where slab row 0 lies.
const void* BinaryConvolution::fill_slab(const Work& work, const Block& block, char* slab) const {
  const int64_t row_words =
      (pointwise_ ? 1 : shape_.in_width) * words_for(shape_.in_channels) * inputs_.count;
  const uint64_t* image = work.x + block.image * shape_.in_height * row_words;
  const int64_t count = layout_.rows.positions(block.rows.end - block.rows.begin);
  const int64_t first = block.rows.begin * layout_.rows.stride;
  if (layout_.is_input) return image + first * row_words;
  for (int64_t plane = 0; plane < inputs_.count; ++plane) {
    char* rows = slab + plane * plane_bytes_;
    if (pointwise_) {
      expand_pixels(image + first * row_words, 1, count, plane, rows);
      continue;
    }
    for (int64_t r = 0; r < count; ++r) {
      const int64_t row = (first + r) * layout_.rows.step - layout_.rows.pad;
      const bool inside = row >= 0 && row < shape_.in_height;
      fill_row(inside ? image + row * row_words : nullptr, plane, rows + r * layout_.row_bytes);
    }
  }
  return slab;
}

void BinaryConvolution::run_block(const Work& work, const Block& block, char* scratch) const {
  const int64_t width = pointwise_ ? 1 : shape_.out_width(),
                count = (block.rows.end - block.rows.begin) * width;
  const int64_t most = max_block_rows_ * width;
  auto** pixels = reinterpret_cast<const void**>(scratch);
  auto* bases = reinterpret_cast<int64_t*>(scratch + aligned_bytes(most * int64_t{sizeof(void*)}));
  char* slab_memory = reinterpret_cast<char*>(bases) + aligned_bytes(most * int64_t{sizeof(int64_t)});
  const char* slab = static_cast<const char*>(fill_slab(work, block, slab_memory));

  int64_t p = 0;
  for (int64_t row = block.rows.begin; row < block.rows.end; ++row) {
    const int64_t row_base = row_base_[static_cast<size_t>(pointwise_ ? 0 : row)];
    const char* address = slab + (row - block.rows.begin) * layout_.rows.stride * layout_.row_bytes;
    for (int64_t column = 0; column < width;
         ++column, ++p, address += layout_.columns.stride * layout_.pixel_bytes) {
      pixels[p] = address;
      bases[p] = row_base + column_base_[static_cast<size_t>(column)];
    }
  }
  if (block.panels.end == panels()) {
    const int64_t first_pixel = (block.image * work.out_rows + block.rows.begin) * width;
    clear_bit_tails(work.out.bits, first_pixel, count, shape_.out_channels);
  }
  for (int64_t g = 0; g < shape_.groups; ++g) {
    for (int64_t panel = block.panels.begin; panel < block.panels.end; ++panel) {
      run_panel(work, block, g, panel, pixels, bases);
    }
    for (int64_t i = 0; i < count; ++i) {
      pixels[i] = static_cast<const char*>(pixels[i]) + tap_units_ * kernels_->binary.unit_bytes;
    }
  }
}

void BinaryConvolution::run_panel(const Work& work, const Block& block, int64_t group, int64_t panel,
                                  const void** pixels, const int64_t* bases) const {
  const int64_t width = pointwise_ ? 1 : shape_.out_width(),
                count = (block.rows.end - block.rows.begin) * width;
  const int64_t vectors = panel_vectors(panel);
  const char* weights =
      reinterpret_cast<const char*>(panels_.data()) + (group * panels() + panel) * panel_bytes();
  const BinaryTiles& tiles = kernels_->binary;
  const BinaryTile* by_pixels = tiles.tile[static_cast<int>(product_)][vectors - 1];
  FinishTile strip;
  strip.lanes = vectors * tiles.lanes;
  strip.outputs = std::min(panel_lanes(), shape_.group_outputs() - panel * panel_lanes());
  strip.bases = bases_.data() + (group * panels() + panel) * panel_lanes();
  strip.multiplier = multiplier_;
  strip.first_channel = group * shape_.group_outputs() + panel * panel_lanes();
  strip.channels = shape_.out_channels;
  alignas(kAlignment) int32_t counts[kStripCounts];
  strip.sums = counts;
  const int64_t first_pixel = (block.image * work.out_rows + block.rows.begin) * width;
  const Part& part = parts_[0];
  const Run* runs = runs_.data() + part.first_run;
  // Tiles of nearly the same size: a last one of a single pixel would be slow.
  const int64_t tile_pixels = tiles.pixels[vectors - 1], tile_count = ceil_div(count, tile_pixels);
  const int64_t strip_tiles = kStripCounts / (tile_pixels * strip.lanes);
  for (int64_t tile = 0, p = 0; tile < tile_count;) {
    const int64_t end = std::min(tile + strip_tiles, tile_count), begin = p;
    for (int32_t* to = counts; tile < end; ++tile) {
      const int64_t next = part_range(count, tile_count, tile).end;
      const BinaryTile count_tile = by_pixels[next - p - 1];
      count_tile(pixels + p, runs, part.run_count, weights, to);
      if (parts_.size() > 1)
        add_parts(count_tile, pixels + p, weights, strip.lanes, (next - p) * strip.lanes, to);
      to += (next - p) * strip.lanes;
      p = next;
    }
    strip.pixels = p - begin;
    strip.first_pixel = first_pixel + begin;
    strip.base_offsets = bases + begin;
    kernels_->finish_i32(strip, work.epilogue, work.out);
  }
}

// Adds the counts of the parts after the first, each with its weight.
void BinaryConvolution::add_parts(BinaryTile count_tile, const void* const* pixels, const char* weights,
                                  int64_t lanes, int64_t size, int32_t* sums) const {
  alignas(kAlignment) int32_t counts[kMaxTilePixels * kMaxPanelLanes];
  for (size_t i = 1; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    const int64_t unit = part.weight_plane * window_units() + part.first_unit;
    count_tile(pixels, runs_.data() + part.first_run, part.run_count,
               weights + unit * lanes * kernels_->binary.weight_bytes, counts);
    for (int64_t j = 0; j < size; ++j) sums[j] += counts[j] << part.shift;
  }
}

}  // namespace bmx
