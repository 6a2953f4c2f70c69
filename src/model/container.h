// The safetensors layer of a .bmx file: header, checksum, metadata and the table of tensors (docs/format.md,
// "Bytes").
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "model/types.h"

namespace bmx {

inline constexpr uint64_t kMaxHeaderBytes = uint64_t{16} << 20;
inline constexpr size_t kMaxTensors = 65536;
inline constexpr size_t kMaxRank = 8;
inline constexpr int64_t kMaxDimension = INT32_MAX;

struct Container {
  std::vector<Tensor> tensors;  // in the order of their offsets; views into the bytes that were parsed
  std::map<std::string, std::string> metadata;
};

// bytes: aligned to 8, and outlive the result. Everything is checked before anything is believed.
Result<Container> parse_container(const uint8_t* bytes, size_t size);

// Rank at most kMaxRank and every dimension in 1 .. kMaxDimension.
bool is_valid_shape(const Shape& shape);

}  // namespace bmx
