// Bytes to bit planes (images of a first layer, and other values of up to 8 bits) and planes to numbers.
#pragma once

#include <cstdint>

namespace bmx {

// rows x channels bytes -> [row][plane][words_for(channels)], plane i holding bit i. Bits above `planes` are
// dropped.
void pack_bytes(const uint8_t* x, int64_t rows, int64_t channels, int planes, uint64_t* out);

// The inverse: [row][plane][words_for(channels)] -> rows x channels floats from 0 to 2^planes - 1.
void unpack_planes(const uint64_t* x, int64_t rows, int64_t channels, int planes, float* out);

}  // namespace bmx
