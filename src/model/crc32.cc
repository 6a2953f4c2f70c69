#include "model/crc32.h"

#include <array>

namespace bmx {
namespace {

constexpr uint32_t kPolynomial = 0xedb88320;  // x^32 + x^26 + ... + 1, least significant bit first
constexpr size_t kSlices = 16;

using Tables = std::array<std::array<uint32_t, 256>, kSlices>;

// tables[s][b] is the effect of byte b on the register after s further zero bytes, so sixteen bytes can be
// looked up independently of each other ("slicing by 16").
constexpr Tables make_tables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (value & 1 ? kPolynomial : 0);
    tables[0][byte] = value;
  }
  for (size_t s = 1; s < kSlices; ++s) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[s - 1][byte];
      tables[s][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

}  // namespace

uint32_t crc32(const uint8_t* bytes, size_t size, uint32_t previous) {
  uint32_t state = ~previous;
  for (; size >= kSlices; size -= kSlices, bytes += kSlices) {
    uint32_t next = 0;
    for (size_t i = 0; i < kSlices; ++i) {
      const uint32_t register_byte = i < 4 ? (state >> (8 * i)) & 0xff : 0;
      next ^= kTables[kSlices - 1 - i][bytes[i] ^ register_byte];
    }
    state = next;
  }
  for (; size > 0; --size, ++bytes) state = (state >> 8) ^ kTables[0][(state ^ *bytes) & 0xff];
  return ~state;
}

}  // namespace bmx
