#include "ops/operator.h"

#include <algorithm>

#include "ops/node_reader.h"

namespace bmx {
namespace {

struct Entry {
  const char* name;
  Result<OperatorPtr> (*create)(NodeReader& node, const Kernels& kernels);
};

constexpr Entry kEntries[] = {
#define BMX_OPERATOR(name) {#name, create_##name},
#include "ops/op_list.inc"
#undef BMX_OPERATOR
};

const Entry* find_entry(const std::string& op) {
  for (const Entry& entry : kEntries) {
    if (op == entry.name) return &entry;
  }
  return nullptr;
}

Status unknown_operator(const Node& node) {
  std::string known;
  for (const std::string& name : operator_names()) known += (known.empty() ? "" : ", ") + name;
  return unsupported("node '" + node.name + "' uses the operator '" + node.op +
                     "', which this runtime does not have; it has " + known);
}

}  // namespace

std::vector<std::string> operator_names() {
  std::vector<std::string> names;
  for (const Entry& entry : kEntries) names.emplace_back(entry.name);
  std::sort(names.begin(), names.end());
  return names;
}

Result<OperatorPtr> create_operator(const Graph& graph, const Node& node, const Kernels& kernels,
                                    RepeatBudget* budget) {
  const Entry* entry = find_entry(node.op);
  if (!entry) return unknown_operator(node);
  NodeReader reader(graph, node, budget);
  Result<OperatorPtr> created = entry->create(reader, kernels);
  if (!created.ok()) return created;
  BMX_RETURN_IF_ERROR(reader.status());
  reader.expect_output((*created)->output());
  BMX_RETURN_IF_ERROR(reader.status());
  return created;
}

}  // namespace bmx
