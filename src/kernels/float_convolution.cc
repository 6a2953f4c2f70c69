#include "kernels/float_convolution.h"

#include <algorithm>
#include <string>

#include "base/bits.h"
#include "kernels/gather.h"

namespace bmx {

namespace {

// Patches and sums of a chunk share the second-level cache with the panel that is being multiplied.
constexpr int64_t kChunkBytes = 128 * 1024;

int64_t chunk_rows(int64_t patch_bytes, int64_t out_channels, int64_t tile_rows) {
  const int64_t row_bytes = patch_bytes + out_channels * int64_t{sizeof(int32_t)};
  return std::max<int64_t>(1, kChunkBytes / row_bytes / tile_rows) * tile_rows;
}

int64_t aligned_bytes(int64_t bytes) {
  return static_cast<int64_t>(round_up(static_cast<size_t>(bytes), kAlignment));
}

// Patches are the pixels themselves.
bool is_pointwise(const ConvShape& s) {
  return s.taps() == 1 && s.stride_height == 1 && s.stride_width == 1 && s.pad_height == 0 &&
         s.pad_width == 0;
}

// Repacks the weights of each group, [outputs][depth], into panels; groups follow each other.
template <class T>
AlignedArray<T> pack_groups(const ConvShape& shape, const T* weights, int64_t depth, int64_t panel) {
  const int64_t size = panels_size(shape.group_outputs(), depth, panel);
  AlignedArray<T> panels(static_cast<size_t>(shape.groups * size));
  if (panels.data() == nullptr) return panels;
  for (int64_t g = 0; g < shape.groups; ++g) {
    pack_panels(weights + g * shape.group_outputs() * depth, shape.group_outputs(), depth, panel,
                panels.data() + g * size);
  }
  return panels;
}

Status out_of_memory() {
  return {Code::kOutOfMemory, "convolution: not enough memory for the repacked weights"};
}

}  // namespace

struct FloatConvolution::Chunk {
  const float* x;
  int64_t first;
  int64_t count;
  float* patches;
  float* values;
};

Result<FloatConvolution> FloatConvolution::create(const ConvShape& shape, const float* weights,
                                                  const float* bias, const Kernels& kernels) {
  BMX_RETURN_IF_ERROR(shape.validate());
  FloatConvolution convolution;
  convolution.shape_ = shape;
  convolution.kernels_ = &kernels;
  convolution.panels_ = pack_groups(shape, weights, convolution.patch_size(), kernels.f32_panel);
  convolution.bias_ = AlignedArray<float>(static_cast<size_t>(shape.out_channels));
  convolution.pad_ = AlignedArray<float>(static_cast<size_t>(shape.group_inputs()));
  if (convolution.panels_.data() == nullptr || convolution.bias_.data() == nullptr ||
      convolution.pad_.data() == nullptr) {
    return out_of_memory();
  }
  if (bias != nullptr) std::copy_n(bias, shape.out_channels, convolution.bias_.data());
  return convolution;
}

int64_t FloatConvolution::patch_size() const { return shape_.taps() * shape_.group_inputs(); }

int64_t FloatConvolution::rows_per_chunk() const {
  return chunk_rows(patch_size() * int64_t{sizeof(float)}, shape_.out_channels, kernels_->f32_rows);
}

int64_t FloatConvolution::patch_bytes() const {
  return is_pointwise(shape_) ? 0 : aligned_bytes(rows_per_chunk() * patch_size() * int64_t{sizeof(float)});
}

int64_t FloatConvolution::workspace_bytes(int) const {
  return patch_bytes() + aligned_bytes(rows_per_chunk() * shape_.out_channels * int64_t{sizeof(float)});
}

void FloatConvolution::run(const float* x, int64_t batch, const Epilogue& epilogue, const ConvOutputs& out,
                           void* workspace, ThreadPool*) const {
  const int64_t channels = shape_.out_channels;
  const int64_t pixels = batch * shape_.out_height() * shape_.out_width();
  const int64_t rows = rows_per_chunk();
  float* values = reinterpret_cast<float*>(static_cast<char*>(workspace) + patch_bytes());
  for (int64_t first = 0; first < pixels; first += rows) {
    Chunk chunk{x, first, std::min(rows, pixels - first), static_cast<float*>(workspace), values};
    for (int64_t g = 0; g < shape_.groups; ++g) multiply(chunk, g);
    clear_bit_tails(out.bits, first, chunk.count, channels);
    FinishTile tile;
    tile.lanes = tile.channels = channels;
    tile.pixels = chunk.count;
    tile.first_pixel = first;
    for (int64_t c = 0; c < channels; c += kMaxPanelLanes) {
      tile.sums = values + c;
      tile.first_channel = c;
      tile.outputs = std::min<int64_t>(kMaxPanelLanes, channels - c);
      kernels_->finish_f32(tile, epilogue, out);
    }
  }
}

void FloatConvolution::multiply(const Chunk& chunk, int64_t group) const {
  const int64_t inputs = shape_.group_inputs();
  const int64_t outputs = shape_.group_outputs();
  const float* patches = chunk.patches;
  int64_t patch_stride = patch_size();
  if (is_pointwise(shape_)) {
    patches = chunk.x + chunk.first * shape_.in_channels + group * inputs;
    patch_stride = shape_.in_channels;
  } else {
    const ElementSource<float> source{chunk.x, shape_.in_channels, group * inputs, inputs};
    gather(shape_, source, pad_.data(), chunk.first, chunk.count, chunk.patches);
  }
  const int64_t panels = panels_size(outputs, patch_size(), kernels_->f32_panel);
  kernels_->f32_gemm(patches, chunk.count, patch_stride, patch_size(), panels_.data() + group * panels,
                     outputs, bias_.data() + group * outputs, chunk.values + group * outputs,
                     shape_.out_channels);
}

}  // namespace bmx
