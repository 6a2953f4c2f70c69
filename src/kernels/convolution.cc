#include "kernels/convolution.h"

#include <algorithm>
#include <string>

#include "base/bits.h"
#include "kernels/epilogue.h"
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

struct BinaryConvolution::Chunk {
  const uint64_t* x;
  int64_t first;  // output pixel, counted through the batch
  int64_t count;
  uint64_t* patches;
  int32_t* sums;
};

Result<BinaryConvolution> BinaryConvolution::create(const ConvShape& shape, int pad_value,
                                                    const uint64_t* weights, const Kernels& kernels) {
  BMX_RETURN_IF_ERROR(shape.validate());
  if (pad_value < -1 || pad_value > 1) {
    return invalid_argument("convolution: pad_value must be 0, 1 or -1, found " + std::to_string(pad_value));
  }
  BinaryConvolution convolution;
  convolution.shape_ = shape;
  convolution.pad_value_ = pad_value;
  convolution.kernels_ = &kernels;
  const int64_t tap_words = words_for(shape.group_inputs());
  convolution.panels_ = pack_groups(shape, weights, shape.taps() * tap_words, kernels.binary_panel);
  convolution.pad_ = AlignedArray<uint64_t>(static_cast<size_t>(tap_words));
  convolution.tap_sums_ = AlignedArray<int32_t>(static_cast<size_t>(shape.taps() * shape.out_channels));
  if (convolution.panels_.data() == nullptr || convolution.pad_.data() == nullptr ||
      convolution.tap_sums_.data() == nullptr) {
    return out_of_memory();
  }
  if (pad_value == 1) {
    std::fill_n(convolution.pad_.data(), tap_words, ~uint64_t{0});
    convolution.pad_[static_cast<size_t>(tap_words - 1)] = tail_mask(shape.group_inputs());
  }
  convolution.sum_taps(weights);
  return convolution;
}

// With bits standing for +-1, the n weights of a tap sum to 2 * popcount(w) - n.
void BinaryConvolution::sum_taps(const uint64_t* weights) {
  const int64_t tap_words = words_for(shape_.group_inputs());
  for (int64_t o = 0; o < shape_.out_channels; ++o) {
    for (int64_t tap = 0; tap < shape_.taps(); ++tap) {
      int64_t ones = 0;
      for (int64_t w = 0; w < tap_words; ++w) ones += __builtin_popcountll(*weights++);
      tap_sums_[static_cast<size_t>(tap * shape_.out_channels + o)] =
          static_cast<int32_t>(2 * ones - shape_.group_inputs());
    }
  }
}

int64_t BinaryConvolution::patch_words() const { return shape_.taps() * words_for(shape_.group_inputs()); }

bool BinaryConvolution::gathers() const { return !is_pointwise(shape_) || shape_.groups != 1; }

int64_t BinaryConvolution::rows_per_chunk() const {
  return chunk_rows(patch_words() * kWordBits / 8, shape_.out_channels, kernels_->binary_rows);
}

int64_t BinaryConvolution::patch_bytes() const {
  return gathers() ? aligned_bytes(rows_per_chunk() * patch_words() * kWordBits / 8) : 0;
}

int64_t BinaryConvolution::workspace_bytes() const {
  return patch_bytes() + aligned_bytes(rows_per_chunk() * shape_.out_channels * int64_t{sizeof(int32_t)});
}

void BinaryConvolution::run(const uint64_t* x, int64_t batch, const Epilogue& epilogue, void* out,
                            void* workspace) const {
  const int64_t channels = shape_.out_channels;
  const int64_t pixels = batch * shape_.out_height() * shape_.out_width();
  const int64_t rows = rows_per_chunk();
  const bool bits = makes_bits(epilogue);
  char* sums = static_cast<char*>(workspace) + patch_bytes();
  for (int64_t first = 0; first < pixels; first += rows) {
    Chunk chunk{x, first, std::min(rows, pixels - first), static_cast<uint64_t*>(workspace), nullptr};
    uint64_t* out_bits = bits ? static_cast<uint64_t*>(out) + first * words_for(channels) : nullptr;
    chunk.sums = bits ? reinterpret_cast<int32_t*>(sums) : static_cast<int32_t*>(out) + first * channels;
    for (int64_t g = 0; g < shape_.groups; ++g) multiply(chunk, g);
    if (pad_value_ == 0) correct_border(chunk);
    run_epilogue(epilogue, *kernels_, chunk.sums, chunk.count, channels, out_bits);
  }
}

void BinaryConvolution::multiply(const Chunk& chunk, int64_t group) const {
  const int64_t inputs = shape_.group_inputs();
  const int64_t tap_words = words_for(inputs);
  const int64_t pixel_words = words_for(shape_.in_channels);
  const int64_t offset = group * inputs;
  const uint64_t* patches = chunk.patches;
  if (!gathers()) {
    patches = chunk.x + chunk.first * pixel_words;
  } else if (shape_.groups == 1 || inputs % kWordBits == 0) {
    const ElementSource<uint64_t> source{chunk.x, pixel_words, offset / kWordBits, tap_words};
    gather(shape_, source, pad_.data(), chunk.first, chunk.count, chunk.patches);
  } else {
    const BitSource source{chunk.x, pixel_words, offset, inputs, tap_words};
    gather(shape_, source, pad_.data(), chunk.first, chunk.count, chunk.patches);
  }
  const int64_t outputs = shape_.group_outputs();
  const int64_t panels = panels_size(outputs, patch_words(), kernels_->binary_panel);
  kernels_->binary_gemm(patches, chunk.count, patch_words(), panels_.data() + group * panels, outputs,
                        static_cast<int32_t>(shape_.taps() * inputs), chunk.sums + group * outputs,
                        shape_.out_channels);
}

// A tap outside the image was gathered as -1 and contributed -(sum of its weights); zero contributes nothing.
void BinaryConvolution::correct_border(const Chunk& chunk) const {
  if (shape_.pad_height == 0 && shape_.pad_width == 0) return;
  PixelCursor cursor(shape_, chunk.first);
  for (int64_t p = 0; p < chunk.count; ++p, cursor.advance()) {
    const TapRange rows =
        taps_inside(cursor.row(), shape_.dilation_height, shape_.kernel_height, shape_.in_height);
    const TapRange columns =
        taps_inside(cursor.column(), shape_.dilation_width, shape_.kernel_width, shape_.in_width);
    if (rows.end - rows.begin == shape_.kernel_height && columns.end - columns.begin == shape_.kernel_width)
      continue;
    int32_t* sums = chunk.sums + p * shape_.out_channels;
    for (int64_t kh = 0; kh < shape_.kernel_height; ++kh) {
      const bool row_inside = rows.begin <= kh && kh < rows.end;
      for (int64_t kw = 0; kw < shape_.kernel_width; ++kw) {
        if (row_inside && columns.begin <= kw && kw < columns.end) continue;
        const int32_t* tap = tap_sums_.data() + (kh * shape_.kernel_width + kw) * shape_.out_channels;
        for (int64_t o = 0; o < shape_.out_channels; ++o) sums[o] += tap[o];
      }
    }
  }
}

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

int64_t FloatConvolution::workspace_bytes() const {
  return patch_bytes() + aligned_bytes(rows_per_chunk() * shape_.out_channels * int64_t{sizeof(float)});
}

void FloatConvolution::run(const float* x, int64_t batch, const Epilogue& epilogue, void* out,
                           void* workspace) const {
  const int64_t channels = shape_.out_channels;
  const int64_t pixels = batch * shape_.out_height() * shape_.out_width();
  const int64_t rows = rows_per_chunk();
  const bool bits = makes_bits(epilogue);
  char* values = static_cast<char*>(workspace) + patch_bytes();
  for (int64_t first = 0; first < pixels; first += rows) {
    Chunk chunk{x, first, std::min(rows, pixels - first), static_cast<float*>(workspace), nullptr};
    uint64_t* out_bits = bits ? static_cast<uint64_t*>(out) + first * words_for(channels) : nullptr;
    chunk.values = bits ? reinterpret_cast<float*>(values) : static_cast<float*>(out) + first * channels;
    for (int64_t g = 0; g < shape_.groups; ++g) multiply(chunk, g);
    run_epilogue(epilogue, *kernels_, chunk.values, chunk.count, channels, out_bits);
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
