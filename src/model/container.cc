#include "model/container.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/checked.h"
#include "model/crc32.h"
#include "model/json.h"

namespace bmx {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "tensors are used in place, so the machine must be little-endian");

constexpr size_t kLengthBytes = 8;
constexpr std::string_view kOpening = R"({"__metadata__":{"bmx.checksum":"crc32:)";
constexpr size_t kDigits = 8;
constexpr size_t kDigitsOffset = kLengthBytes + kOpening.size();
static_assert(kDigitsOffset == 47, "docs/format.md fixes the place of the checksum");
constexpr size_t kSmallestHeader = 48;  // the opening and the digits, rounded up to a multiple of 8

struct Parts {
  std::string_view header;
  const uint8_t* data = nullptr;
  int64_t data_size = 0;
};

std::string count(uint64_t number, const char* unit) { return std::to_string(number) + " " + unit; }

Status not_bmx(const std::string& why) { return corrupt_file("not a .bmx file: " + why); }

Result<Parts> split(const uint8_t* bytes, size_t size) {
  if (size < kLengthBytes) return not_bmx("it has only " + count(size, "bytes"));
  uint64_t length = 0;
  std::memcpy(&length, bytes, kLengthBytes);
  const std::string_view rest(reinterpret_cast<const char*>(bytes) + kLengthBytes, size - kLengthBytes);
  const size_t visible = std::min(rest.size(), kOpening.size());
  if (rest.substr(0, visible) != kOpening.substr(0, visible)) return not_bmx("it does not begin like one");
  if (length > kMaxHeaderBytes) {
    return corrupt_file("the header's length is given as " + count(length, "bytes") + ", the limit is " +
                        std::to_string(kMaxHeaderBytes));
  }
  if (length > rest.size()) {
    return corrupt_file("the file is truncated: its header should have " + count(length, "bytes") + ", " +
                        std::to_string(rest.size()) + " are there");
  }
  if (length < kSmallestHeader || length % 8 != 0) {
    return corrupt_file("the header's length is given as " + count(length, "bytes") +
                        "; a multiple of 8 from " + std::to_string(kSmallestHeader) + " is expected");
  }
  Parts parts;
  parts.header = rest.substr(0, length);
  parts.data = bytes + kLengthBytes + length;
  parts.data_size = static_cast<int64_t>(rest.size() - length);
  return parts;
}

Status verify_checksum(const uint8_t* bytes, size_t size) {
  constexpr uint8_t kZeros[kDigits] = {'0', '0', '0', '0', '0', '0', '0', '0'};
  uint32_t crc = crc32(bytes, kDigitsOffset);
  crc = crc32(kZeros, kDigits, crc);
  const size_t after = kDigitsOffset + kDigits;
  crc = crc32(bytes + after, size - after, crc);
  char expected[kDigits + 1];
  std::snprintf(expected, sizeof(expected), "%08x", crc);
  if (std::memcmp(bytes + kDigitsOffset, expected, kDigits) == 0) return {};
  return corrupt_file("checksum mismatch: the file's bytes give " + std::string(expected) +
                      ", which is not what it says; the file is damaged, copy or export it again");
}

std::optional<TensorType> tensor_type(const std::string& name) {
  for (TensorType type :
       {TensorType::kF32, TensorType::kI32, TensorType::kI16, TensorType::kI8, TensorType::kU8}) {
    if (name == name_of(type)) return type;
  }
  return std::nullopt;
}

struct Entry {
  Tensor tensor;
  int64_t begin = 0, end = 0;
};

// One line of the table, each member by itself; whether the ranges fit together is checked later.
Entry read_entry(const std::string& name, const Json& json, Status* status) {
  ObjectReader reader(json, "tensor '" + name + "'", status);
  Entry entry;
  entry.tensor.name = name;
  const std::string dtype = reader.string("dtype");
  entry.tensor.shape = reader.integers("shape");
  const std::vector<int64_t> offsets = reader.integers("data_offsets");
  reader.refuse_unread();
  if (!status->ok()) return entry;

  const std::optional<TensorType> type = tensor_type(dtype);
  if (!type) {
    reader.fail("dtype '" + dtype + "' is not one of F32, I32, I16, I8, U8");
    return entry;
  }
  entry.tensor.type = *type;
  if (!is_valid_shape(entry.tensor.shape)) {
    reader.fail("shape " + text_of(entry.tensor.shape) +
                " is outside the limits (rank at most 8, dimensions from 1 to 2147483647)");
    return entry;
  }
  if (offsets.size() != 2 || offsets[0] < 0 || offsets[1] < offsets[0]) {
    reader.fail("data_offsets " + text_of(offsets) + " is not a range");
    return entry;
  }
  entry.begin = offsets[0];
  entry.end = offsets[1];
  std::optional<int64_t> bytes = size_of(*type);
  for (int64_t dimension : entry.tensor.shape)
    bytes = bytes ? checked_product({*bytes, dimension}) : std::nullopt;
  entry.tensor.bytes = entry.end - entry.begin;
  if (!bytes || *bytes != entry.tensor.bytes) {
    reader.fail("dtype " + dtype + " and shape " + text_of(entry.tensor.shape) + " do not make the " +
                count(static_cast<uint64_t>(entry.tensor.bytes), "bytes") + " of its data_offsets");
  }
  return entry;
}

Result<std::vector<Entry>> read_table(const Json& header) {
  if (header.size() > kMaxTensors + 1) {
    return corrupt_file("the file has " + count(header.size() - 1, "tensors") + ", the limit is " +
                        std::to_string(kMaxTensors));
  }
  Status status;
  std::vector<Entry> entries;
  for (const auto& item : header.items()) {
    if (item.key() == "__metadata__") continue;
    entries.push_back(read_entry(item.key(), item.value(), &status));
    if (!status.ok()) return status;
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.begin < b.begin; });
  return entries;
}

// Contiguous from 0, aligned, and exactly as long as the data.
Status check_layout(const std::vector<Entry>& entries, int64_t data_size) {
  int64_t end = 0;
  for (const Entry& entry : entries) {
    const std::string who = "tensor '" + entry.tensor.name + "'";
    if (entry.begin != end) {
      return corrupt_file(who + ": its data begins at " + std::to_string(entry.begin) +
                          ", but the tensor before it ends at " + std::to_string(end));
    }
    if (entry.begin % size_of(entry.tensor.type) != 0) {
      return corrupt_file(who + ": its data begins at " + std::to_string(entry.begin) +
                          ", which is not aligned to its elements; the order is F32, I32, I16, I8, U8");
    }
    end = entry.end;
  }
  if (end > data_size) {
    return corrupt_file("the file is truncated: its header promises " +
                        count(static_cast<uint64_t>(end), "bytes") + " of tensors, " +
                        std::to_string(data_size) + " are there");
  }
  if (end < data_size) {
    return corrupt_file("the file has " + count(static_cast<uint64_t>(data_size - end), "bytes") +
                        " after its last tensor; none are expected");
  }
  return {};
}

Result<std::map<std::string, std::string>> read_metadata(const Json& header) {
  std::map<std::string, std::string> metadata;
  for (const auto& item : header.at("__metadata__").items()) {
    if (!item.value().is_string()) return corrupt_file("__metadata__: '" + item.key() + "' must be a string");
    metadata[item.key()] = item.value().get<std::string>();
  }
  return metadata;
}

}  // namespace

bool is_valid_shape(const Shape& shape) {
  return shape.size() <= kMaxRank &&
         std::all_of(shape.begin(), shape.end(), [](int64_t d) { return d >= 1 && d <= kMaxDimension; });
}

Result<Container> parse_container(const uint8_t* bytes, size_t size) {
  Result<Parts> parts = split(bytes, size);
  if (!parts.ok()) return parts.status();

  // A file that is too short is called truncated, any other damage is found by the checksum, and only then is
  // the content itself to blame.
  const Status checksum = verify_checksum(bytes, size);
  Result<Json> header = parse_json_object(parts->header, "the header");
  if (!header.ok()) return checksum.ok() ? header.status() : checksum;
  Result<std::vector<Entry>> entries = read_table(*header);
  if (!entries.ok()) return checksum.ok() ? entries.status() : checksum;
  const int64_t promised = entries->empty() ? 0 : entries->back().end;
  if (!checksum.ok() && promised <= parts->data_size) return checksum;
  BMX_RETURN_IF_ERROR(check_layout(*entries, parts->data_size));
  if (!checksum.ok()) return checksum;

  Container container;
  Result<std::map<std::string, std::string>> metadata = read_metadata(*header);
  if (!metadata.ok()) return metadata.status();
  container.metadata = std::move(*metadata);
  for (Entry& entry : *entries) {
    entry.tensor.data = parts->data + entry.begin;
    container.tensors.push_back(std::move(entry.tensor));
  }
  return container;
}

}  // namespace bmx
