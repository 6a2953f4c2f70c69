#include "base/thread_pool.h"

#include <chrono>
#include <system_error>

namespace bmx {
namespace {

constexpr auto kSpinTime = std::chrono::microseconds(200);
constexpr int kSpinsPerLook = 64;  // between two looks at the clock

// ThreadPool::state_: the number of the piece, whether it is open, and how many workers are in it.
constexpr uint64_t kOpen = uint64_t{1} << 32, kNextPiece = kOpen << 1;
uint64_t piece_of(uint64_t state) { return state / kNextPiece; }
uint64_t workers_in(uint64_t state) { return state % kOpen; }

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  asm volatile("yield");
#endif
}

// Spins until ready() or until the time is over.
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
    stop_.store(true, std::memory_order_release);
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
  bool somebody_sleeps;
  {
    const std::lock_guard<std::mutex> lock(sleep_);
    const uint64_t piece = piece_of(state_.load(std::memory_order_relaxed)) + 1;
    state_.store(piece * kNextPiece + kOpen, std::memory_order_release);
    somebody_sleeps = sleeping_ > 0;
  }
  if (somebody_sleeps) wake_.notify_all();
  take_items(0);
  // Workers that have not started yet need not start any more, so a busy core delays nobody.
  state_.fetch_and(~kOpen, std::memory_order_relaxed);
  const auto finished = [this] { return workers_in(state_.load(std::memory_order_acquire)) == 0; };
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
    const auto is_new = [&](uint64_t state) { return (state & kOpen) != 0 && piece_of(state) != seen; };
    const auto called = [&] {
      return is_new(state_.load(std::memory_order_acquire)) || stop_.load(std::memory_order_acquire);
    };
    if (!spin(called)) {
      std::unique_lock<std::mutex> lock(sleep_);
      ++sleeping_;
      wake_.wait(lock, called);
      --sleeping_;
    }
    if (stop_.load(std::memory_order_acquire)) return;
    uint64_t state = state_.load(std::memory_order_relaxed);
    while (is_new(state)) {
      if (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acquire,
                                        std::memory_order_relaxed))
        continue;
      seen = piece_of(state);
      take_items(thread);
      state_.fetch_sub(1, std::memory_order_release);
      break;
    }
  }
}

}  // namespace bmx
