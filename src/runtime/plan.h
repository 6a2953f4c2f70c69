// Where each value of a program lives while up to `capacity` samples run: offsets into one arena.
#pragma once

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "model/graph.h"
#include "runtime/program.h"

namespace bmx {

struct Plan {
  int64_t capacity = 0;
  int64_t arena_bytes = 0;
  int64_t workspace_offset = 0;  // size of the values in bytes; the workspace of the steps follows
  int64_t live_bytes = 0;        // the largest sum of the values that are alive in one step
  // By value, -1 where the arena holds nothing: views, values that a fused step skips, and inputs without
  // preprocessing, which stay in the caller's memory.
  std::vector<int64_t> offsets;
};

// Size of a session's arena. Slices are large enough to use each weight several times and small enough to
// stay in the outer caches.
inline constexpr int64_t kArenaTarget = int64_t{8} << 20;

// threads: size of the pool that will run it.
Result<Plan> make_plan(const Graph& graph, const Program& program, int64_t capacity, int threads = 1);

// As many samples as fit into `arena_bytes`, at least 1 and at most `batch`.
Result<Plan> make_plan_within(const Graph& graph, const Program& program, int64_t batch, int64_t arena_bytes,
                              int threads = 1);

}  // namespace bmx
