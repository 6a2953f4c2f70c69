// Bytes to bit planes: the first layer's images, and any other values of up to 8 bits.
#pragma once

#include <cstdint>

namespace bmx {

// rows x channels bytes -> [row][plane][words_for(channels)], plane i holding bit i. Bits above `planes` are
// dropped.
void pack_bytes(const uint8_t* x, int64_t rows, int64_t channels, int planes, uint64_t* out);

}  // namespace bmx
