// One executable node: what it computes is in docs/format.md, "Operators".
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "base/status.h"
#include "kernels/convolution.h"
#include "model/types.h"

namespace bmx {

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

  // Scratch memory of run(), for any batch.
  virtual int64_t workspace_bytes() const { return 0; }

  virtual void run(const void* x, int64_t batch, void* out, void* workspace) const = 0;

  // What follows a sum can be done while the sum is still in the cache. A producer that can do so has an
  // epilogue; a consumer writes itself into it, unless the epilogue already holds a later step. The consumer
  // must outlive the producer.
  virtual Epilogue* epilogue() { return nullptr; }
  virtual bool fuse_into(Epilogue*) const { return false; }

 private:
  ValueType output_;
};

using OperatorPtr = std::unique_ptr<Operator>;

}  // namespace bmx
