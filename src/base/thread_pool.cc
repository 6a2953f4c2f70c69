#include "base/thread_pool.h"

#include <chrono>
#include <system_error>

namespace bmx {
namespace {

constexpr auto kSpinTime = std::chrono::microseconds(200);
constexpr int kSpinsPerLook = 64;  // at the clock

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  asm volatile("yield");
#endif
}

// Until ready() or the time is over.
template <class Ready>
bool spin(Ready ready) {
  const auto end = std::chrono::steady_clock::now() + kSpinTime;
  do {
    for (int i = 0; i < kSpinsPerLook; ++i) {
      if (ready()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return ready();
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  try {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
  } catch (const std::system_error&) {
    // The system gives no more threads; the pool works with those it has.
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard<std::mutex> lock(sleep_);
    stop_ = true;
    piece_.fetch_add(1, std::memory_order_release);
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(int64_t items, Task task, void* context) {
  const std::unique_lock<std::mutex> turn(busy_, std::try_to_lock);
  if (!turn.owns_lock() || workers_.empty()) {
    for (int64_t i = 0; i < items; ++i) task(context, i, 0);
    return;
  }
  task_ = task;
  context_ = context;
  items_ = items;
  next_.store(0, std::memory_order_relaxed);
  active_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  bool somebody_sleeps;
  {
    const std::lock_guard<std::mutex> lock(sleep_);
    piece_.fetch_add(1, std::memory_order_release);
    somebody_sleeps = sleeping_ > 0;
  }
  if (somebody_sleeps) wake_.notify_all();
  take_items(0);
  const auto finished = [this] { return active_.load(std::memory_order_acquire) == 0; };
  while (!spin(finished)) std::this_thread::yield();
}

void ThreadPool::take_items(int thread) {
  for (int64_t i = next_.fetch_add(1, std::memory_order_relaxed); i < items_;
       i = next_.fetch_add(1, std::memory_order_relaxed)) {
    task_(context_, i, thread);
  }
}

void ThreadPool::work(int thread) {
  for (uint64_t seen = 0;;) {
    const auto changed = [&] { return piece_.load(std::memory_order_acquire) != seen; };
    if (!spin(changed)) {
      std::unique_lock<std::mutex> lock(sleep_);
      ++sleeping_;
      wake_.wait(lock, changed);
      --sleeping_;
    }
    {
      const std::lock_guard<std::mutex> lock(sleep_);
      if (stop_) return;
    }
    ++seen;
    take_items(thread);
    active_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace bmx
