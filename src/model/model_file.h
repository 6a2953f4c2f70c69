// A .bmx file in memory: its bytes, graph and metadata. Immutable; tensors stay views into the bytes.
#pragma once

#include <map>
#include <string>

#include "base/status.h"
#include "model/file_bytes.h"
#include "model/graph.h"

namespace bmx {

inline constexpr const char* kFormatVersion = "1";

class ModelFile {
 public:
  // Messages begin with the path.
  static Result<ModelFile> open(const std::string& path);
  // The bytes are copied.
  static Result<ModelFile> from_memory(const void* data, size_t size);

  const Graph& graph() const { return graph_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  size_t size() const { return bytes_.size(); }
  // See FileBytes.
  void release_pages() const { bytes_.release_pages(); }

 private:
  static Result<ModelFile> parse(FileBytes bytes);
  explicit ModelFile(FileBytes bytes) : bytes_(std::move(bytes)) {}

  FileBytes bytes_;
  AlignedArray<uint8_t> small_;  // copies of small tensors, which operators use where they are
  Graph graph_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace bmx
