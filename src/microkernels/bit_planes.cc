#include "microkernels/bit_planes.h"

#include <algorithm>
#include <cstring>

#include "base/bits.h"

namespace bmx {
namespace {

// Byte i of the result holds bit i of the eight bytes of x, lowest byte first (Hacker's Delight, 7-3).
uint64_t transpose_bytes(uint64_t x) {
  uint64_t t = (x ^ (x >> 7)) & 0x00AA00AA00AA00AA;
  x ^= t ^ (t << 7);
  t = (x ^ (x >> 14)) & 0x0000CCCC0000CCCC;
  x ^= t ^ (t << 14);
  t = (x ^ (x >> 28)) & 0x00000000F0F0F0F0;
  return x ^ t ^ (t << 28);
}

}  // namespace

void pack_bytes(const uint8_t* x, int64_t rows, int64_t channels, int planes, uint64_t* out) {
  const int64_t words = words_for(channels);
  for (int64_t r = 0; r < rows; ++r, x += channels, out += planes * words) {
    std::fill_n(out, planes * words, 0);
    for (int64_t c = 0; c < channels; c += 8) {
      uint64_t eight = 0;
      std::memcpy(&eight, x + c, static_cast<size_t>(std::min<int64_t>(8, channels - c)));
      eight = transpose_bytes(eight);
      for (int i = 0; i < planes; ++i) {
        out[i * words + c / kWordBits] |= (eight >> (8 * i) & 0xFF) << (c % kWordBits);
      }
    }
  }
}

void unpack_planes(const uint64_t* x, int64_t rows, int64_t channels, int planes, float* out) {
  const int64_t words = words_for(channels);
  for (int64_t r = 0; r < rows; ++r, x += planes * words, out += channels) {
    for (int64_t c = 0; c < channels; c += 8) {
      uint64_t eight = 0;
      for (int i = 0; i < planes; ++i) {
        eight |= (x[i * words + c / kWordBits] >> (c % kWordBits) & 0xFF) << (8 * i);
      }
      eight = transpose_bytes(eight);
      for (int64_t i = 0; i < std::min<int64_t>(8, channels - c); ++i) {
        out[c + i] = static_cast<float>(eight >> (8 * i) & 0xFF);
      }
    }
  }
}

}  // namespace bmx
