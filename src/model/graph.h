// The graph of a .bmx file (docs/format.md, "Graph"): what it says, checked for everything but the operators'
// own rules.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "model/types.h"

namespace bmx {

inline constexpr size_t kMaxNodes = 65536;
inline constexpr size_t kMaxInputs = 64;  // of a node

// x = (u8 * scale - mean[c]) / std[c]; one mean and std for each channel of the input.
struct Preprocessing {
  double scale = 1;
  std::vector<double> mean, std;
};

struct GraphInput {
  std::string name;
  ValueType type;
  std::optional<Preprocessing> preprocessing;
};

using Attribute = std::variant<bool, int64_t, std::vector<int64_t>>;

struct Node {
  std::string name;
  std::string op;
  std::vector<int> inputs;  // ids of values
  ValueType declared;       // what the file says about the result; operators compute it again and compare
  std::map<std::string, Attribute> attributes;
  std::map<std::string, Tensor> tensors;  // by role: "weight", "bias", ...
};

// A value is a graph input or the result of a node; its id is the index of the input, or inputs.size() plus
// the index of the node. Ids are in topological order.
struct Graph {
  std::string name;
  std::vector<GraphInput> inputs;
  std::vector<Node> nodes;
  std::vector<int> outputs;  // ids of values
  std::vector<std::string> classes;

  int value_count() const { return static_cast<int>(inputs.size() + nodes.size()); }
  bool is_input(int value) const { return static_cast<size_t>(value) < inputs.size(); }
  const Node& producer(int value) const { return nodes[static_cast<size_t>(value) - inputs.size()]; }
  const std::string& value_name(int value) const;
  const ValueType& value_type(int value) const;
};

// The channels of a graph input, which is laid out as in training: the first axis of a rank-3 input,
// otherwise 1.
int64_t input_channels(const ValueType& type);

// Not empty and without control characters, which would let a file write to the terminal of whoever prints
// its names.
bool is_valid_name(const std::string& name);

Result<Graph> parse_graph(std::string_view json, const std::vector<Tensor>& tensors);

}  // namespace bmx
