#include "model/model_file.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "model/container.h"
#include "model/json.h"

namespace bmx {
namespace {

Result<std::string> required(const std::map<std::string, std::string>& metadata, const char* key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) return corrupt_file(std::string("__metadata__: '") + key + "' is missing");
  return found->second;
}

Status check_version(const std::map<std::string, std::string>& metadata) {
  Result<std::string> version = required(metadata, "bmx.format_version");
  if (!version.ok()) return version.status();
  if (*version == kFormatVersion) return {};
  return unsupported("format version '" + *version + "' is not known, this reader knows version " +
                     kFormatVersion + "; update bmx or export the model again");
}

// Scales, shifts and thresholds stay in use after loading. They are copied, so that nothing brings pages of
// the file back into memory once release_pages() has dropped them.
constexpr int64_t kSmallTensor = 64 * 1024;

Result<AlignedArray<uint8_t>> copy_small(std::vector<Tensor>* tensors) {
  size_t size = 0;
  const auto padded = [](const Tensor& tensor) { return round_up(static_cast<size_t>(tensor.bytes), 8); };
  for (const Tensor& tensor : *tensors) size += tensor.bytes <= kSmallTensor ? padded(tensor) : 0;
  AlignedArray<uint8_t> copies(size);
  if (copies.size() != size)
    return Status(Code::kOutOfMemory, "no memory for a copy of " + std::to_string(size) + " bytes");
  uint8_t* to = copies.data();
  for (Tensor& tensor : *tensors) {
    if (tensor.bytes > kSmallTensor) continue;
    std::memcpy(to, tensor.data, static_cast<size_t>(tensor.bytes));
    tensor.data = to;
    to += padded(tensor);
  }
  return copies;
}

// Messages quote the file, which may hold anything.
Status printable(const Status& status) {
  std::string message = status.message();
  std::replace_if(message.begin(), message.end(), is_control_character, '?');
  return {status.code(), std::move(message)};
}

}  // namespace

Result<ModelFile> ModelFile::open(const std::string& path) {
  Result<FileBytes> bytes = FileBytes::map(path);
  if (!bytes.ok()) return Status(bytes.status().code(), path + ": " + bytes.status().message());
  Result<ModelFile> file = parse(std::move(*bytes));
  if (!file.ok()) return printable({file.status().code(), path + ": " + file.status().message()});
  return file;
}

Result<ModelFile> ModelFile::from_memory(const void* data, size_t size) {
  Result<FileBytes> bytes = FileBytes::copy(data, size);
  if (!bytes.ok()) return bytes.status();
  Result<ModelFile> file = parse(std::move(*bytes));
  if (!file.ok()) return printable(file.status());
  return file;
}

Result<ModelFile> ModelFile::parse(FileBytes bytes) {
  Result<Container> container = parse_container(bytes.data(), bytes.size());
  if (!container.ok()) return container.status();
  BMX_RETURN_IF_ERROR(check_version(container->metadata));
  Result<std::string> producer = required(container->metadata, "bmx.producer");
  if (!producer.ok()) return producer.status();
  Result<std::string> json = required(container->metadata, "bmx.graph");
  if (!json.ok()) return json.status();
  Result<AlignedArray<uint8_t>> small = copy_small(&container->tensors);
  if (!small.ok()) return small.status();
  Result<Graph> graph = parse_graph(*json, container->tensors);
  if (!graph.ok()) return graph.status();

  const auto report = container->metadata.find("bmx.report");
  if (report != container->metadata.end()) {
    BMX_RETURN_IF_ERROR(parse_json_object(report->second, "the report").status());
  }

  // Moving FileBytes does not move the bytes, so the graph's views stay valid.
  ModelFile file(std::move(bytes));
  file.small_ = std::move(*small);
  file.graph_ = std::move(*graph);
  file.metadata_ = std::move(container->metadata);
  return file;
}

}  // namespace bmx
