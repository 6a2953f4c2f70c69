// The one definition of bit order.
//
// A binary value is -1 or +1; bit 1 is +1, bit 0 is -1, and sign(x) = -1 if x < 0 else +1, so 0, -0.0 and NaN
// give +1. Bits run along the channel axis, least significant first: channel c is bit (c % 64) of word (c /
// 64) in memory, and bit (c % 8) of byte (c / 8) in a file. The tail of the last word or byte is 0. With x
// and w packed like this, their dot product over n channels is n - 2 * popcount(x ^ w).
#pragma once

#include <cstdint>
#include <cstring>

namespace bmx {

inline constexpr int64_t kWordBits = 64;

constexpr int64_t words_for(int64_t channels) { return (channels + kWordBits - 1) / kWordBits; }
constexpr int64_t bytes_for(int64_t channels) { return (channels + 7) / 8; }

// Valid bits of the last word of a row of `channels`; all ones if the row fills it.
constexpr uint64_t tail_mask(int64_t channels) {
  return channels % kWordBits == 0 ? ~uint64_t{0} : (uint64_t{1} << (channels % kWordBits)) - 1;
}

constexpr bool get_bit(const uint64_t* words, int64_t channel) {
  return (words[channel / kWordBits] >> (channel % kWordBits)) & 1;
}

// One row of file bytes -> words, independent of the machine's endianness. Bits past `channels` are dropped.
inline void words_from_bytes(const uint8_t* bytes, int64_t channels, uint64_t* words) {
  int64_t whole = 0;  // words
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  whole = bytes_for(channels) / 8;
  std::memcpy(words, bytes, static_cast<size_t>(whole) * 8);
#endif
  for (int64_t w = whole; w < words_for(channels); ++w) words[w] = 0;
  for (int64_t b = 8 * whole; b < bytes_for(channels); ++b) {
    words[b / 8] |= uint64_t{bytes[b]} << (8 * (b % 8));
  }
  if (channels > 0) words[words_for(channels) - 1] &= tail_mask(channels);
}

inline void bytes_from_words(const uint64_t* words, int64_t channels, uint8_t* bytes) {
  for (int64_t b = 0; b < bytes_for(channels); ++b) {
    bytes[b] = static_cast<uint8_t>(words[b / 8] >> (8 * (b % 8)));
  }
}

}  // namespace bmx
