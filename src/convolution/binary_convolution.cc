#include "convolution/binary_convolution.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "base/bits.h"

namespace bmx {
namespace {

// A slab shares the first-level cache with the panel that is being multiplied.
constexpr int64_t kSlabBytes = 32 * 1024;

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

// By absolute value.
int64_t largest(Planes planes) {
  if (planes.values == BitValues::kTwosComplement) return int64_t{1} << (planes.count - 1);
  return (int64_t{1} << planes.count) - 1;
}

bool is_negative(Planes planes, int64_t plane) {
  return planes.values == BitValues::kTwosComplement && plane == planes.count - 1;
}

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

Result<BinaryConvolution> BinaryConvolution::create(const ConvShape& shape, int pad_value,
                                                    const uint64_t* weights, const Kernels& kernels,
                                                    Planes inputs, Planes weight_planes) {
  BMX_RETURN_IF_ERROR(shape.validate());
  BinaryConvolution c;
  c.shape_ = shape;
  c.kernels_ = &kernels;
  BMX_RETURN_IF_ERROR(check_planes(shape, pad_value, inputs, weight_planes));
  c.inputs_ = inputs;
  c.weight_planes_ = weight_planes;
  const bool signs = inputs.values == BitValues::kSigns,
             weight_signs = weight_planes.values == BitValues::kSigns;
  c.product_ = weight_signs ? BitProduct::kXor : BitProduct::kAnd;
  c.multiplier_ = (weight_signs ? -1 : 1) * (signs ? 2 : 1);
  c.choose_layout(shape);
  c.make_parts();
  c.panels_ = AlignedArray<uint8_t>(static_cast<size_t>(c.groups() * c.panels() * c.panel_bytes()));
  c.pad_ = AlignedArray<uint8_t>(static_cast<size_t>(c.layout_.pixel_bytes));
  if (c.panels_.data() == nullptr || c.pad_.data() == nullptr) {
    return Status(Code::kOutOfMemory, "convolution: not enough memory for the repacked weights");
  }
  if (c.units_.depthwise) {
    c.pack_depthwise_weights(weights);
  } else {
    c.pack_weights(weights);
  }
  c.pack_pad(pad_value);
  c.make_bases(weights, pad_value);
  if (c.bases_.data() == nullptr) {
    return Status(Code::kOutOfMemory, "convolution: not enough memory for the repacked weights");
  }
  return c;
}

Status BinaryConvolution::check_planes(const ConvShape& shape, int pad_value, Planes inputs,
                                       Planes weight_planes) {
  const auto error = [](const std::string& message) { return invalid_argument("convolution: " + message); };
  if (pad_value < -1 || pad_value > 1)
    return error("pad_value must be 0, 1 or -1, found " + std::to_string(pad_value));
  for (const Planes& planes : {inputs, weight_planes}) {
    if (planes.count < 1 || planes.count > 8) {
      return error("the number of bit planes must be between 1 and 8, found " + std::to_string(planes.count));
    }
  }
  if (inputs.values == BitValues::kTwosComplement) return error("inputs cannot be in two's complement");
  if (weight_planes.values == BitValues::kTwosComplement && weight_planes.count < 2)
    return error("weights in two's complement need at least 2 bit planes, found 1");
  if (pad_value != 0 && (inputs.count > 1 || inputs.values == BitValues::kZeroOne)) {
    return error("pad_value must be 0 for inputs of several bit planes or of 0/1 bits, found " +
                 std::to_string(pad_value));
  }
  if (shape.depth() > INT32_MAX / (largest(inputs) * largest(weight_planes))) {
    return error("sums must stay below 2147483648, found " + std::to_string(shape.depth()) + " products of " +
                 std::to_string(inputs.count) + " and " + std::to_string(weight_planes.count) + " bits");
  }
  return {};
}

void BinaryConvolution::choose_layout(const ConvShape& shape) {
  Units units;
  units.depthwise = is_depthwise(shape) && inputs_.count == 1 && weight_planes_.count == 1;
  tiles_ = units.depthwise ? &kernels_->depthwise_binary : &kernels_->binary;
  const BinaryTiles& tiles = *tiles_;
  units.unit_bytes = tiles.unit_bytes;
  units.tap_units =
      units.depthwise ? words_for(shape.in_channels) : ceil_div(shape.group_inputs(), tiles.unit_bits);
  units.input_pixel_bytes = words_for(shape.in_channels) * kWordBits / 8;
  units.planes = inputs_.count;
  units.input_is_units = tiles.expand == nullptr && (units.depthwise || shape.groups == 1 ||
                                                     shape.group_inputs() % tiles.unit_bits == 0);
  units.slab_bytes = kSlabBytes;
  set_geometry(shape, units, tiles.lanes, tiles.max_vectors, tiles.pixels);
}

void BinaryConvolution::make_parts() {
  const BinaryTiles& tiles = *tiles_;
  std::vector<Run> window = window_runs(shape_, layout_, units_.depthwise ? 1 : units_.tap_units,
                                        {tiles.unit_bytes, tiles.narrow_units, tiles.wide_units});
  // The window as stretches that the wide sums can hold.
  std::vector<Part> stretches;
  int64_t units = 0, first_unit = 0;
  for (size_t r = 0; r < window.size(); ++r) {
    const int64_t next = window[r].units;
    if (r == 0 || (tiles.wide_units != 0 && units + next > tiles.wide_units)) {
      if (r != 0) window[r - 1].widen = 1;
      stretches.push_back({static_cast<int64_t>(r), 0, 0, first_unit, 0, false});
      units = 0;
    }
    units += next;
    first_unit += next;
    ++stretches.back().run_count;
  }
  window.back().widen = 1;
  for (int i = 0; i < inputs_.count; ++i) {
    for (Run run : window) {
      run.offset += i * plane_bytes_;
      runs_.push_back(run);
    }
  }
  // A plane of weights, the larger operand, stays in the cache for all planes of a tile's pixels.
  for (int j = 0; j < weight_planes_.count; ++j) {
    for (int i = 0; i < inputs_.count; ++i) {
      for (Part part : stretches) {
        part.first_run += i * static_cast<int64_t>(window.size());
        part.weight_plane = j;
        part.shift = i + j;
        part.subtract = is_negative(weight_planes_, j);
        parts_.push_back(part);
      }
    }
  }
}

int64_t BinaryConvolution::panel_bytes() const {
  if (units_.depthwise) return shape_.taps() * tiles_->weight_bytes;
  return weight_planes_.count * window_units() * panel_lanes() * tiles_->weight_bytes;
}

// Bit c of word [panel][tap] is the weight of channel 64 * panel + c.
void BinaryConvolution::pack_depthwise_weights(const uint64_t* weights) {
  auto* words = reinterpret_cast<uint64_t*>(panels_.data());
  for (int64_t o = 0; o < shape_.out_channels; ++o) {
    for (int64_t tap = 0; tap < shape_.taps(); ++tap) {
      words[o / kWordBits * shape_.taps() + tap] |= *weights++ << (o % kWordBits);
    }
  }
}

// Units of a panel lie [weight plane][unit][lanes of the panel]; a narrower last panel has fewer lanes.
void BinaryConvolution::pack_weights(const uint64_t* weights) {
  for (int64_t group = 0; group < groups(); ++group) {
    for (int64_t panel = 0; panel < panels(); ++panel) {
      switch (tiles_->weight_bytes) {
        case 1:
          pack_panel<uint8_t>(weights, group, panel);
          break;
        case 4:
          pack_panel<uint32_t>(weights, group, panel);
          break;
        default:
          pack_panel<uint64_t>(weights, group, panel);
      }
    }
  }
}

// Writes from front to back, because a file of weights must load quickly; a word of each lane is kept at hand
// while its units are written.
template <class Unit>
void BinaryConvolution::pack_panel(const uint64_t* weights, int64_t group, int64_t panel) {
  const int64_t bits = tiles_->unit_bits, per_word = kWordBits / bits;
  const auto mask = static_cast<Unit>(tail_mask(bits % kWordBits));
  const int64_t lanes = panel_vectors(panel) * tiles_->lanes, first = panel * panel_lanes();
  const int64_t used = std::min(lanes, group_outputs() - first), row = shape_.taps() * tap_words();
  auto* unit = reinterpret_cast<Unit*>(panels_.data() + (group * panels() + panel) * panel_bytes());
  uint64_t column[kMaxPanelLanes];
  for (int64_t j = 0; j < weight_planes_.count; ++j) {
    const uint64_t* outputs = weights + (j * shape_.out_channels + group * group_outputs() + first) * row;
    for (int64_t tap = 0; tap < shape_.taps(); ++tap) {
      for (int64_t u = 0; u < units_.tap_units; ++u, unit += lanes) {
        const int64_t shift = u % per_word * bits, word = tap * tap_words() + u / per_word;
        if (shift == 0) {
          for (int64_t lane = 0; lane < used; ++lane) column[lane] = outputs[lane * row + word];
        }
        for (int64_t lane = 0; lane < used; ++lane)
          unit[lane] = static_cast<Unit>(column[lane] >> shift) & mask;
      }
    }
  }
}

void BinaryConvolution::pack_pad(int pad_value) {
  if (layout_.is_input) return;
  std::vector<uint64_t> pixel(static_cast<size_t>(words_for(shape_.in_channels)),
                              pad_value == 1 ? ~uint64_t{0} : 0);
  pixel.back() &= tail_mask(shape_.in_channels);
  expand_pixels(reinterpret_cast<const char*>(pixel.data()), 1, 1, 0, reinterpret_cast<char*>(pad_.data()));
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
  const int64_t lanes = panels() * panel_lanes(), row = groups() * lanes;
  for (int64_t& base : column_base_) base *= row;
  for (int64_t& base : row_base_) base *= row * static_cast<int64_t>(column_kinds.size());
  bases_ = AlignedArray<int32_t>(row_kinds.size() * column_kinds.size() * static_cast<size_t>(row));
  if (bases_.data() == nullptr) return;

  const int64_t words = words_for(shape_.group_inputs()), n = s.group_inputs(), inputs = largest(inputs_);
  const bool input_signs = inputs_.values == BitValues::kSigns,
             signs = weight_planes_.values == BitValues::kSigns;
  std::vector<int64_t> tap_sums(static_cast<size_t>(s.taps()));
  for (int64_t o = 0; o < s.out_channels; ++o) {
    // The sum of each tap's weights, and the base of a window that lies inside.
    int64_t base = 0;
    std::fill(tap_sums.begin(), tap_sums.end(), 0);
    for (int64_t j = 0; j < weight_planes_.count; ++j) {
      const int64_t weight = is_negative(weight_planes_, j) ? -(int64_t{1} << j) : int64_t{1} << j;
      for (int64_t tap = 0; tap < s.taps(); ++tap) {
        const int64_t ones = popcount(weights + ((j * s.out_channels + o) * s.taps() + tap) * words, words);
        tap_sums[static_cast<size_t>(tap)] += (signs ? 2 * ones - n : ones) * weight;
        base += (signs ? (input_signs ? n : ones) : (input_signs ? -ones : 0)) * weight;
      }
    }
    base *= inputs;
    int32_t* to = bases_.data() + o / group_outputs() * lanes + o % group_outputs();
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

int64_t BinaryConvolution::packed_bytes() const {
  return static_cast<int64_t>(panels_.size() + pad_.size() + bases_.size() * sizeof(int32_t));
}

void BinaryConvolution::run(const uint64_t* x, int64_t batch, const Epilogue& epilogue,
                            const ConvOutputs& out, void* workspace, ThreadPool* pool) const {
  run_blocks(x, batch, epilogue, out, workspace, pool);
}

void BinaryConvolution::expand_pixels(const char* pixels, int64_t step, int64_t count, int64_t plane,
                                      char* out) const {
  const auto* x = reinterpret_cast<const uint64_t*>(pixels);
  const BinaryTiles& tiles = *tiles_;
  const int64_t words = words_for(shape_.in_channels), pixel_words = words * inputs_.count;
  x += plane * words;
  const auto emit = [&](const uint64_t* bits, int64_t units, char* to) {
    if (tiles.expand != nullptr) return tiles.expand(bits, units, to);
    std::memcpy(to, bits, static_cast<size_t>(units * tiles.unit_bytes));
  };
  const int64_t pixel_units = groups() * units_.tap_units;
  const bool whole = groups() == 1 || shape_.group_inputs() % tiles.unit_bits == 0;
  if (whole && step == 1 && inputs_.count == 1 && pixel_units * tiles.unit_bits == words * kWordBits) {
    return emit(x, count * pixel_units, out);
  }
  for (int64_t p = 0; p < count; ++p, x += step * pixel_words) {
    if (whole) {
      emit(x, pixel_units, out);
      out += layout_.pixel_bytes;
      continue;
    }
    for (int64_t g = 0; g < shape_.groups; ++g, out += units_.tap_units * tiles.unit_bytes) {
      constexpr int64_t kChunk = 16;  // words
      uint64_t group[kChunk];
      for (int64_t u = 0; u < units_.tap_units; u += kChunk * kWordBits / tiles.unit_bits) {
        const int64_t first = u * tiles.unit_bits;
        const int64_t bits = std::min(shape_.group_inputs() - first, kChunk * kWordBits);
        copy_bits(x, g * shape_.group_inputs() + first, bits, group);
        emit(group, ceil_div(bits, tiles.unit_bits), out + u * tiles.unit_bytes);
      }
    }
  }
}

void BinaryConvolution::run_panel(const Work& work, int64_t group, int64_t panel,
                                  const BlockPixels& pixels) const {
  const char* weights =
      reinterpret_cast<const char*>(panels_.data()) + (group * panels() + panel) * panel_bytes();
  const BinaryTile* by_pixels = tiles_->tile[static_cast<int>(product_)][panel_vectors(panel) - 1];
  const Part& part = parts_[0];
  const Run* runs = runs_.data() + part.first_run;
  const bool several = parts_.size() > 1;
  FinishTile strip = panel_strip(group, panel);
  strip.bases = bases_.data() + (group * panels() + panel) * panel_lanes();
  strip.multiplier = multiplier_;
  const int64_t channel_bytes = units_.depthwise ? panel * tiles_->unit_bytes : 0;
  const auto count = [&](int64_t first, int64_t size, int32_t* sums) {
    const BinaryTile tile = by_pixels[size - 1];
    const void* shifted[kMaxTilePixels];
    const void* const* addresses = shift_addresses(pixels.addresses + first, size, channel_bytes, shifted);
    tile(addresses, runs, part.run_count, weights, sums);
    if (several) add_parts(tile, addresses, weights, strip.lanes, size * strip.lanes, sums);
  };
  run_strips<int32_t>(work, pixels, panel, strip, count, kernels_->finish_i32);
}

// Adds the counts of the parts after the first, each with its weight. The first is never a negative one.
void BinaryConvolution::add_parts(BinaryTile count_tile, const void* const* pixels, const char* weights,
                                  int64_t lanes, int64_t size, int32_t* sums) const {
  alignas(kAlignment) int32_t counts[kMaxTilePixels * kMaxPanelLanes];
  for (size_t i = 1; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    const int64_t unit = part.weight_plane * window_units() + part.first_unit;
    count_tile(pixels, runs_.data() + part.first_run, part.run_count,
               weights + unit * lanes * tiles_->weight_bytes, counts);
    kernels_->add_shifted(counts, size, part.shift, part.subtract, sums);
  }
}

}  // namespace bmx
