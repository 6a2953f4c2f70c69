#include "runtime/program.h"

#include <utility>

#include "ops/registry.h"

namespace bmx {
namespace {

std::vector<int> count_consumers(const Graph& graph) {
  std::vector<int> consumers(static_cast<size_t>(graph.value_count()), 0);
  for (const Node& node : graph.nodes) {
    for (int value : node.inputs) ++consumers[static_cast<size_t>(value)];
  }
  for (int value : graph.outputs) ++consumers[static_cast<size_t>(value)];
  return consumers;
}

}  // namespace

Result<Program> Program::build(const Graph& graph, const Kernels& kernels) {
  Program program;
  const std::vector<int> consumers = count_consumers(graph);
  const int inputs = static_cast<int>(graph.inputs.size());
  for (int value = 0; value < graph.value_count(); ++value) program.storage_.push_back(value);
  std::vector<int> step_of(static_cast<size_t>(graph.value_count()), -1);

  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    Result<OperatorPtr> created = create_operator(graph, graph.nodes[n], kernels);
    if (!created.ok()) return created.status();
    const Operator& op = **created;
    program.operators_.push_back(std::move(*created));
    program.computed_by_.push_back(n);

    const int input = graph.nodes[n].inputs[0], output = inputs + static_cast<int>(n);
    int& step = step_of[static_cast<size_t>(output)];
    const int before = step_of[static_cast<size_t>(input)];
    if (op.is_view()) {
      program.storage_[static_cast<size_t>(output)] = program.storage(input);
      continue;
    }
    if (before >= 0 && consumers[static_cast<size_t>(input)] == 1) {
      const size_t producer = program.computed_by_[static_cast<size_t>(input - inputs)];
      Epilogue* epilogue = program.operators_[producer]->epilogue();
      if (epilogue && op.fuse_into(epilogue)) {
        program.computed_by_[n] = producer;
        program.steps_[static_cast<size_t>(before)].output = output;
        step = before;
        continue;
      }
    }
    step = static_cast<int>(program.steps_.size());
    program.steps_.push_back({&op, input, output});
  }
  return program;
}

}  // namespace bmx
