// What a model executes, whatever the batch: one step for each node that does work, in topological order.
//
// Two kinds of node do no work of their own. A view's output has the bytes of its input. A node that is fused
// is done by the epilogue of the step before it, which is possible where no other node reads the value
// between them; a threshold is fused even there: numbers and bits leave the step together. What is
// concatenated is written where the concatenation will be, if its producer and all its readers can leave gaps
// between rows.
#pragma once

#include <vector>

#include "base/status.h"
#include "microkernels/kernels.h"
#include "model/graph.h"
#include "ops/operator.h"

namespace bmx {

struct Step {
  const Operator* op;
  std::vector<int> inputs;  // ids of values; the residual of the epilogue, if there is one, is the last
  int output;
  int bits;  // -1, or a second value: the signs of the output
};

class Program {
 public:
  // The graph must outlive the program.
  static Result<Program> build(const Graph& graph, const Kernels& kernels);

  const std::vector<Step>& steps() const { return steps_; }
  const Operator& op(size_t node) const { return *operators_[node]; }

  // The node whose operator a step runs.
  size_t node_of(size_t step) const { return nodes_[step]; }

  // The value whose memory holds `value`: itself, or what it is a view of.
  int storage(int value) const { return storage_[static_cast<size_t>(value)]; }

  // A value may be a part of a concatenation, [rows][stride] of which it takes some columns: bytes from the
  // storage to its first one, and values from row to row.
  int64_t storage_offset(int value) const { return places_[static_cast<size_t>(value)].offset; }
  int64_t stride(int value) const { return places_[static_cast<size_t>(value)].stride; }

  // The node that computes the given node's result: itself, or the one it is fused into.
  size_t computed_by(size_t node) const { return computed_by_[node]; }

  struct Place {
    int64_t offset = 0, stride = 0;
  };

 private:
  friend class ProgramBuilder;
  std::vector<OperatorPtr> operators_;  // by node
  std::vector<size_t> computed_by_;     // by node
  std::vector<int> storage_;            // by value
  std::vector<Place> places_;           // by value
  std::vector<Step> steps_;
  std::vector<size_t> nodes_;  // by step
};

}  // namespace bmx
