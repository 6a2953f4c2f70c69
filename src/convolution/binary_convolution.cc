#include "convolution/binary_convolution.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/bits.h"

namespace bmx {
namespace {

// A slab shares the first-level cache with the panel that is being multiplied.
constexpr int64_t kSlabBytes = 32 * 1024;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Copies `count` bits from bit `first` on.
void copy_bits(const uint64_t* x, int64_t first, int64_t count, uint64_t* out) {
  const int64_t shift = first % kWordBits;
  const uint64_t* from = x + first / kWordBits;
  for (int64_t w = 0; w < words_for(count); ++w) {
    out[w] = from[w] >> shift;
    if (shift != 0 && (w + 1) * kWordBits - shift < count) out[w] |= from[w + 1] << (kWordBits - shift);
  }
  out[words_for(count) - 1] &= tail_mask(count);
}

Status no_memory() { return {Code::kOutOfMemory, "convolution: not enough memory for the repacked weights"}; }

}  // namespace

Result<BinaryConvolution> BinaryConvolution::create(const ConvShape& shape, int pad_value,
                                                    const uint64_t* weights, const Kernels& kernels,
                                                    Planes inputs, Planes weight_planes) {
  BMX_RETURN_IF_ERROR(shape.validate());
  BMX_RETURN_IF_ERROR(check_planes(shape, pad_value, inputs, weight_planes));
  BinaryConvolution c(shape, kernels, inputs, weight_planes);
  c.panels_ = AlignedArray<uint8_t>(static_cast<size_t>(c.groups() * c.panels() * c.panel_bytes()));
  c.pad_ = AlignedArray<uint8_t>(static_cast<size_t>(c.layout_.pixel_bytes));
  if (c.panels_.data() == nullptr || c.pad_.data() == nullptr) return no_memory();
  if (c.units_.depthwise) {
    c.pack_depthwise_weights(weights);
  } else {
    c.pack_weights(weights);
  }
  c.pack_pad(pad_value);
  if (!c.make_offsets(weights, pad_value)) return no_memory();
  return c;
}

BinaryConvolution::BinaryConvolution(const ConvShape& shape, const Kernels& kernels, Planes inputs,
                                     Planes weight_planes)
    : inputs_(inputs), weight_planes_(weight_planes), kernels_(&kernels) {
  const bool weight_signs = weight_planes.values == BitValues::kSigns;
  product_ = weight_signs ? BitProduct::kXor : BitProduct::kAnd;
  multiplier_ = (weight_signs ? -1 : 1) * (inputs.values == BitValues::kSigns ? 2 : 1);
  choose_layout(shape);
  make_parts();
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
  if (shape.depth() > INT32_MAX / (inputs.largest() * weight_planes.largest())) {
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

// The window as stretches that the wide sums can hold. Marks the last span of each.
std::vector<BinaryConvolution::Part> BinaryConvolution::stretches_of(std::vector<Span>* window) const {
  const int64_t limit = tiles_->wide_units != 0 ? tiles_->wide_units : INT64_MAX;
  std::vector<Part> stretches;
  int64_t units = 0, first_unit = 0;
  for (size_t s = 0; s < window->size(); ++s) {
    const int64_t next = (*window)[s].units;
    if (s == 0 || units + next > limit) {
      if (s != 0) (*window)[s - 1].widen = 1;
      stretches.push_back({static_cast<int64_t>(s), 0, 0, first_unit, 0, false});
      units = 0;
    }
    units += next;
    first_unit += next;
    ++stretches.back().span_count;
  }
  window->back().widen = 1;
  return stretches;
}

void BinaryConvolution::make_parts() {
  std::vector<Span> window = window_spans(shape_, layout_, units_.depthwise ? 1 : units_.tap_units,
                                          {tiles_->unit_bytes, tiles_->narrow_units, tiles_->wide_units});
  const std::vector<Part> stretches = stretches_of(&window);
  for (int i = 0; i < inputs_.count; ++i) {
    for (Span span : window) {
      span.offset += i * plane_bytes_;
      spans_.push_back(span);
    }
  }
  // A plane of weights, the larger operand, stays in the cache for all planes of a tile's pixels.
  for (int j = 0; j < weight_planes_.count; ++j) {
    for (int i = 0; i < inputs_.count; ++i) {
      for (Part part : stretches) {
        part.first_span += i * static_cast<int64_t>(window.size());
        part.weight_plane = j;
        part.shift = i + j;
        part.subtract = weight_planes_.is_negative(j);
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

// Writes from front to back, because a file of weights must load quickly; each lane's current word is kept at
// hand while its units are written.
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

int64_t BinaryConvolution::packed_bytes() const {
  return static_cast<int64_t>(panels_.size() + pad_.size() + offsets_.size() * sizeof(int32_t));
}

void BinaryConvolution::run(const uint64_t* x, int64_t batch, const Epilogue& epilogue,
                            const ConvOutputs& out, void* workspace, ThreadPool* pool) const {
  run_blocks(x, batch, epilogue, out, workspace, pool);
}

void BinaryConvolution::expand_units(const uint64_t* bits, int64_t units, char* out) const {
  if (tiles_->expand != nullptr) return tiles_->expand(bits, units, out);
  std::memcpy(out, bits, static_cast<size_t>(units * tiles_->unit_bytes));
}

// One pixel whose groups do not begin at units.
void BinaryConvolution::expand_groups(const uint64_t* pixel, char* out) const {
  constexpr int64_t kChunk = 16;  // words
  const BinaryTiles& tiles = *tiles_;
  for (int64_t g = 0; g < shape_.groups; ++g, out += units_.tap_units * tiles.unit_bytes) {
    uint64_t group[kChunk];
    for (int64_t u = 0; u < units_.tap_units; u += kChunk * kWordBits / tiles.unit_bits) {
      const int64_t first = u * tiles.unit_bits;
      const int64_t bits = std::min(shape_.group_inputs() - first, kChunk * kWordBits);
      copy_bits(pixel, g * shape_.group_inputs() + first, bits, group);
      expand_units(group, ceil_div(bits, tiles.unit_bits), out + u * tiles.unit_bytes);
    }
  }
}

void BinaryConvolution::expand_pixels(const char* pixels, int64_t step, int64_t count, int64_t plane,
                                      char* out) const {
  const int64_t words = words_for(shape_.in_channels), pixel_words = words * inputs_.count;
  const auto* x = reinterpret_cast<const uint64_t*>(pixels) + plane * words;
  const int64_t pixel_units = groups() * units_.tap_units;
  const bool whole = groups() == 1 || shape_.group_inputs() % tiles_->unit_bits == 0;
  if (whole && step == 1 && inputs_.count == 1 && pixel_units * tiles_->unit_bits == words * kWordBits) {
    return expand_units(x, count * pixel_units, out);
  }
  for (int64_t p = 0; p < count; ++p, x += step * pixel_words, out += layout_.pixel_bytes) {
    if (whole) {
      expand_units(x, pixel_units, out);
    } else {
      expand_groups(x, out);
    }
  }
}

void BinaryConvolution::run_panel(const Work& work, int64_t group, int64_t panel,
                                  const BlockPixels& pixels) const {
  const char* weights =
      reinterpret_cast<const char*>(panels_.data()) + (group * panels() + panel) * panel_bytes();
  const BinaryTile* by_pixels = tiles_->tile[static_cast<int>(product_)][panel_vectors(panel) - 1];
  const Part& part = parts_[0];
  const Span* spans = spans_.data() + part.first_span;
  const bool several = parts_.size() > 1;
  EpilogueTile strip = panel_strip(group, panel);
  strip.offsets = offsets_.data() + (group * panels() + panel) * panel_lanes();
  strip.multiplier = multiplier_;
  const int64_t channel_bytes = units_.depthwise ? panel * tiles_->unit_bytes : 0;
  const auto count = [&](int64_t first, int64_t size, int32_t* sums) {
    const BinaryTile tile = by_pixels[size - 1];
    const void* shifted[kMaxTilePixels];
    const void* const* addresses = shift_addresses(pixels.addresses + first, size, channel_bytes, shifted);
    tile(addresses, spans, part.span_count, weights, sums);
    if (several) add_parts(tile, addresses, weights, strip.lanes, size * strip.lanes, sums);
  };
  run_strips<int32_t>(work, pixels, panel, strip, count, kernels_->epilogue_i32);
}

// Adds the counts of the parts after the first, each with its weight. The first is never a negative one.
void BinaryConvolution::add_parts(BinaryTile count_tile, const void* const* pixels, const char* weights,
                                  int64_t lanes, int64_t size, int32_t* sums) const {
  alignas(kAlignment) int32_t counts[kMaxTilePixels * kMaxPanelLanes];
  for (size_t i = 1; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    const int64_t unit = part.weight_plane * window_units() + part.first_unit;
    count_tile(pixels, spans_.data() + part.first_span, part.span_count,
               weights + unit * lanes * tiles_->weight_bytes, counts);
    kernels_->add_shifted(counts, size, part.shift, part.subtract, sums);
  }
}

}  // namespace bmx
