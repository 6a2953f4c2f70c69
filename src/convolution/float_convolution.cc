#include "convolution/float_convolution.h"

#include <algorithm>
#include <cstring>

#include "base/bits.h"

namespace bmx {
namespace {

// A slab shares the second-level cache with the panel that is being multiplied.
constexpr int64_t kSlabBytes = 128 * 1024;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

Status no_memory() { return {Code::kOutOfMemory, "convolution: not enough memory for the repacked weights"}; }

}  // namespace

FloatConvolution::FloatConvolution(const ConvShape& shape, const Kernels& kernels) : kernels_(&kernels) {
  Units units;
  units.depthwise = is_depthwise(shape);
  tiles_ = units.depthwise ? &kernels.depthwise_floats : &kernels.floats;
  units.unit_bytes = sizeof(float);
  // Depthwise tiles read whole vectors of channels.
  units.tap_units =
      units.depthwise ? ceil_div(shape.in_channels, tiles_->lanes) * tiles_->lanes : shape.group_inputs();
  units.input_pixel_bytes = shape.in_channels * int64_t{sizeof(float)};
  units.input_is_units = units.tap_units * (units.depthwise ? 1 : shape.groups) == shape.in_channels;
  units.slab_bytes = kSlabBytes;
  set_geometry(shape, units, tiles_->lanes, tiles_->max_vectors, tiles_->pixels);
  spans_ = window_spans(shape, layout_, units.depthwise ? 1 : units.tap_units, {units.unit_bytes, 0, 0});
  offset_row_by_row_.assign(static_cast<size_t>(pointwise_ ? 1 : shape.out_height()), 0);
  offset_row_by_column_.assign(static_cast<size_t>(pointwise_ ? 1 : shape.out_width()), 0);
  bias_ = AlignedArray<float>(static_cast<size_t>(groups() * panels() * panel_lanes()));
  pad_ = AlignedArray<uint8_t>(static_cast<size_t>(layout_.pixel_bytes));  // zeros
}

Result<FloatConvolution> FloatConvolution::create(const ConvShape& shape, const float* weights,
                                                  const float* bias, const Kernels& kernels) {
  BMX_RETURN_IF_ERROR(shape.validate());
  FloatConvolution c(shape, kernels);
  c.panels_ = AlignedArray<float>(static_cast<size_t>(c.groups() * c.panels() * c.panel_size()));
  if (!c.has_memory()) return no_memory();
  c.pack_weights(weights, bias);
  return c;
}

Result<FloatConvolution> FloatConvolution::create_binary(const ConvShape& shape, const uint64_t* weights,
                                                         const Kernels& kernels) {
  BMX_RETURN_IF_ERROR(shape.validate());
  FloatConvolution c(shape, kernels);
  c.signs_ = AlignedArray<uint64_t>(static_cast<size_t>(c.groups() * c.panels() * c.panel_words()));
  if (!c.has_memory()) return no_memory();
  c.panel_scratch_bytes_ = c.panel_size() * int64_t{sizeof(float)};
  c.pack_signs(weights);
  return c;
}

bool FloatConvolution::has_memory() const {
  return panels_.size() + signs_.size() != 0 && bias_.size() != 0 && pad_.size() != 0;
}

int64_t FloatConvolution::packed_bytes() const {
  return static_cast<int64_t>((panels_.size() + bias_.size()) * sizeof(float) +
                              signs_.size() * sizeof(uint64_t) + pad_.size());
}

void FloatConvolution::pack_weights(const float* weights, const float* bias) {
  const int64_t outputs = group_outputs(), depth = shape_.depth();
  for (int64_t o = 0; o < shape_.out_channels; ++o) {
    const int64_t group = o / outputs, panel = o % outputs / panel_lanes(),
                  lane = o % outputs % panel_lanes();
    const int64_t lanes = panel_vectors(panel) * tiles_->lanes;
    float* to = panels_.data() + (group * panels() + panel) * panel_size() + lane;
    for (int64_t k = 0; k < depth; ++k) to[k * lanes] = *weights++;
    if (bias != nullptr)
      bias_[static_cast<size_t>((group * panels() + panel) * panel_lanes() + lane)] = bias[o];
  }
}

// The bits of a panel lie as its floats would: [unit][lane].
void FloatConvolution::pack_signs(const uint64_t* weights) {
  const int64_t words = words_for(shape_.group_inputs()), row = shape_.taps() * words;
  for (int64_t group = 0; group < groups(); ++group) {
    for (int64_t panel = 0; panel < panels(); ++panel) {
      const int64_t first = panel * panel_lanes(), lanes = panel_vectors(panel) * tiles_->lanes;
      const int64_t used = std::min(lanes, group_outputs() - first);
      const uint64_t* outputs = weights + (group * group_outputs() + first) * row;
      uint64_t* bits = signs_.data() + (group * panels() + panel) * panel_words();
      int64_t at = 0;
      for (int64_t w = 0; w < row; ++w) {
        const int64_t units = std::min(kWordBits, shape_.group_inputs() - w % words * kWordBits);
        for (int64_t u = 0; u < units; ++u, at += lanes) {
          for (int64_t lane = 0; lane < used; ++lane) {
            const uint64_t bit = outputs[lane * row + w] >> u & 1;
            bits[(at + lane) / kWordBits] |= bit << (at + lane) % kWordBits;
          }
        }
      }
    }
  }
}

const float* FloatConvolution::panel_weights(int64_t group, int64_t panel, void* scratch) const {
  const int64_t index = group * panels() + panel;
  if (signs_.size() == 0) return panels_.data() + index * panel_size();
  auto* floats = static_cast<float*>(scratch);
  kernels_->unpack_signs(signs_.data() + index * panel_words(),
                         shape_.depth() * panel_vectors(panel) * tiles_->lanes, floats);
  return floats;
}

void FloatConvolution::run(const float* x, int64_t batch, const Epilogue& epilogue, const ConvOutputs& out,
                           void* workspace, ThreadPool* pool) const {
  run_blocks(x, batch, epilogue, out, workspace, pool);
}

void FloatConvolution::expand_pixels(const char* x, int64_t step, int64_t count, int64_t, char* out) const {
  const auto bytes = static_cast<size_t>(units_.input_pixel_bytes);
  const int64_t pixel_bytes = groups() * units_.tap_units * units_.unit_bytes;
  if (step == 1 && pixel_bytes == units_.input_pixel_bytes) {
    std::memcpy(out, x, static_cast<size_t>(count) * bytes);
    return;
  }
  for (int64_t p = 0; p < count; ++p) {
    std::memcpy(out + p * pixel_bytes, x + p * step * units_.input_pixel_bytes, bytes);
  }
}

void FloatConvolution::run_panel(const Work& work, int64_t group, int64_t panel,
                                 const BlockPixels& pixels) const {
  const float* weights = panel_weights(group, panel, pixels.panel);
  const float* init = bias_.data() + (group * panels() + panel) * panel_lanes();
  const FloatTile* by_pixels = tiles_->tile[panel_vectors(panel) - 1];
  const int64_t channel_bytes = units_.depthwise ? panel * panel_lanes() * units_.unit_bytes : 0;
  const auto multiply = [&](int64_t first, int64_t size, float* values) {
    const void* shifted[kMaxTilePixels];
    by_pixels[size - 1](shift_addresses(pixels.addresses + first, size, channel_bytes, shifted),
                        spans_.data(), static_cast<int64_t>(spans_.size()), weights, init, values);
  };
  run_strips<float>(work, pixels, panel, panel_strip(group, panel), multiply, kernels_->epilogue_f32);
}

}  // namespace bmx
