#include "runtime/program.h"

#include <algorithm>
#include <utility>

#include "ops/node_reader.h"
#include "ops/operator.h"

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

// Builds the steps of a program, node by node.
class ProgramBuilder {
 public:
  ProgramBuilder(const Graph& graph, Program* program)
      : graph_(graph), program_(*program), consumers_(count_consumers(graph)) {
    for (int value = 0; value < graph.value_count(); ++value) {
      program_.storage_.push_back(value);
      program_.places_.push_back({0, graph.value_type(value).shape.back()});
    }
    ready_.assign(static_cast<size_t>(graph.value_count()), -1);
  }

  void add(size_t n) {
    const Operator& op = program_.op(n);
    const std::vector<int>& inputs = graph_.nodes[n].inputs;
    const int output = static_cast<int>(graph_.inputs.size() + n);
    program_.computed_by_.push_back(n);
    if (op.is_view()) {
      program_.storage_[static_cast<size_t>(output)] = program_.storage(inputs[0]);
      ready(output) = ready(inputs[0]);
      return;
    }
    if (inputs.size() <= 2 && fuse(op, inputs, output)) {
      program_.computed_by_[n] = program_.computed_by_[producer_];
      return;
    }
    ready(output) = static_cast<int>(program_.steps_.size());
    program_.steps_.push_back({&op, inputs, output, -1});
    program_.nodes_.push_back(n);
  }

  // The last concatenation first: an earlier one that is a part of it then takes its own parts along.
  void place_concats() {
    find_placeable();
    const std::vector<Step>& steps = program_.steps_;
    for (size_t s = steps.size(); s-- > 0;) {
      if (steps[s].op->is_concat()) place_parts(steps[s]);
    }
  }

 private:
  // Values that may lie inside a concatenation: their step and all their readers can leave gaps between rows,
  // and nothing is a view of them or returns them.
  void find_placeable() {
    placeable_.assign(ready_.size(), false);
    for (const Step& step : program_.steps_) {
      placeable_[static_cast<size_t>(step.output)] = step.op->writes_strided();
    }
    for (const Step& step : program_.steps_) {
      for (int value : step.inputs) {
        if (!step.op->reads_strided()) placeable_[static_cast<size_t>(value)] = false;
      }
    }
    for (int value : graph_.outputs) placeable_[static_cast<size_t>(value)] = false;
    for (int value = 0; value < graph_.value_count(); ++value) {
      if (program_.storage(value) == value) continue;
      placeable_[static_cast<size_t>(value)] = placeable_[static_cast<size_t>(program_.storage(value))] =
          false;
    }
  }

  void place_parts(const Step& concat) {
    int64_t offset = program_.storage_offset(concat.output);
    for (int value : concat.inputs) {
      const auto v = static_cast<size_t>(value);
      if (placeable_[v]) {
        program_.storage_[v] = program_.storage(concat.output);
        program_.places_[v] = {offset, program_.stride(concat.output)};
        placeable_[v] = false;  // it has its place
      }
      offset += graph_.value_type(value).shape.back() * int64_t{sizeof(float)};
    }
  }

  // The step after which a value is there; -1 for inputs.
  int& ready(int value) { return ready_[static_cast<size_t>(value)]; }

  bool fuse(const Operator& op, const std::vector<int>& inputs, int output) {
    // The one that is computed last can take the other one in.
    const bool second = inputs.size() == 2 && ready(inputs[1]) > ready(inputs[0]);
    const int value = inputs[second ? 1 : 0];
    const int s = ready(value);
    if (s < 0 || program_.steps_[static_cast<size_t>(s)].output != value) return false;
    Step& step = program_.steps_[static_cast<size_t>(s)];
    producer_ = static_cast<size_t>(value) - graph_.inputs.size();
    Epilogue* epilogue = program_.operators_[program_.computed_by_[producer_]]->epilogue();
    if (epilogue == nullptr) return false;
    if (inputs.size() == 2) {
      const int other = inputs[second ? 0 : 1];
      if (other == value || ready(other) == s) return false;
      if (graph_.value_type(other) != graph_.value_type(value)) return false;
    }
    const bool alone = consumers_[static_cast<size_t>(value)] == 1;
    const bool both = !alone && op.output().dtype == DType::kBits && step.bits < 0;
    if ((!alone && !both) || !op.fuse_into(epilogue)) return false;
    if (inputs.size() == 2) step.inputs.push_back(inputs[second ? 0 : 1]);
    (both ? step.bits : step.output) = output;
    ready(output) = s;
    return true;
  }

  const Graph& graph_;
  Program& program_;
  const std::vector<int> consumers_;
  std::vector<int> ready_;       // by value
  std::vector<bool> placeable_;  // by value
  size_t producer_ = 0;          // the node that fuse() found
};

Result<Program> Program::build(const Graph& graph, const Kernels& kernels) {
  Program program;
  ProgramBuilder builder(graph, &program);
  RepeatBudget repeats;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    Result<OperatorPtr> created = create_operator(graph, graph.nodes[n], kernels, &repeats);
    if (!created.ok()) return created.status();
    program.operators_.push_back(std::move(*created));
    builder.add(n);
  }
  builder.place_concats();
  return program;
}

}  // namespace bmx
