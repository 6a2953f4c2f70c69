// One executable node, and the list of all kinds: what they compute is in docs/format.md, "Operators".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "convolution/convolution.h"
#include "microkernels/kernels.h"
#include "model/graph.h"

namespace bmx {

class NodeReader;
struct RepeatBudget;

// What one call of run() works on.
struct RunArgs {
  const void* const* inputs;  // [batch][shape of the input] each
  // Values from one row of the last axis to the next: their number, or more where a value lies in a part of a
  // concatenation. Only operators that say so below are given the latter.
  const int64_t* input_strides;
  int64_t out_stride;
  int64_t batch;
  void* out;         // [batch][shape of the output]
  void* bits;        // null, or where an epilogue's bits go while its numbers go to `out`
  void* workspace;   // workspace_bytes() for as many threads as the pool has, kAlignment-aligned
  ThreadPool* pool;  // null: the calling thread alone

  template <class T>
  const T* input(size_t index = 0) const {
    return static_cast<const T*>(inputs[index]);
  }
  template <class T>
  T* output() const {
    return static_cast<T*>(out);
  }
};

// Immutable once its program is built, so sessions in several threads share it; what changes lives in their
// arenas. Values are arrays [batch][shape]: float and int32 row-major, bits with each row of the last axis in
// whole words.
class Operator {
 public:
  explicit Operator(ValueType output) : output_(std::move(output)) {}
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;
  virtual ~Operator() = default;

  const ValueType& output() const { return output_; }

  // The output has the bytes of the input: nothing to run.
  virtual bool is_view() const { return false; }

  // Multiply-accumulates for one sample.
  virtual int64_t macs() const { return 0; }

  // Bytes of weights in memory of its own, beside the file: repacked ones.
  virtual int64_t packed_bytes() const { return 0; }

  // Scratch memory of run() with a pool of so many threads, for any batch.
  virtual int64_t workspace_bytes(int /*threads*/) const { return 0; }

  virtual void run(const RunArgs& args) const = 0;

  // Can rows of an input, or of the output, be further apart than they are long?
  virtual bool reads_strided() const { return false; }
  virtual bool writes_strided() const { return false; }
  // The output is the inputs side by side: those that already lie there are not copied.
  virtual bool is_concat() const { return false; }

  // What follows a sum can be done while the sum is still in the cache. A producer that can do so has an
  // epilogue; a consumer writes itself into it, unless the epilogue already holds a later step. The consumer
  // must outlive the producer. A consumer of two values is fused into the producer of one of them; the other
  // one, of the same type, then is the last of the producer's inputs (ConvOutputs::residual).
  virtual Epilogue* epilogue() { return nullptr; }
  virtual bool fuse_into(Epilogue*) const { return false; }

 private:
  ValueType output_;
};

using OperatorPtr = std::unique_ptr<Operator>;

// Validates the node, checks its declared dtype and shape against the computed ones and prepares it for
// `kernels`. The graph and its tensors must outlive the operator; its nodes share the budget.
Result<OperatorPtr> create_operator(const Graph& graph, const Node& node, const Kernels& kernels,
                                    RepeatBudget* budget);

// In alphabetical order.
std::vector<std::string> operator_names();

// Adding an operator: its create function in the file of its family, and a line of op_list.inc.
#define BMX_OPERATOR(name) Result<OperatorPtr> create_##name(NodeReader& node, const Kernels& kernels);
#include "ops/op_list.inc"
#undef BMX_OPERATOR

}  // namespace bmx
