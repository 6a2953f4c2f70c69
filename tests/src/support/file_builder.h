// Writes .bmx files from docs/format.md, with a CRC of its own, so that the reader is not tested against
// itself.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace bmx::testing {

using OrderedJson = nlohmann::ordered_json;

inline uint32_t crc32_bit_by_bit(const std::string& bytes) {
  uint32_t state = 0xffffffff;
  for (char byte : bytes) {
    state ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ (state & 1 ? 0xedb88320 : 0);
  }
  return ~state;
}

// Puts the right checksum into a file that is at least 55 bytes long.
inline std::string seal(std::string file) {
  file.replace(47, 8, "00000000");
  char digits[9];
  std::snprintf(digits, sizeof(digits), "%08x", crc32_bit_by_bit(file));
  return file.replace(47, 8, digits);
}

inline std::string assemble(std::string header, const std::string& data) {
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const uint64_t length = header.size();
  std::string prefix(8, '\0');
  std::memcpy(prefix.data(), &length, 8);
  return seal(prefix + header + data);
}

inline OrderedJson metadata_of(const std::string& graph) {
  return {{"bmx.checksum", "crc32:00000000"},
          {"bmx.format_version", "1"},
          {"bmx.producer", "tests 0"},
          {"bmx.graph", graph}};
}

// Add float tensors before integer ones and those before packed ones: that is the order of the file.
class FileBuilder {
 public:
  explicit FileBuilder(std::vector<int64_t> input_shape) {
    graph["name"] = "net";
    graph["inputs"] = OrderedJson::array();
    graph["inputs"].push_back({{"name", "data"}, {"dtype", "f32"}, {"shape", std::move(input_shape)}});
    graph["outputs"] = OrderedJson::array();
    graph["nodes"] = OrderedJson::array();
  }

  template <class T>
  void tensor(const std::string& name, const char* dtype, const std::vector<int64_t>& shape,
              const std::vector<T>& values) {
    const size_t begin = data.size();
    data.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
    table[name] = {{"dtype", dtype}, {"shape", shape}, {"data_offsets", {begin, data.size()}}};
  }

  // Returns the node's name: the operator's and the node's number.
  std::string node(const std::string& op, const std::string& input, const char* dtype,
                   const std::vector<int64_t>& shape, const OrderedJson& attrs = OrderedJson::object(),
                   const std::map<std::string, std::string>& tensors = {}) {
    const std::string name = op + std::to_string(graph["nodes"].size());
    graph["nodes"].push_back({{"name", name},
                              {"op", op},
                              {"inputs", {input}},
                              {"dtype", dtype},
                              {"shape", shape},
                              {"attrs", attrs},
                              {"tensors", tensors}});
    return name;
  }

  std::string encode(const std::vector<std::string>& outputs) {
    graph["outputs"] = outputs;
    return encode_with(metadata_of(graph.dump()));
  }

  std::string encode_with(const OrderedJson& metadata) const {
    OrderedJson header;
    header["__metadata__"] = metadata;
    for (const auto& item : table.items()) header[item.key()] = item.value();
    return assemble(header.dump(), data);
  }

  OrderedJson graph;
  OrderedJson table = OrderedJson::object();
  std::string data;
};

inline OrderedJson conv_attrs(int64_t stride, int64_t padding, int64_t groups = 1) {
  return {{"strides", {stride, stride}},
          {"padding", {padding, padding}},
          {"dilation", {1, 1}},
          {"groups", groups}};
}

inline OrderedJson pool_attrs(int64_t kernel, int64_t stride, int64_t padding, bool ceil_mode) {
  return {{"kernel", {kernel, kernel}},
          {"strides", {stride, stride}},
          {"padding", {padding, padding}},
          {"ceil_mode", ceil_mode}};
}

}  // namespace bmx::testing
