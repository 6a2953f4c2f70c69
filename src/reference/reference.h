// The meaning of every kernel, as plain loops over single values. Called by tests only.
#pragma once

#include <cstdint>
#include <vector>

#include "convolution/convolution.h"
#include "pointwise/activation.h"

namespace bmx::reference {

// Bits of rows x channels values, words_for(channels) words a row; null pointers as in Kernels::pack_f32.
std::vector<uint64_t> pack(const std::vector<float>& x, int64_t channels, const float* threshold,
                           const uint64_t* flip);
std::vector<uint64_t> pack(const std::vector<int32_t>& x, int64_t channels, const int32_t* threshold,
                           const uint64_t* flip);

// +-1 values of rows of `channels` bits.
std::vector<int> unpack(const std::vector<uint64_t>& bits, int64_t channels);

// x: [N][H][W][I] and weights: [O][KH][KW][I / groups], all +-1. Returns [N][H'][W'][O].
std::vector<int32_t> binary_convolution(const ConvShape& shape, int64_t batch, int pad_value,
                                        const std::vector<int>& x, const std::vector<int>& weights);

// Each output is one chain of fused multiply-adds in ascending (kh, kw, channel), taps outside the image
// included as zeros.
std::vector<float> float_convolution(const ConvShape& shape, int64_t batch, const std::vector<float>& x,
                                     const std::vector<float>& weights, const std::vector<float>& bias);

// One value through the scalar unit, which tests compare with the C library in double; the other units return
// the same bits. The step's slope is that of the value's channel.
float exp(float x);
float activate(const ActivationStep& step, float x);

}  // namespace bmx::reference
