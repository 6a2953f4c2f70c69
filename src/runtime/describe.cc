#include "runtime/describe.h"

#include "base/checked.h"
#include "model/json.h"
#include "runtime/plan.h"

namespace bmx {
namespace {

Json type_json(const std::string& name, const ValueType& type) {
  return {{"name", name}, {"dtype", name_of(type.dtype)}, {"shape", type.shape}};
}

Json input_json(const GraphInput& input) {
  Json json = type_json(input.name, input.type);
  if (!input.preprocessing) return json;
  const Preprocessing& rule = *input.preprocessing;
  json["preprocessing"] = {{"scale", rule.scale}, {"mean", rule.mean}, {"std", rule.std}};
  return json;
}

Json attributes_json(const Node& node) {
  Json json = Json::object();
  for (const auto& item : node.attributes) {
    std::visit([&](const auto& value) { json[item.first] = value; }, item.second);
  }
  return json;
}

Json node_json(const Model& model, size_t index) {
  const Graph& graph = model.graph();
  const Node& node = graph.nodes[index];
  Json json = type_json(node.name, node.declared);
  json["op"] = node.op;
  json["inputs"] = Json::array();
  for (int value : node.inputs) json["inputs"].push_back(graph.value_name(value));
  json["attrs"] = attributes_json(node);
  int64_t weight_bytes = 0;
  for (const auto& item : node.tensors) weight_bytes += item.second.bytes;
  json["weight_bytes"] = weight_bytes;
  json["macs"] = model.program().op(index).macs();
  json["computed_by"] = graph.nodes[model.program().computed_by(index)].name;
  return json;
}

}  // namespace

std::string describe(const Model& model) {
  const Graph& graph = model.graph();
  const auto& metadata = model.file().metadata();
  Json json = {{"name", graph.name},
               {"isa", model.kernels().name},
               {"format_version", metadata.at("bmx.format_version")},
               {"producer", metadata.at("bmx.producer")},
               {"file_bytes", model.file().size()},
               {"inputs", Json::array()},
               {"outputs", Json::array()},
               {"classes", graph.classes},
               {"nodes", Json::array()},
               {"report", nullptr}};
  for (const GraphInput& input : graph.inputs) json["inputs"].push_back(input_json(input));
  for (int value : graph.outputs)
    json["outputs"].push_back(type_json(graph.value_name(value), graph.value_type(value)));
  for (size_t n = 0; n < graph.nodes.size(); ++n) json["nodes"].push_back(node_json(model, n));
  const auto report = metadata.find("bmx.report");
  if (report != metadata.end()) {
    Result<Json> parsed = parse_json_object(report->second, "bmx.report");
    if (parsed.ok()) json["report"] = std::move(*parsed);
  }
  return json.dump();
}

Result<std::string> describe_memory(const Model& model, int64_t batch, int threads) {
  if (batch < 1) return invalid_argument("the batch must be at least 1, found " + std::to_string(batch));
  const Graph& graph = model.graph();
  Result<Plan> plan = make_plan_within(graph, model.program(), batch, kArenaTarget, threads);
  if (!plan.ok()) return plan.status();
  int64_t output_elements = 0, packed_bytes = 0;
  for (int value : graph.outputs) output_elements += graph.value_type(value).elements();
  for (size_t n = 0; n < graph.nodes.size(); ++n) packed_bytes += model.program().op(n).packed_bytes();
  const auto output_bytes = checked_product({output_elements, batch, int64_t{sizeof(float)}});
  if (!output_bytes)
    return Status(Code::kOutOfMemory, "the outputs of " + std::to_string(batch) + " samples are too large");
  const Json json = {{"batch", batch},
                     {"threads", threads},
                     {"slice_samples", plan->capacity},
                     {"arena_bytes", plan->workspace_offset},
                     {"live_bytes", plan->live_bytes},
                     {"workspace_bytes", plan->arena_bytes - plan->workspace_offset},
                     {"output_bytes", *output_bytes},
                     {"packed_bytes", packed_bytes},
                     {"file_bytes", model.file().size()}};
  return json.dump();
}

}  // namespace bmx
