// CRC-32 (ISO-HDLC), the checksum of zlib and PNG.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bmx {

// The CRC of a ++ b is crc32(b, size_b, crc32(a, size_a)); the CRC of nothing is 0.
uint32_t crc32(const uint8_t* bytes, size_t size, uint32_t previous = 0);

}  // namespace bmx
