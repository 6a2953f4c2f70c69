// The thread pool: every item once, no matter how many threads come in time or call at once.
#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <chrono>

namespace bmx {
namespace {

TEST(ThreadPool, RunsEachItemOnce) {
  for (int threads : {1, 2, 3, 5}) {
    ThreadPool pool(threads);
    ASSERT_EQ(pool.threads(), threads);
    for (int piece = 0; piece < 2000; ++piece) {
      std::vector<int> runs(static_cast<size_t>(piece % 37));
      std::vector<int> by_thread(static_cast<size_t>(threads));  // a thread has its number for itself
      parallel_for(&pool, piece % 37, [&](int64_t item, int thread) {
        ++runs[static_cast<size_t>(item)];
        ++by_thread[static_cast<size_t>(thread)];
      });
      EXPECT_EQ(runs, std::vector<int>(runs.size(), 1));
      int sum = 0;
      for (int count : by_thread) sum += count;
      EXPECT_EQ(sum, piece % 37);
      if (piece % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));  // workers fall asleep
    }
  }
}

TEST(ThreadPool, SeveralCallersDoNotDisturbEachOther) {
  ThreadPool pool(3);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 3; ++caller) {
    callers.emplace_back([&] {
      for (int piece = 0; piece < 1000; ++piece) {
        std::atomic<int64_t> sum{0};
        parallel_for(&pool, 10, [&](int64_t item, int /*thread*/) { sum += item; });
        wrong += sum != 45;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

// One item blocks until all the others are done, so somebody else has to do them: work is really shared. The
// caller may be the one that blocks.
TEST(ThreadPool, WorkersTakeItems) {
  ThreadPool pool(2);
  std::atomic<int> done{0};
  parallel_for(&pool, 5, [&](int64_t item, int /*thread*/) {
    if (item == 0) {
      while (done < 4) std::this_thread::yield();
    } else {
      ++done;
    }
  });
  EXPECT_EQ(done, 4);
}

}  // namespace
}  // namespace bmx
