// A few worker threads that split one piece of work at a time.
//
// Between pieces the workers spin for a short while, because the layers of a network follow each other within
// microseconds, and then sleep. run() does not allocate.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace bmx {

class ThreadPool {
 public:
  // threads includes the caller of run(): 1 means no workers. Fewer if the system gives no more; see
  // threads().
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls task(context, item, thread) for every item in [0, items), thread in [0, threads()), and returns
  // when all are done. If another thread is running work on this pool, the caller does its own alone, as
  // thread 0 of a piece of its own, so nobody waits and no core is shared.
  using Task = void (*)(void* context, int64_t item, int thread);
  void run(int64_t items, Task task, void* context);

  template <class Function>
  void run(int64_t items, Function& function) {
    run(
        items,
        [](void* context, int64_t item, int thread) { (*static_cast<Function*>(context))(item, thread); },
        &function);
  }

 private:
  void work(int thread);
  void take_items(int thread);

  std::vector<std::thread> workers_;
  std::mutex busy_;   // held by the caller whose work is running
  std::mutex sleep_;  // what idle workers sleep on
  std::condition_variable wake_;
  int sleeping_ = 0;
  std::atomic<bool> stop_{false};
  // State of the current piece of work; a worker enters it only while it is open, and run() waits for those
  // inside.
  std::atomic<uint64_t> state_{0};
  Task task_ = nullptr;
  void* context_ = nullptr;
  int64_t items_ = 0;
  std::atomic<int64_t> next_{0};
};

// Runs the items on the pool, or one after the other without one.
template <class Function>
void parallel_for(ThreadPool* pool, int64_t items, Function&& function) {
  if (pool != nullptr && pool->threads() > 1 && items > 1) return pool->run(items, function);
  for (int64_t i = 0; i < items; ++i) function(i, 0);
}

inline int thread_count(const ThreadPool* pool) { return pool == nullptr ? 1 : pool->threads(); }

}  // namespace bmx
