#include "runtime/plan.h"

#include <algorithm>

#include "base/aligned.h"
#include "base/checked.h"
#include "runtime/memory_planner.h"

namespace bmx {
namespace {

constexpr int kUnused = -2;

// Lifetimes by value: step -1 stands for the arrival of the inputs, the step after the last one for the
// outputs.
std::vector<Buffer> lifetimes(const Graph& graph, const Program& program) {
  std::vector<Buffer> buffers(static_cast<size_t>(graph.value_count()), Buffer{0, kUnused, kUnused});
  const auto buffer = [&](int value) -> Buffer& {
    return buffers[static_cast<size_t>(program.storage(value))];
  };
  for (int value = 0; value < static_cast<int>(graph.inputs.size()); ++value) {
    if (graph.inputs[static_cast<size_t>(value)].preprocessing) buffer(value).first = buffer(value).last = -1;
  }
  const std::vector<Step>& steps = program.steps();
  for (int s = 0; s < static_cast<int>(steps.size()); ++s) {
    const Step& step = steps[static_cast<size_t>(s)];
    for (int value : step.inputs) buffer(value).last = s;
    for (int value : {step.output, step.bits}) {
      if (value < 0) continue;
      // A concatenation begins with the first of its parts.
      if (buffer(value).first == kUnused) buffer(value).first = s;
      buffer(value).last = s;
    }
  }
  for (int value : graph.outputs) buffer(value).last = static_cast<int>(steps.size());
  return buffers;
}

int64_t largest_workspace(const Program& program, int threads) {
  int64_t bytes = 0;
  for (const Step& step : program.steps()) bytes = std::max(bytes, step.op->workspace_bytes(threads));
  return bytes;
}

Status too_large(int64_t capacity) {
  return {Code::kOutOfMemory,
          "a batch of " + std::to_string(capacity) + " samples needs more memory than can be addressed"};
}

}  // namespace

Result<Plan> make_plan(const Graph& graph, const Program& program, int64_t capacity, int threads) {
  std::vector<Buffer> buffers;
  std::vector<int> values;
  int64_t total = 0;
  const std::vector<Buffer> all = lifetimes(graph, program);
  for (int value = 0; value < graph.value_count(); ++value) {
    Buffer buffer = all[static_cast<size_t>(value)];
    if (buffer.first == kUnused) continue;
    const auto bytes = checked_product({graph.value_type(value).bytes(), capacity});
    const auto sum = bytes ? checked_sum(total, *bytes) : std::nullopt;
    if (!sum || *sum > INT64_MAX / 2) return too_large(capacity);
    total = *sum;
    buffer.bytes = *bytes;
    buffers.push_back(buffer);
    values.push_back(value);
  }

  const MemoryLayout layout = plan_memory(buffers);
  Plan plan;
  plan.capacity = capacity;
  plan.offsets.assign(static_cast<size_t>(graph.value_count()), -1);
  for (size_t i = 0; i < values.size(); ++i) plan.offsets[static_cast<size_t>(values[i])] = layout.offsets[i];
  plan.workspace_offset = layout.bytes;
  plan.live_bytes = largest_live_bytes(buffers, 1);
  const auto arena = checked_sum(layout.bytes, largest_workspace(program, threads));
  if (!arena) return too_large(capacity);
  plan.arena_bytes = *arena;
  return plan;
}

Result<Plan> make_plan_within(const Graph& graph, const Program& program, int64_t batch, int64_t arena_bytes,
                              int threads) {
  Result<Plan> single = make_plan(graph, program, 1, threads);
  if (!single.ok()) return single;
  const int64_t sample = std::max<int64_t>(single->workspace_offset, 1);
  const int64_t room = arena_bytes - (single->arena_bytes - single->workspace_offset);
  const int64_t capacity = std::min(batch, std::max<int64_t>(room / sample, 1));
  return capacity == 1 ? single : make_plan(graph, program, capacity, threads);
}

}  // namespace bmx
