#include "ops/node_reader.h"

#include <algorithm>

#include "base/bits.h"

namespace bmx {
namespace {

const ValueType kNoType{DType::kF32, {1}};
const Tensor kNoTensor;

bool fits(const Shape& shape, const Shape& expected) {
  return std::equal(shape.begin(), shape.end(), expected.begin(), expected.end(),
                    [](int64_t found, int64_t wanted) { return wanted == 0 || found == wanted; });
}

std::string pattern_of(const Shape& shape) {
  std::string text = text_of(shape);
  for (size_t at = 0; (at = text.find('0', at)) != std::string::npos; ++at) {
    const bool whole =
        (text[at - 1] == '[' || text[at - 1] == ' ') && (text[at + 1] == ',' || text[at + 1] == ']');
    if (whole) text[at] = '*';
  }
  return text;
}

// "i32 or bits or u1 to u8"; the unsigned types are listed all or none.
std::string names_of(std::initializer_list<DType> dtypes) {
  std::string names;
  for (DType dtype : dtypes) {
    if (dtype > DType::kU1 && dtype < DType::kU8) continue;
    names += dtype == DType::kU8 ? " to " : names.empty() ? "" : " or ";
    names += name_of(dtype);
  }
  return names;
}

}  // namespace

NodeReader::NodeReader(const Graph& graph, const Node& node, RepeatBudget* budget)
    : graph_(graph), node_(node), budget_(budget) {}

const ValueType& NodeReader::input(std::initializer_list<DType> dtypes, size_t rank) {
  if (node_.inputs.size() != 1) {
    fail("has " + std::to_string(node_.inputs.size()) + " inputs, 1 is expected");
    return kNoType;
  }
  return checked_input(node_.inputs[0], dtypes, rank);
}

std::vector<ValueType> NodeReader::inputs(size_t count, std::initializer_list<DType> dtypes) {
  std::vector<ValueType> types;
  if (count != 0 && node_.inputs.size() != count) {
    fail("has " + std::to_string(node_.inputs.size()) + " inputs, " + std::to_string(count) +
         " are expected");
    types.assign(count, kNoType);
    return types;
  }
  for (int id : node_.inputs) types.push_back(checked_input(id, dtypes, 0));
  return types;
}

const ValueType& NodeReader::checked_input(int id, std::initializer_list<DType> dtypes, size_t rank) {
  const ValueType& type = graph_.value_type(id);
  const bool right_dtype = std::find(dtypes.begin(), dtypes.end(), type.dtype) != dtypes.end();
  if (right_dtype && (rank == 0 || type.shape.size() == rank)) return type;
  std::string expected = names_of(dtypes);
  if (rank != 0) expected += " of rank " + std::to_string(rank);
  fail("takes " + expected + ", its input '" + graph_.value_name(id) + "' is " + text_of(type));
  return kNoType;
}

const Attribute* NodeReader::attribute(const char* name) {
  known_attributes_.insert(name);
  const auto found = node_.attributes.find(name);
  if (found != node_.attributes.end()) return &found->second;
  fail("lacks the attribute '" + std::string(name) + "'");
  return nullptr;
}

int64_t NodeReader::integer(const char* name) {
  const Attribute* found = attribute(name);
  if (!found) return 1;
  if (const auto* value = std::get_if<int64_t>(found)) return *value;
  fail("attribute '" + std::string(name) + "' must be an integer");
  return 1;
}

bool NodeReader::flag(const char* name) {
  const Attribute* found = attribute(name);
  if (!found) return false;
  if (const auto* value = std::get_if<bool>(found)) return *value;
  fail("attribute '" + std::string(name) + "' must be true or false");
  return false;
}

std::vector<int64_t> NodeReader::integers(const char* name) {
  const Attribute* found = attribute(name);
  if (!found) return {};
  if (const auto* value = std::get_if<std::vector<int64_t>>(found)) return *value;
  fail("attribute '" + std::string(name) + "' must be a list of integers");
  return {};
}

std::array<int64_t, 2> NodeReader::pair(const char* name, int64_t minimum) {
  const std::vector<int64_t> values = integers(name);
  const auto in_range = [minimum](int64_t value) { return value >= minimum && value <= INT32_MAX; };
  if (values.size() == 2 && in_range(values[0]) && in_range(values[1])) return {values[0], values[1]};
  fail("attribute '" + std::string(name) + "' must be [height, width], both at least " +
       std::to_string(minimum) + "; found " + text_of(values));
  return {1, 1};
}

bool NodeReader::has_tensor(const char* role) {
  known_tensors_.insert(role);
  return node_.tensors.count(role) > 0;
}

const Tensor& NodeReader::tensor(const char* role, TensorType type, const Shape& shape) {
  return tensor(role, {type}, shape);
}

const Tensor& NodeReader::tensor(const char* role, std::initializer_list<TensorType> types,
                                 const Shape& shape) {
  return tensor_of(role, types, {shape});
}

const Tensor& NodeReader::channel_tensor(const char* role, std::initializer_list<TensorType> types,
                                         const Shape& shape) {
  Shape one = shape;
  one.back() = 1;
  return one == shape ? tensor_of(role, types, {shape}) : tensor_of(role, types, {shape, one});
}

bool NodeReader::may_repeat(const char* role, int64_t count) {
  if (count <= budget_->left) {
    budget_->left -= count;
    return true;
  }
  fail("tensor '" + std::string(role) + "' stands for " + std::to_string(count) +
       " numbers; tensors of one number for all channels may stand for 2^24 in the whole graph");
  return false;
}

const Tensor& NodeReader::tensor_of(const char* role, std::initializer_list<TensorType> types,
                                    std::initializer_list<Shape> shapes) {
  if (!has_tensor(role)) {
    fail("lacks the tensor '" + std::string(role) + "'");
    return kNoTensor;
  }
  const Tensor& found = node_.tensors.at(role);
  const bool right_type = std::find(types.begin(), types.end(), found.type) != types.end();
  const bool right_shape =
      std::any_of(shapes.begin(), shapes.end(), [&](const Shape& shape) { return fits(found.shape, shape); });
  if (right_type && right_shape) return found;
  std::string expected, patterns;
  for (TensorType type : types) expected += (expected.empty() ? "" : " or ") + std::string(name_of(type));
  for (const Shape& shape : shapes) patterns += (patterns.empty() ? "" : " or ") + pattern_of(shape);
  fail("tensor '" + std::string(role) + "' must be " + expected + " " + patterns + ", found " +
       name_of(found.type) + " " + text_of(found.shape));
  return kNoTensor;
}

AlignedArray<uint64_t> NodeReader::packed(const char* role, Shape rows, int64_t channels) {
  rows.push_back(bytes_for(channels));
  const Tensor& found = tensor(role, TensorType::kU8, rows);
  if (!ok()) return {};
  const int64_t row_bytes = bytes_for(channels), row_words = words_for(channels),
                count = found.bytes / row_bytes;
  AlignedArray<uint64_t> words(static_cast<size_t>(count * row_words));
  if (words.size() == 0) {
    fail_memory(role);
    return {};
  }
  const int unused_from = static_cast<int>(channels - 8 * (row_bytes - 1));
  for (int64_t row = 0; row < count; ++row) {
    const uint8_t* bytes = found.data + row * row_bytes;
    if (bytes[row_bytes - 1] >> unused_from != 0) {
      fail("tensor '" + std::string(role) + "' has bits set past its " + std::to_string(channels) +
           " channels");
      return {};
    }
    words_from_bytes(bytes, channels, words.data() + row * row_words);
  }
  return words;
}

PackedWords NodeReader::packed_words(const char* role, Shape rows, int64_t channels) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  if (channels % kWordBits == 0) {
    Shape shape = rows;
    shape.push_back(bytes_for(channels));
    const Tensor& found = tensor(role, TensorType::kU8, shape);
    if (ok() && reinterpret_cast<uintptr_t>(found.data) % alignof(uint64_t) == 0)
      return PackedWords(reinterpret_cast<const uint64_t*>(found.data));
  }
#endif
  return PackedWords(packed(role, std::move(rows), channels));
}

void NodeReader::expect_output(const ValueType& computed) {
  if (computed == node_.declared) return;
  fail("declares " + text_of(node_.declared) + ", but its input and attributes make " + text_of(computed));
}

void NodeReader::fail(const std::string& message) {
  if (status_.ok()) status_ = corrupt_file("node '" + node_.name + "' (" + node_.op + "): " + message);
}

void NodeReader::fail_memory(const char* role) {
  if (!status_.ok()) return;
  status_ = {Code::kOutOfMemory, "no memory for tensor '" + node_.tensors.at(role).name + "'"};
}

Status NodeReader::status() {
  for (const auto& item : node_.attributes) {
    if (known_attributes_.count(item.first) == 0) fail("attribute '" + item.first + "' is not known");
  }
  for (const auto& item : node_.tensors) {
    if (known_tensors_.count(item.first) == 0) fail("tensor '" + item.first + "' is not known");
  }
  return status_;
}

}  // namespace bmx
