#include "ops/registry.h"

namespace bmx {
namespace {

struct Entry {
  const char* name;
  Result<OperatorPtr> (*create)(NodeReader& node, const Kernels& kernels);
};

constexpr Entry kEntries[] = {
    {"add", create_add},
    {"affine", create_affine},
    {"avg_pool2d", create_avg_pool2d},
    {"binary_conv2d", create_binary_conv2d},
    {"binary_dense", create_binary_dense},
    {"binary_weight_conv2d", create_binary_weight_conv2d},
    {"binary_weight_dense", create_binary_weight_dense},
    {"cast", create_cast},
    {"clip", create_clip},
    {"concat", create_concat},
    {"conv2d", create_conv2d},
    {"dense", create_dense},
    {"div", create_div},
    {"elu", create_elu},
    {"flatten", create_flatten},
    {"integer_conv2d", create_integer_conv2d},
    {"integer_dense", create_integer_dense},
    {"lrn", create_lrn},
    {"max_pool2d", create_max_pool2d},
    {"mul", create_mul},
    {"pad2d", create_pad2d},
    {"prelu", create_prelu},
    {"quantize", create_quantize},
    {"relu", create_relu},
    {"reshape", create_reshape},
    {"shuffle_channels", create_shuffle_channels},
    {"sigmoid", create_sigmoid},
    {"slice", create_slice},
    {"softmax", create_softmax},
    {"sub", create_sub},
    {"tanh", create_tanh},
    {"threshold", create_threshold},
    {"to_planes", create_to_planes},
    {"transpose", create_transpose},
    {"upsample2d", create_upsample2d},
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
  return names;
}

Result<OperatorPtr> create_operator(const Graph& graph, const Node& node, const Kernels& kernels,
                                    RepeatBudget* budget) {
  const Entry* entry = find_entry(node.op);
  if (!entry) return unknown_operator(node);
  NodeReader reader(graph, node, budget);
  Result<OperatorPtr> created = entry->create(reader, kernels);
  if (!created.ok()) return created;
  BMX_RETURN_IF_ERROR(reader.finish());
  reader.expect_output((*created)->output());
  BMX_RETURN_IF_ERROR(reader.finish());
  return created;
}

}  // namespace bmx
