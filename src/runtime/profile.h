// How long a session takes: whole runs, and each step of its program.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "runtime/session.h"

namespace bmx {

inline constexpr int64_t kMaxTimedRuns = 1000000;

// Milliseconds of each of `runs` runs, after one that is not counted.
Result<std::vector<double>> time_runs(Session* session, const InputArray* inputs, size_t count, int64_t runs);

struct StepProfile {
  size_t node;                // the node whose operator runs
  std::vector<size_t> nodes;  // that one and those fused into its step, in the order of the graph
  double ms;                  // median of the runs
  double share;               // part of the sum of all steps, 0 to 1
  double gmacs_per_s;         // 10^9 multiply-accumulates a second; 0 for a step without any
};

struct Profile {
  int64_t runs = 0, batch = 0;
  double median_ms = 0;  // median of whole runs, with copies of inputs and outputs and the clock
  std::vector<StepProfile> steps;
};

// Times each step of `runs` runs, after one that is not counted.
Result<Profile> profile(Session* session, const InputArray* inputs, size_t count, int64_t runs);

// A JSON object with the keys isa, threads, batch, runs, median_ms and steps, each with node, nodes, op, ms,
// share, macs (for one sample) and gmacs_per_s.
std::string to_json(const Session& session, const Profile& profile);

}  // namespace bmx
