// The bytes of a file: mapped from disk, or a copy of a caller's memory. Move-only and read-only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/aligned.h"
#include "base/status.h"

namespace bmx {

class FileBytes {
 public:
  static Result<FileBytes> map(const std::string& path);
  static Result<FileBytes> copy(const void* data, size_t size);

  FileBytes(FileBytes&& other) noexcept;
  FileBytes& operator=(FileBytes&& other) noexcept;
  ~FileBytes();

  const uint8_t* data() const { return mapping_ ? static_cast<const uint8_t*>(mapping_) : copy_.data(); }
  size_t size() const { return size_; }

  // Gives the memory of a mapping back to the system; the next use of a page reads it again.
  void release_pages() const;

 private:
  FileBytes() = default;

  void* mapping_ = nullptr;
  AlignedArray<uint8_t> copy_;
  size_t size_ = 0;
};

}  // namespace bmx
