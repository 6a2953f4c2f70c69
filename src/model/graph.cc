#include "model/graph.h"

#include <algorithm>
#include <set>

#include "base/checked.h"
#include "model/container.h"
#include "model/json.h"

namespace bmx {
namespace {

std::optional<DType> dtype_of(const std::string& name) {
  for (int dtype = 0; dtype <= static_cast<int>(DType::kBytes); ++dtype) {
    if (name == name_of(static_cast<DType>(dtype))) return static_cast<DType>(dtype);
  }
  return std::nullopt;
}

class GraphParser {
 public:
  explicit GraphParser(const std::vector<Tensor>& tensors) {
    for (const Tensor& tensor : tensors) tensors_[tensor.name] = &tensor;
  }

  Result<Graph> parse(const Json& json) {
    ObjectReader reader(json, "the graph", &status_);
    graph_.name = reader.string("name");
    for (const Json& input : reader.array("inputs")) parse_input(input);
    if (graph_.inputs.empty()) reader.fail("it has no inputs");
    const Json& nodes = reader.array("nodes");
    if (nodes.size() > kMaxNodes) reader.fail("it has more than " + std::to_string(kMaxNodes) + " nodes");
    for (const Json& node : nodes) {
      parse_node(node);
      if (!status_.ok()) return status_;
    }
    parse_outputs(reader);
    if (reader.has("classes")) parse_classes(reader);
    reader.refuse_unread();
    check_every_tensor_used(reader);
    if (!status_.ok()) return status_;
    return std::move(graph_);
  }

 private:
  void parse_input(const Json& json) {
    ObjectReader named(json, "an input", &status_);
    GraphInput input;
    input.name = named.string("name");
    ObjectReader reader(json, "input '" + input.name + "'", &status_);
    reader.has("name");
    input.type = parse_type(reader);
    const bool bytes = input.type.dtype == DType::kBytes;
    if (input.type.dtype != DType::kF32 && !bytes) reader.fail("dtype must be f32 or bytes");
    if (reader.has("preprocessing")) {
      if (bytes) reader.fail("bytes are taken as they are: 'preprocessing' is for f32 inputs");
      input.preprocessing = parse_preprocessing(reader.object("preprocessing"), input);
    }
    reader.refuse_unread();
    define(input.name, reader);
    graph_.inputs.push_back(std::move(input));
  }

  Preprocessing parse_preprocessing(const Json& json, const GraphInput& input) {
    ObjectReader reader(json, "input '" + input.name + "': preprocessing", &status_);
    Preprocessing preprocessing;
    preprocessing.scale = reader.number("scale");
    preprocessing.mean = reader.numbers("mean");
    preprocessing.std = reader.numbers("std");
    reader.refuse_unread();
    const auto channels = static_cast<size_t>(input_channels(input.type));
    if (preprocessing.mean.size() != channels || preprocessing.std.size() != channels) {
      reader.fail("'mean' and 'std' must have one entry for each of the " + std::to_string(channels) +
                  " channels");
    }
    for (double deviation : preprocessing.std) {
      if (deviation == 0) reader.fail("'std' must not hold 0");
    }
    return preprocessing;
  }

  void parse_node(const Json& json) {
    ObjectReader named(json, "node " + std::to_string(graph_.nodes.size()), &status_);
    Node node;
    node.name = named.string("name");
    ObjectReader reader(json, "node '" + node.name + "'", &status_);
    reader.has("name");
    node.op = reader.string("op");
    for (const std::string& name : reader.strings("inputs")) node.inputs.push_back(find_value(name, reader));
    if (node.inputs.empty() || node.inputs.size() > kMaxInputs) {
      reader.fail("expected 1 to " + std::to_string(kMaxInputs) + " inputs, found " +
                  std::to_string(node.inputs.size()));
    }
    node.declared = parse_type(reader);
    if (reader.has("attrs")) parse_attributes(reader.object("attrs"), reader, &node);
    if (reader.has("tensors")) parse_tensors(reader.object("tensors"), reader, &node);
    reader.refuse_unread();
    if (!is_valid_name(node.op)) reader.fail("'op' must be the name of an operator");
    define(node.name, reader);
    graph_.nodes.push_back(std::move(node));
  }

  ValueType parse_type(ObjectReader& reader) {
    ValueType type;
    const std::string dtype = reader.string("dtype");
    type.shape = reader.integers("shape");
    if (!status_.ok()) return type;
    const std::optional<DType> known = dtype_of(dtype);
    if (!known) reader.fail("dtype '" + dtype + "' is not one of f32, i32, bits, u1 to u8, bytes");
    type.dtype = known.value_or(DType::kF32);
    std::optional<int64_t> elements = 1;
    for (int64_t d : type.shape) elements = elements ? checked_product({*elements, d}) : std::nullopt;
    if (type.shape.empty() || !is_valid_shape(type.shape) || !elements || *elements > kMaxDimension) {
      reader.fail("shape " + text_of(type.shape) +
                  " is outside the limits (rank 1 to 8, dimensions and their product from 1 to 2147483647)");
    }
    return type;
  }

  void parse_attributes(const Json& json, ObjectReader& reader, Node* node) {
    if (!status_.ok()) return;
    for (const auto& item : json.items()) {
      if (!is_valid_name(item.key())) reader.fail("an attribute's name must not hold control characters");
      const Json& value = item.value();
      const auto is_integers = [&] { return std::all_of(value.begin(), value.end(), is_int64); };
      Attribute& attribute = node->attributes[item.key()];
      if (value.is_boolean()) {
        attribute = value.get<bool>();
      } else if (is_int64(value)) {
        attribute = value.get<int64_t>();
      } else if (value.is_array() && is_integers()) {
        attribute = value.get<std::vector<int64_t>>();
      } else {
        reader.fail("attribute '" + item.key() + "' is neither a boolean, an integer nor a list of integers");
      }
    }
  }

  void parse_tensors(const Json& json, ObjectReader& reader, Node* node) {
    if (!status_.ok()) return;
    for (const auto& item : json.items()) {
      const auto found =
          item.value().is_string() ? tensors_.find(item.value().get<std::string>()) : tensors_.end();
      if (found == tensors_.end()) {
        reader.fail("'" + item.key() +
                    "' names a tensor that the file does not hold: " + item.value().dump());
        return;
      }
      if (!is_valid_name(item.key())) reader.fail("a tensor's role must not hold control characters");
      node->tensors[item.key()] = *found->second;
      used_.insert(found->first);
    }
  }

  void parse_outputs(ObjectReader& reader) {
    for (const std::string& name : reader.strings("outputs")) {
      const int value = find_value(name, reader);
      const auto& outputs = graph_.outputs;
      if (std::count(outputs.begin(), outputs.end(), value) > 0)
        reader.fail("output '" + name + "' is named twice");
      graph_.outputs.push_back(value);
    }
    if (graph_.outputs.empty()) reader.fail("it has no outputs");
  }

  void parse_classes(ObjectReader& reader) {
    graph_.classes = reader.strings("classes");
    if (!status_.ok()) return;
    const int64_t expected = graph_.value_type(graph_.outputs[0]).shape.back();
    if (static_cast<int64_t>(graph_.classes.size()) != expected) {
      reader.fail("'classes' has " + std::to_string(graph_.classes.size()) +
                  " labels, the first output has " + std::to_string(expected));
    }
  }

  void check_every_tensor_used(ObjectReader& reader) {
    for (const auto& tensor : tensors_) {
      if (used_.count(tensor.first) == 0) reader.fail("tensor '" + tensor.first + "' is used by no node");
    }
  }

  void define(const std::string& name, ObjectReader& reader) {
    if (!is_valid_name(name)) reader.fail("a name must not be empty and must not hold control characters");
    const int id = graph_.value_count();
    if (!values_.emplace(name, id).second) reader.fail("the name '" + name + "' is used twice");
  }

  int find_value(const std::string& name, ObjectReader& reader) {
    const auto found = values_.find(name);
    if (found != values_.end()) return found->second;
    reader.fail("'" + name + "' is neither an input of the graph nor a node before this place");
    return 0;
  }

  Status status_;
  Graph graph_;
  std::map<std::string, const Tensor*> tensors_;
  std::map<std::string, int> values_;
  std::set<std::string> used_;
};

}  // namespace

bool is_valid_name(const std::string& name) {
  return !name.empty() && std::none_of(name.begin(), name.end(), is_control_character);
}

const std::string& Graph::value_name(int value) const {
  return is_input(value) ? inputs[static_cast<size_t>(value)].name : producer(value).name;
}

const ValueType& Graph::value_type(int value) const {
  return is_input(value) ? inputs[static_cast<size_t>(value)].type : producer(value).declared;
}

int64_t input_channels(const ValueType& type) { return type.shape.size() == 3 ? type.shape[0] : 1; }

Result<Graph> parse_graph(std::string_view json, const std::vector<Tensor>& tensors) {
  Result<Json> document = parse_json_object(json, "the graph");
  if (!document.ok()) return document.status();
  return GraphParser(tensors).parse(*document);
}

}  // namespace bmx
