#include "model/file_bytes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace bmx {
namespace {

class Descriptor {
 public:
  explicit Descriptor(const char* path) : value_(open(path, O_RDONLY | O_CLOEXEC)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) close(value_);
  }
  int value() const { return value_; }

 private:
  int value_;
};

Status system_error(const std::string& what) { return {Code::kIo, what + ": " + std::strerror(errno)}; }

}  // namespace

Result<FileBytes> FileBytes::map(const std::string& path) {
  const Descriptor file(path.c_str());
  if (file.value() < 0) return system_error("cannot open the file");
  struct stat information{};
  if (fstat(file.value(), &information) != 0) return system_error("cannot read the file's size");
  if (!S_ISREG(information.st_mode)) return Status(Code::kIo, "not a regular file; a .bmx file is needed");

  FileBytes bytes;
  bytes.size_ = static_cast<size_t>(information.st_size);
  if (bytes.size_ == 0) return bytes;
  void* mapping = mmap(nullptr, bytes.size_, PROT_READ, MAP_PRIVATE, file.value(), 0);
  if (mapping == MAP_FAILED) return system_error("cannot map the file");
  bytes.mapping_ = mapping;
  return bytes;
}

Result<FileBytes> FileBytes::copy(const void* data, size_t size) {
  FileBytes bytes;
  bytes.copy_ = AlignedArray<uint8_t>(size);
  if (bytes.copy_.size() != size) {
    return Status(Code::kOutOfMemory, "no memory for a copy of " + std::to_string(size) + " bytes");
  }
  bytes.size_ = size;
  if (size > 0) std::memcpy(bytes.copy_.data(), data, size);
  return bytes;
}

FileBytes::FileBytes(FileBytes&& other) noexcept { *this = std::move(other); }

FileBytes& FileBytes::operator=(FileBytes&& other) noexcept {
  std::swap(mapping_, other.mapping_);
  std::swap(copy_, other.copy_);
  std::swap(size_, other.size_);
  return *this;
}

void FileBytes::release_pages() const {
  if (mapping_) madvise(mapping_, size_, MADV_DONTNEED);  // a mapping that stays in memory is no failure
}

FileBytes::~FileBytes() {
  if (mapping_) munmap(mapping_, size_);
}

}  // namespace bmx
