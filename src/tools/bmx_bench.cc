// bmx-bench: how fast the kernels are, against the limit of the machine measured in the same run.
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/bench_options.h"
#include "tools/bench_task.h"
#include "tools/peak.h"

namespace bmx {
namespace {

constexpr int64_t kPeakRounds = 20000;
constexpr int kTurns = 5;  // the peak and every case take turns, so that all see the same machine

// Multiply-accumulates a second, the best of several short runs.
double peak_of(const char* isa, PeakKind kind) {
  double best = 0;
  for (int i = 0; i < 10; ++i) {
    double macs = 0;
    const double seconds = seconds_of([&] { macs = run_peak(isa, kind, kPeakRounds); });
    best = std::max(best, macs / seconds);
  }
  return best;
}

struct Peaks {
  double popcount = 0, lookup = 0, floats = 0;
  void measure(const char* isa) {
    popcount = std::max(popcount, peak_of(isa, PeakKind::kPopcount));
    lookup = std::max(lookup, peak_of(isa, PeakKind::kLookup));
    floats = std::max(floats, peak_of(isa, PeakKind::kFloat));
  }
  double binary() const { return popcount > 0 ? popcount : lookup; }
};

// How fast so many bytes can be read, in bytes a second: what a case bound by memory is compared with.
double read_speed(int64_t bytes) {
  static uint64_t sink;
  const AlignedArray<uint64_t> memory(static_cast<size_t>(bytes) / sizeof(uint64_t));
  const double seconds = shortest_of([&] {
    uint64_t sums[8] = {};
    for (size_t i = 0; i + 8 <= memory.size(); i += 8) {
      for (size_t k = 0; k < 8; ++k) sums[k] ^= memory.data()[i + k];
    }
    for (uint64_t sum : sums) sink ^= sum;
    asm volatile("" : : "r"(&sink) : "memory");
  });
  return static_cast<double>(bytes) / seconds;
}

using NamedPeaks = std::vector<std::pair<std::string, Peaks>>;

struct Line {
  std::string name;
  double ms, gmacs, fraction;
};
struct MemoryLine {
  std::string name;
  double ms, gbytes, fraction;  // of the speed of reading alone
};

struct Report {
  const char* isa;
  int threads;
  NamedPeaks peaks;
  Peaks own;
  std::vector<Line> cases;
  std::vector<MemoryLine> memory;
};

void print_json(const Report& report) {
  std::printf(
      "{\"isa\": \"%s\", \"threads\": %d, \"peak_gmacs\": %.1f, \"peak_f32_gmacs\": %.1f, \"peaks\": {",
      report.isa, report.threads, report.own.binary() / 1e9, report.own.floats / 1e9);
  const char* comma = "";
  for (const auto& [name, peak] : report.peaks) {
    std::printf("%s\"%s\": {\"popcount\": %.1f, \"lookup\": %.1f, \"f32\": %.1f}", comma, name.c_str(),
                peak.popcount / 1e9, peak.lookup / 1e9, peak.floats / 1e9);
    comma = ", ";
  }
  std::printf("}, \"cases\": [");
  comma = "";
  for (const Line& line : report.cases) {
    std::printf("%s{\"name\": \"%s\", \"ms\": %.5f, \"gmacs\": %.1f, \"fraction\": %.4f}", comma,
                line.name.c_str(), line.ms, line.gmacs, line.fraction);
    comma = ", ";
  }
  std::printf("], \"memory\": [");
  comma = "";
  for (const MemoryLine& line : report.memory) {
    std::printf("%s{\"name\": \"%s\", \"ms\": %.5f, \"gbytes_per_s\": %.1f, \"fraction\": %.4f}", comma,
                line.name.c_str(), line.ms, line.gbytes, line.fraction);
    comma = ", ";
  }
  std::printf("]}\n");
}

void print_table(const Report& report) {
  std::printf("registers-only peaks of one thread, G MAC/s:\n");
  for (const auto& [name, peak] : report.peaks) {
    std::printf("  %-9s", name.c_str());
    if (peak.popcount > 0) std::printf(" xor+popcount+add %.0f", peak.popcount / 1e9);
    if (peak.lookup > 0) std::printf(" lookup+add %.0f", peak.lookup / 1e9);
    std::printf(" float32 fma %.0f\n", peak.floats / 1e9);
  }
  std::printf("\n%s, %d thread%s%22s %9s %10s\n", report.isa, report.threads, report.threads == 1 ? "" : "s",
              "ms", "G MAC/s", "of peak");
  for (const Line& line : report.cases) {
    std::printf("%-28s %9.4f %9.1f %9.1f%%\n", line.name.c_str(), line.ms, line.gmacs, 100 * line.fraction);
  }
  if (!report.memory.empty()) std::printf("\n%-37s %9s %10s\n", "bound by memory", "GB/s", "of reading");
  for (const MemoryLine& line : report.memory) {
    std::printf("%-28s %8.4f %9.1f %9.1f%%\n", line.name.c_str(), line.ms, line.gbytes, 100 * line.fraction);
  }
}

// Best times of the tasks, and peaks, of several turns.
struct Measured {
  std::vector<double> seconds;
  std::map<int64_t, double> read;  // by bytes
};

Measured measure(const std::vector<std::unique_ptr<BenchTask>>& tasks, NamedPeaks* peaks) {
  Measured best;
  best.seconds.assign(tasks.size(), 1e9);
  for (int turn = 0; turn < kTurns; ++turn) {
    for (auto& [name, peak] : *peaks) peak.measure(name.c_str());
    for (size_t i = 0; i < tasks.size(); ++i) {
      best.seconds[i] = std::min(best.seconds[i], shortest_of([&] { tasks[i]->run(); }));
      const int64_t bytes = tasks[i]->bench().memory;
      if (bytes != 0) best.read[bytes] = std::max(best.read[bytes], read_speed(bytes));
    }
  }
  return best;
}

Status run_kernels(const BenchOptions& options) {
  auto kernels = find_kernels(options.isa);
  if (!kernels.ok()) return kernels.status();
  ThreadPool pool(static_cast<int>(options.threads));
  std::vector<std::unique_ptr<BenchTask>> tasks;
  for (const BenchCase& bench : bench_cases()) {
    if (options.only.empty() || bench.name == options.only)
      tasks.push_back(make_task(bench, **kernels, &pool));
  }
  if (tasks.empty())
    return invalid_argument("no case is named '" + options.only + "'; run without --only to see all");
  if (options.repeat > 0) {
    for (int64_t i = 0; i < options.repeat; ++i) {
      for (auto& task : tasks) task->run();
    }
    return {};
  }
  Report report{(*kernels)->name, pool.threads(), {}, {}, {}, {}};
  for (const Kernels* other : all_kernels()) {
    if (other->supported() && run_peak(other->name, PeakKind::kFloat, 1) > 0)
      report.peaks.emplace_back(other->name, Peaks());
  }
  const Measured best = measure(tasks, &report.peaks);
  for (const auto& [name, peak] : report.peaks) {
    if (name == report.isa) report.own = peak;
  }
  for (size_t i = 0; i < tasks.size(); ++i) {
    const BenchCase& bench = tasks[i]->bench();
    const double seconds = best.seconds[i];
    if (bench.memory != 0) {
      const double speed = static_cast<double>(bench.memory) / seconds;
      report.memory.push_back({bench.name, seconds * 1e3, speed / 1e9, speed / best.read.at(bench.memory)});
    }
    if (bench.kind == BenchKind::kPack) continue;
    const bool binary = bench.kind == BenchKind::kBinary;
    const double speed = bench.macs() / seconds,
                 peak = (binary ? report.own.binary() : report.own.floats) * pool.threads();
    report.cases.push_back({bench.name, seconds * 1e3, speed / 1e9, peak > 0 ? speed / peak : 0});
  }
  if (options.json) {
    print_json(report);
  } else {
    print_table(report);
  }
  return {};
}

}  // namespace
}  // namespace bmx

int main(int argc, char** argv) {
  auto options = bmx::parse_bench_options({argv + 1, argv + argc});
  if (!options.ok()) {
    std::fprintf(stderr, "bmx-bench: %s\n", options.status().message().c_str());
    return 2;
  }
  if (options->help) {
    std::fputs(bmx::bench_usage().c_str(), stdout);
    return 0;
  }
  const bmx::Status status = bmx::run_kernels(*options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "bmx-bench: %s\n", status.message().c_str());
  return 1;
}
