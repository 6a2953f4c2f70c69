// NumPy's .npy files: float32 and uint8 in, float32 and int32 out, C order.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "base/checked.h"
#include "base/status.h"
#include "model/types.h"

namespace bmx {

struct NpyArray {
  TensorType type = TensorType::kF32;
  Shape shape;
  std::vector<char> bytes;
};

namespace npy {

inline constexpr char kMagic[] = "\x93NUMPY";
inline constexpr size_t kMagicBytes = 6;

// What follows `'key':` in the header, up to `end` (included).
inline std::optional<std::string> field(const std::string& header, const std::string& key, char end) {
  const size_t name = header.find("'" + key + "'");
  if (name == std::string::npos) return std::nullopt;
  const size_t begin = header.find_first_not_of(": ", name + key.size() + 2);
  if (begin == std::string::npos) return std::nullopt;
  const size_t last = header.find(end, begin + 1);
  if (last == std::string::npos) return std::nullopt;
  return header.substr(begin, last - begin + 1);
}

// "(3, 1, 28, 28)" or "(3,)"
inline std::optional<Shape> parse_shape(const std::string& text) {
  if (text.size() < 2 || text.front() != '(' || text.back() != ')') return std::nullopt;
  Shape shape;
  int64_t number = 0;
  bool digits = false;
  for (size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c >= '0' && c <= '9') {
      if (number > INT32_MAX) return std::nullopt;
      number = number * 10 + (c - '0');
      digits = true;
    } else if (c == ',' || c == ')') {
      if (digits) shape.push_back(number);
      number = 0;
      digits = false;
    } else if (c != ' ') {
      return std::nullopt;
    }
  }
  return shape;
}

inline Result<NpyArray> parse(const std::vector<char>& file) {
  if (file.size() < 10 || std::memcmp(file.data(), kMagic, kMagicBytes) != 0)
    return invalid_argument("not a .npy file");
  const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(file[i])); };
  const size_t version = byte(6), length_bytes = version == 1 ? 2 : 4;
  if (version != 1 && version != 2)
    return invalid_argument(".npy version " + std::to_string(version) + " is not known");
  size_t length = byte(8) + (byte(9) << 8);
  if (version == 2 && file.size() >= 12) length += (byte(10) << 16) + (byte(11) << 24);
  const size_t data = 8 + length_bytes + length;
  if (data > file.size()) return invalid_argument("the .npy file is truncated");

  const std::string header(file.begin() + static_cast<int64_t>(8 + length_bytes),
                           file.begin() + static_cast<int64_t>(data));
  const auto descr = field(header, "descr", '\''), order = field(header, "fortran_order", 'e');
  const auto dimensions = field(header, "shape", ')');
  const auto shape = dimensions ? parse_shape(*dimensions) : std::nullopt;
  if (!descr || !order || !shape) return invalid_argument("the .npy header is damaged");
  NpyArray array;
  array.shape = *shape;
  if (*descr == "'<f4'") {
    array.type = TensorType::kF32;
  } else if (*descr == "'|u1'") {
    array.type = TensorType::kU8;
  } else {
    return invalid_argument("the array's dtype is " + *descr +
                            ", float32 ('<f4') or uint8 ('|u1') is expected");
  }
  if (*order != "False")
    return invalid_argument("the array is in Fortran order; save numpy.ascontiguousarray of it");

  std::optional<int64_t> bytes = size_of(array.type);
  for (int64_t dimension : array.shape) bytes = bytes ? checked_product({*bytes, dimension}) : std::nullopt;
  const auto available = static_cast<int64_t>(file.size() - data);
  if (!bytes || *bytes != available) {
    return invalid_argument("the .npy file holds " + std::to_string(available) +
                            " bytes of data, which is not its shape " + text_of(array.shape));
  }
  array.bytes.assign(file.begin() + static_cast<int64_t>(data), file.end());
  return array;
}

// The file's header, padded so that the data begins at a multiple of 64.
inline std::string header_of(TensorType type, const Shape& shape) {
  std::string dimensions;
  for (int64_t dimension : shape) dimensions += std::to_string(dimension) + ", ";
  std::string text = std::string("{'descr': '") + (type == TensorType::kI32 ? "<i4" : "<f4") +
                     "', 'fortran_order': False, 'shape': (" + dimensions + "), }";
  while ((kMagicBytes + 4 + text.size() + 1) % 64 != 0) text += ' ';
  text += '\n';
  std::string header(kMagic, kMagicBytes);
  header += {1, 0, static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return header + text;
}

}  // namespace npy

inline Result<NpyArray> read_npy(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return Status(Code::kIo, path + ": this is a folder, a .npy file is expected");
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return Status(Code::kIo, path + ": cannot open the file: " + std::strerror(errno));
  const std::vector<char> file((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  if (stream.bad()) return Status(Code::kIo, path + ": cannot read the file");
  Result<NpyArray> array = npy::parse(file);
  if (!array.ok()) return Status(array.status().code(), path + ": " + array.status().message());
  return array;
}

// data: F32 or I32. The file appears whole or not at all; a symbolic link stays one.
inline Status write_npy(const std::string& path, const void* data, TensorType type, const Shape& shape) {
  int64_t bytes = size_of(type);
  for (int64_t dimension : shape) bytes *= dimension;
  std::error_code error;
  const std::filesystem::path target = std::filesystem::weakly_canonical(path, error);
  if (error) return {Code::kIo, path + ": cannot write the file: " + error.message()};
  if (std::filesystem::exists(target, error) && !std::filesystem::is_regular_file(target, error))
    return {Code::kIo, path + ": this is not a regular file; give another name"};
  const std::string temporary = target.string() + "." + std::to_string(getpid()) + ".tmp";
  errno = 0;
  std::ofstream stream(temporary, std::ios::binary);
  const std::string header = npy::header_of(type, shape);
  stream.write(header.data(), static_cast<std::streamsize>(header.size()));
  stream.write(static_cast<const char*>(data), bytes);
  stream.close();
  if (!stream || std::rename(temporary.c_str(), target.c_str()) != 0) {
    const std::string reason = std::strerror(errno);
    std::remove(temporary.c_str());
    return {Code::kIo, path + ": cannot write the file: " + reason};
  }
  return {};
}

}  // namespace bmx
