#include "convolution/gathered_convolution.h"

#include <algorithm>
#include <utility>

#include "base/aligned.h"
#include "base/bits.h"

namespace bmx {
namespace {

constexpr int64_t kBandBytes = 256 * 1024;
constexpr int64_t kLeastOutputs = 8;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Rounds up, so that what follows is aligned.
int64_t aligned_words(int64_t words) {
  constexpr int64_t kWords = kAlignment / sizeof(uint64_t);
  return ceil_div(words, kWords) * kWords;
}

// Writes stretches of up to 64 bits, one after the other.
class BitWriter {
 public:
  explicit BitWriter(uint64_t* out) : out_(out) {}

  void append(uint64_t bits, int64_t count) {
    word_ |= bits << used_;
    used_ += count;
    if (used_ < kWordBits) return;
    *out_++ = word_;
    used_ -= kWordBits;
    word_ = used_ == 0 ? 0 : bits >> (count - used_);
  }
  void skip(int64_t count) {
    for (; count > 0; count -= kWordBits) append(0, std::min(count, kWordBits));
  }
  // Writes the bits that are left, then words of zeros up to `end`.
  void pad_to(const uint64_t* end) {
    if (out_ != end) *out_++ = word_;
    while (out_ != end) *out_++ = 0;
  }

 private:
  uint64_t* out_;
  uint64_t word_ = 0;
  int64_t used_ = 0;
};

// Up to 64 bits, `count`, from bit `first` on. Also reads the word after them.
uint64_t read_bits(const uint64_t* words, int64_t first, int64_t count) {
  const uint64_t* word = words + first / kWordBits;
  const int64_t shift = first % kWordBits;
  const uint64_t bits = shift == 0 ? word[0] : word[0] >> shift | word[1] << (kWordBits - shift);
  return bits & tail_mask(count);
}

void copy_stretch(const uint64_t* words, int64_t first, int64_t count, BitWriter* to) {
  for (; count > 0; first += kWordBits, count -= kWordBits) {
    const int64_t part = std::min(count, kWordBits);
    to->append(read_bits(words, first, part), part);
  }
}

ConvShape dense_shape(const ConvShape& shape) {
  ConvShape dense;
  dense.in_channels = shape.depth();
  dense.out_channels = shape.out_channels;
  return dense;
}

// The outputs from a pixel on.
ConvOutputs outputs_from(const ConvOutputs& out, int64_t pixel, int64_t channels) {
  ConvOutputs rest = out;
  if (out.integers != nullptr) rest.integers += pixel * channels;
  if (out.floats != nullptr) rest.floats = out.floats_at(pixel, 0, channels);
  if (out.bits != nullptr) rest.bits += pixel * words_for(channels);
  if (out.residual != nullptr) rest.residual += pixel * channels;
  return rest;
}

}  // namespace

bool GatheredConvolution::pays(const ConvShape& shape, const Kernels& kernels, Planes inputs) {
  if (inputs.values != BitValues::kZeroOne || shape.groups != 1) return false;
  if (shape.dilation_height != 1 || shape.dilation_width != 1) return false;
  if (shape.pad_height >= shape.kernel_height || shape.pad_width >= shape.kernel_width) return false;
  if (shape.in_channels > kWordBits || shape.taps() == 1 || shape.out_channels < kLeastOutputs) return false;
  const int64_t bits = kernels.binary.unit_bits;
  return shape.taps() * ceil_div(shape.in_channels, bits) >= 2 * ceil_div(shape.depth(), bits);
}

Result<GatheredConvolution> GatheredConvolution::create(const ConvShape& shape, const uint64_t* weights,
                                                        const Kernels& kernels, Planes inputs,
                                                        Planes weight_planes) {
  BMX_RETURN_IF_ERROR(shape.validate());
  const int64_t rows = weight_planes.count * shape.out_channels, words = words_for(shape.depth());
  AlignedArray<uint64_t> windows(static_cast<size_t>(rows * words));
  if (windows.data() == nullptr) {
    return Status(Code::kOutOfMemory, "convolution: not enough memory for the repacked weights");
  }
  for (int64_t r = 0; r < rows; ++r) {
    BitWriter writer(windows.data() + r * words);
    for (int64_t tap = 0; tap < shape.taps(); ++tap) writer.append(*weights++, shape.in_channels);
    writer.pad_to(windows.data() + (r + 1) * words);
  }
  Result<BinaryConvolution> dense =
      BinaryConvolution::create(dense_shape(shape), 0, windows.data(), kernels, inputs, weight_planes);
  if (!dense.ok()) return dense.status();
  return GatheredConvolution(shape, inputs.count, std::move(*dense));
}

GatheredConvolution::GatheredConvolution(const ConvShape& shape, int planes, BinaryConvolution dense)
    : shape_(shape), planes_(planes), dense_(std::move(dense)) {
  const int64_t positions = (shape.out_width() - 1) * shape.stride_width + shape.kernel_width;
  row_words_ = words_for(std::max(positions, shape.pad_width + shape.in_width) * shape.in_channels) + 1;
  window_words_ = words_for(shape.depth());
  const int64_t out_row_bytes = shape.out_width() * planes_ * window_words_ * int64_t{sizeof(uint64_t)};
  band_rows_ = std::clamp<int64_t>(kBandBytes / out_row_bytes, 1, shape.out_height());
}

// Holds the rows of one image, [row][plane][row_words_], the windows of a band, and what the dense layer
// needs.
int64_t GatheredConvolution::workspace_bytes(int threads) const {
  const int64_t rows = shape_.in_height * planes_ * row_words_;
  const int64_t windows = band_rows_ * shape_.out_width() * planes_ * window_words_;
  return (aligned_words(rows) + aligned_words(windows)) * int64_t{sizeof(uint64_t)} +
         dense_.workspace_bytes(threads);
}

void GatheredConvolution::run(const uint64_t* x, int64_t batch, const Epilogue& epilogue,
                              const ConvOutputs& out, void* workspace, ThreadPool* pool) const {
  const int64_t image = shape_.in_height * shape_.in_width * planes_, width = shape_.out_width();
  const int64_t row = planes_ * row_words_, out_row = width * planes_ * window_words_;
  auto* rows = static_cast<uint64_t*>(workspace);
  uint64_t* windows = rows + aligned_words(shape_.in_height * row);
  uint64_t* rest = windows + aligned_words(band_rows_ * out_row);
  for (int64_t n = 0; n < batch; ++n) {
    parallel_for(pool, shape_.in_height, [&](int64_t r, int /*thread*/) {
      const uint64_t* pixels = x + n * image + r * shape_.in_width * planes_;
      for (int64_t plane = 0; plane < planes_; ++plane)
        pack_row(pixels, plane, rows + r * row + plane * row_words_);
    });
    for (int64_t first = 0; first < shape_.out_height(); first += band_rows_) {
      const int64_t count = std::min(band_rows_, shape_.out_height() - first);
      parallel_for(pool, count,
                   [&](int64_t r, int /*thread*/) { gather(rows, first + r, windows + r * out_row); });
      const int64_t pixel = (n * shape_.out_height() + first) * width;
      dense_.run(windows, count * width, epilogue, outputs_from(out, pixel, shape_.out_channels), rest, pool);
    }
  }
}

// Packs one plane of a row of pixels between the zeros of the padding.
void GatheredConvolution::pack_row(const uint64_t* pixels, int64_t plane, uint64_t* row) const {
  BitWriter writer(row);
  writer.skip(shape_.pad_width * shape_.in_channels);
  for (int64_t p = 0; p < shape_.in_width; ++p) {
    writer.append(pixels[p * planes_ + plane], shape_.in_channels);
  }
  writer.pad_to(row + row_words_);
}

// Gathers the windows of a row of the output, [pixel][plane][window_words_].
void GatheredConvolution::gather(const uint64_t* rows, int64_t out_row, uint64_t* windows) const {
  const int64_t stretch = shape_.kernel_width * shape_.in_channels;
  const int64_t step = shape_.stride_width * shape_.in_channels;
  const int64_t first_row = out_row * shape_.stride_height - shape_.pad_height;
  for (int64_t p = 0; p < shape_.out_width(); ++p) {
    for (int64_t plane = 0; plane < planes_; ++plane, windows += window_words_) {
      BitWriter writer(windows);
      for (int64_t r = first_row; r < first_row + shape_.kernel_height; ++r) {
        if (r < 0 || r >= shape_.in_height) {
          writer.skip(stretch);
        } else {
          copy_stretch(rows + (r * planes_ + plane) * row_words_, p * step, stretch, &writer);
        }
      }
      writer.pad_to(windows + window_words_);
    }
  }
}

}  // namespace bmx
