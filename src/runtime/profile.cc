#include "runtime/profile.h"

#include <algorithm>
#include <chrono>

#include "base/checked.h"
#include "model/json.h"

namespace bmx {
namespace {

constexpr int64_t kMostTimeBytes = int64_t{256} << 20;

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

Status check_runs(int64_t runs) {
  if (runs >= 1 && runs <= kMaxTimedRuns) return {};
  return invalid_argument("runs must be from 1 to " + std::to_string(kMaxTimedRuns) + ", found " +
                          std::to_string(runs));
}

template <class T>
T median(std::vector<T> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// By step: the node that it runs and those that are fused into it.
std::vector<StepProfile> steps_of(const Model& model) {
  const Program& program = model.program();
  std::vector<StepProfile> steps;
  std::vector<size_t> step_of(model.graph().nodes.size(), SIZE_MAX);
  for (size_t s = 0; s < program.steps().size(); ++s) {
    step_of[program.node_of(s)] = s;
    steps.push_back({program.node_of(s), {}, 0, 0, 0});
  }
  for (size_t n = 0; n < model.graph().nodes.size(); ++n) {
    const size_t s = step_of[program.computed_by(n)];
    if (s != SIZE_MAX) steps[s].nodes.push_back(n);  // a view belongs to no step
  }
  return steps;
}

}  // namespace

Result<std::vector<double>> time_runs(Session* session, const InputArray* inputs, size_t count,
                                      int64_t runs) {
  BMX_RETURN_IF_ERROR(check_runs(runs));
  BMX_RETURN_IF_ERROR(session->run(inputs, count));
  std::vector<double> times;
  times.reserve(static_cast<size_t>(runs));
  for (int64_t i = 0; i < runs; ++i) {
    const Clock::time_point start = Clock::now();
    BMX_RETURN_IF_ERROR(session->run(inputs, count));
    times.push_back(milliseconds_since(start));
  }
  return times;
}

Result<Profile> profile(Session* session, const InputArray* inputs, size_t count, int64_t runs) {
  BMX_RETURN_IF_ERROR(check_runs(runs));
  BMX_RETURN_IF_ERROR(session->run(inputs, count));
  Profile result;
  result.runs = runs;
  result.batch = inputs[0].shape[0];
  result.steps = steps_of(session->model());
  const size_t steps = result.steps.size();
  const auto times = checked_product({static_cast<int64_t>(steps), runs, int64_t{sizeof(int64_t)}});
  if (!times || *times > kMostTimeBytes) {
    return invalid_argument("times of " + std::to_string(runs) + " runs of " + std::to_string(steps) +
                            " steps take more than 256 MiB; profile fewer runs");
  }
  std::vector<int64_t> nanoseconds(steps * static_cast<size_t>(runs));  // [run][step]
  std::vector<double> totals;
  totals.reserve(static_cast<size_t>(runs));
  Status status;
  for (int64_t i = 0; i < runs && status.ok(); ++i) {
    session->time_steps(nanoseconds.data() + static_cast<size_t>(i) * steps);
    const Clock::time_point start = Clock::now();
    status = session->run(inputs, count);
    totals.push_back(milliseconds_since(start));
  }
  session->time_steps(nullptr);
  if (!status.ok()) return status;

  result.median_ms = median(totals);
  double sum = 0;
  std::vector<int64_t> of_step(static_cast<size_t>(runs));
  for (size_t s = 0; s < steps; ++s) {
    for (size_t i = 0; i < of_step.size(); ++i) of_step[i] = nanoseconds[i * steps + s];
    StepProfile& step = result.steps[s];
    step.ms = static_cast<double>(median(of_step)) * 1e-6;
    sum += step.ms;
    const double macs = static_cast<double>(session->model().program().op(step.node).macs()) *
                        static_cast<double>(result.batch);
    step.gmacs_per_s = step.ms > 0 ? macs / step.ms * 1e-6 : 0;
  }
  for (StepProfile& step : result.steps) step.share = sum > 0 ? step.ms / sum : 0;
  return result;
}

std::string to_json(const Session& session, const Profile& profile) {
  const Graph& graph = session.model().graph();
  Json json = {{"isa", session.model().kernels().name},
               {"threads", session.threads()},
               {"batch", profile.batch},
               {"runs", profile.runs},
               {"median_ms", profile.median_ms},
               {"steps", Json::array()}};
  for (const StepProfile& step : profile.steps) {
    Json nodes = Json::array();
    for (size_t n : step.nodes) nodes.push_back(graph.nodes[n].name);
    json["steps"].push_back({{"node", graph.nodes[step.node].name},
                             {"nodes", std::move(nodes)},
                             {"op", graph.nodes[step.node].op},
                             {"ms", step.ms},
                             {"share", step.share},
                             {"macs", session.model().program().op(step.node).macs()},
                             {"gmacs_per_s", step.gmacs_per_s}});
  }
  return json.dump();
}

}  // namespace bmx
