// One thread's use of a model: the arena that its values live in and the outputs of the last run.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/aligned.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "runtime/model.h"
#include "runtime/plan.h"

namespace bmx {

// A caller's array in C order: F32, or U8 for an input that stores its preprocessing or takes bytes. The
// shape includes the batch.
struct InputArray {
  const void* data = nullptr;
  TensorType type = TensorType::kF32;
  const int64_t* shape = nullptr;
  size_t rank = 0;
};

// I32 of i32 values, otherwise F32: bits arrive as -1 and +1, unsigned integers as the same numbers. The
// shape includes the batch.
struct OutputArray {
  const void* data = nullptr;
  TensorType type = TensorType::kF32;
  const int64_t* shape = nullptr;
  size_t rank = 0;
};

TensorType input_type(DType dtype);
TensorType output_type(DType dtype);

inline constexpr int64_t kMaxThreads = 256;

// Is it a number of threads that a session takes: 1 to kMaxThreads?
Status check_threads(int64_t threads);

class Session {
 public:
  // threads: at least 1, the caller of run() among them. Results do not depend on it.
  explicit Session(std::shared_ptr<const Model> model, int threads = 1);

  const Model& model() const { return *model_; }
  // May be fewer than asked for, if the system gives no more.
  int threads() const { return thread_count(pool_.get()); }

  // Inputs in the order of the graph, all with the same batch of at least 1. A large batch runs in slices, so
  // that the arena stays small. Allocates only if the batch is larger than any before.
  Status run(const InputArray* inputs, size_t count);

  // From now on each run adds the time of every step of the program to nanoseconds[step]; null ends it. The
  // caller keeps the array alive.
  void time_steps(int64_t* nanoseconds) { step_times_ = nanoseconds; }

  // Valid until the next run; data is null before the first one.
  OutputArray output(size_t index) const;

 private:
  struct Output {
    AlignedArray<uint32_t> elements;  // float or int32, [capacity][shape]
    Shape shape;                      // with the batch in front
  };

  Status check_input(size_t index, const InputArray& array) const;
  Status prepare(int64_t batch);
  Status prepare_arena(int64_t batch);
  Status prepare_outputs(int64_t batch);
  void run_slice(const InputArray* inputs, int64_t begin, int64_t size);
  void run_step(const Step& step, int64_t size);
  void run_timed(int64_t size);
  void place_inputs(const InputArray* inputs, int64_t begin, int64_t size);
  void store_outputs(int64_t begin, int64_t size);
  void* address(int value) {
    const Program& program = model_->program();
    void* const storage = addresses_[static_cast<size_t>(program.storage(value))];
    return static_cast<uint8_t*>(storage) + program.storage_offset(value);
  }

  std::shared_ptr<const Model> model_;
  std::unique_ptr<ThreadPool> pool_;  // null for one thread
  int64_t planned_batch_ = 0;         // the largest batch so far
  Plan plan_;
  AlignedArray<uint8_t> arena_;
  std::vector<void*> addresses_;   // by value that has storage
  int64_t* step_times_ = nullptr;  // by step, or null
  std::vector<Output> outputs_;
};

}  // namespace bmx
