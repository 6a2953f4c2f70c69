#include "reference/reference.h"

#include <cmath>
#include <cstddef>

#include "base/bits.h"
#include "microkernels/units.h"

namespace bmx::reference {

namespace {

template <class T>
std::vector<uint64_t> pack_values(const std::vector<T>& x, int64_t channels, const T* threshold,
                                  const uint64_t* flip) {
  const int64_t rows = static_cast<int64_t>(x.size()) / channels;
  std::vector<uint64_t> out(static_cast<size_t>(rows * words_for(channels)));
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < channels; ++c) {
      const T value = x[static_cast<size_t>(r * channels + c)];
      const T limit = threshold == nullptr ? T{0} : threshold[c];
      const bool flipped = flip != nullptr && get_bit(flip, c);
      const bool minus_one = flipped ? value > limit : value < limit;
      if (minus_one) continue;
      out[static_cast<size_t>(r * words_for(channels) + c / kWordBits)] |= uint64_t{1} << (c % kWordBits);
    }
  }
  return out;
}

// Calls add(out, x, weight) for every output and every tap of its window, with x = -1 for taps outside the
// image.
template <class Add>
void for_each_tap(const ConvShape& s, int64_t batch, Add add) {
  int64_t out = 0;
  for (int64_t n = 0; n < batch; ++n) {
    for (int64_t oh = 0; oh < s.out_height(); ++oh) {
      for (int64_t ow = 0; ow < s.out_width(); ++ow) {
        for (int64_t o = 0; o < s.out_channels; ++o, ++out) {
          const int64_t group = o / s.group_outputs();
          for (int64_t kh = 0; kh < s.kernel_height; ++kh) {
            for (int64_t kw = 0; kw < s.kernel_width; ++kw) {
              const int64_t row = oh * s.stride_height - s.pad_height + kh * s.dilation_height;
              const int64_t column = ow * s.stride_width - s.pad_width + kw * s.dilation_width;
              const bool inside = row >= 0 && row < s.in_height && column >= 0 && column < s.in_width;
              for (int64_t c = 0; c < s.group_inputs(); ++c) {
                const int64_t pixel = (n * s.in_height + row) * s.in_width + column;
                const int64_t x = inside ? pixel * s.in_channels + group * s.group_inputs() + c : -1;
                add(out, x, ((o * s.kernel_height + kh) * s.kernel_width + kw) * s.group_inputs() + c);
              }
            }
          }
        }
      }
    }
  }
}

size_t out_size(const ConvShape& s, int64_t batch) {
  return static_cast<size_t>(batch * s.out_height() * s.out_width() * s.out_channels);
}

}  // namespace

std::vector<uint64_t> pack(const std::vector<float>& x, int64_t channels, const float* threshold,
                           const uint64_t* flip) {
  return pack_values(x, channels, threshold, flip);
}

std::vector<uint64_t> pack(const std::vector<int32_t>& x, int64_t channels, const int32_t* threshold,
                           const uint64_t* flip) {
  return pack_values(x, channels, threshold, flip);
}

std::vector<int> unpack(const std::vector<uint64_t>& bits, int64_t channels) {
  std::vector<int> values;
  const int64_t rows = static_cast<int64_t>(bits.size()) / words_for(channels);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < channels; ++c) {
      values.push_back(get_bit(bits.data() + r * words_for(channels), c) ? 1 : -1);
    }
  }
  return values;
}

std::vector<int32_t> binary_convolution(const ConvShape& shape, int64_t batch, int pad_value,
                                        const std::vector<int>& x, const std::vector<int>& weights) {
  std::vector<int32_t> out(out_size(shape, batch));
  for_each_tap(shape, batch, [&](int64_t o, int64_t i, int64_t w) {
    const int value = i < 0 ? pad_value : x[static_cast<size_t>(i)];
    out[static_cast<size_t>(o)] += value * weights[static_cast<size_t>(w)];
  });
  return out;
}

std::vector<float> float_convolution(const ConvShape& shape, int64_t batch, const std::vector<float>& x,
                                     const std::vector<float>& weights, const std::vector<float>& bias) {
  std::vector<float> out(out_size(shape, batch));
  for (size_t i = 0; i < out.size() && !bias.empty(); ++i) out[i] = bias[i % bias.size()];
  for_each_tap(shape, batch, [&](int64_t o, int64_t i, int64_t w) {
    const float value = i < 0 ? 0 : x[static_cast<size_t>(i)];
    float& sum = out[static_cast<size_t>(o)];
    sum = std::fma(value, weights[static_cast<size_t>(w)], sum);
  });
  return out;
}

float exp(float x) {
  float y = 0;
  scalar_kernels.exp(&x, 1, &y);
  return y;
}

float activate(const ActivationStep& step, float x) {
  if (!step) return x;
  float y = 0;
  scalar_kernels.activate(step, &x, 1, 1, &y);
  return y;
}

}  // namespace bmx::reference
