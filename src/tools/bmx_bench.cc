// bmx-bench: how fast the kernels are, against the limit of the machine measured in the same run.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/aligned.h"
#include "base/bits.h"
#include "kernels/convolution.h"
#include "tools/bench_cases.h"
#include "tools/bench_options.h"
#include "tools/peak.h"

namespace bmx {
namespace {

constexpr int64_t kPeakRounds = 20000;
constexpr int kTurns = 5;  // the peak and every case take turns, so that all see the same machine

using Clock = std::chrono::steady_clock;

double seconds_of(const std::function<void()>& work) {
  const auto begin = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// A layer on random values, with its epilogue: scale and shift to float32.
class BenchLayer {
 public:
  BenchLayer(const BenchCase& bench, const Kernels& kernels, ThreadPool* pool) : bench_(bench), pool_(pool) {
    const ConvShape& s = bench.shape;
    const int64_t weights = s.out_channels * s.taps(), pixels = s.in_height * s.in_width;
    scale_.assign(static_cast<size_t>(s.out_channels), 0.5F);
    shift_.assign(static_cast<size_t>(s.out_channels), 0.25F);
    epilogue_.scale = scale_.data();
    epilogue_.shift = shift_.data();
    out_ = AlignedArray<float>(static_cast<size_t>(s.out_height() * s.out_width() * s.out_channels));
    outputs_.floats = out_.data();
    if (bench.binary) {
      bits_ = random_bits(pixels, s.in_channels);
      const auto w = random_bits(weights, s.group_inputs());
      binary_ =
          std::make_unique<BinaryConvolution>(std::move(*BinaryConvolution::create(s, 0, w.data(), kernels)));
    } else {
      floats_ = random_floats(pixels * s.in_channels);
      const auto w = random_floats(weights * s.group_inputs());
      float_ = std::make_unique<FloatConvolution>(
          std::move(*FloatConvolution::create(s, w.data(), nullptr, kernels)));
    }
    const int threads = thread_count(pool);
    workspace_ = AlignedArray<uint8_t>(
        static_cast<size_t>(binary_ ? binary_->workspace_bytes(threads) : float_->workspace_bytes()));
  }

  void run() {
    if (binary_) {
      binary_->run(bits_.data(), 1, epilogue_, outputs_, workspace_.data(), pool_);
    } else {
      float_->run(floats_.data(), 1, epilogue_, outputs_, workspace_.data());
    }
  }

  // The shortest of several runs, in seconds.
  double measure() {
    run();
    double best = seconds_of([&] { run(); });
    const int runs = static_cast<int>(std::clamp(0.02 / best, 3.0, 400.0));
    for (int i = 0; i < runs; ++i) best = std::min(best, seconds_of([&] { run(); }));
    return best;
  }

  const BenchCase& bench() const { return bench_; }

 private:
  uint32_t next() { return state_ = state_ * 1664525 + 1013904223; }
  AlignedArray<uint64_t> random_bits(int64_t rows, int64_t channels) {
    AlignedArray<uint64_t> words(static_cast<size_t>(rows * words_for(channels)));
    for (int64_t i = 0; i < rows * words_for(channels); ++i) {
      words[static_cast<size_t>(i)] = uint64_t{next()} << 32 | next();
      if ((i + 1) % words_for(channels) == 0) words[static_cast<size_t>(i)] &= tail_mask(channels);
    }
    return words;
  }
  AlignedArray<float> random_floats(int64_t count) {
    AlignedArray<float> values(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
      values[static_cast<size_t>(i)] = static_cast<float>(next() >> 16) / 65536.0F - 0.5F;
    }
    return values;
  }

  BenchCase bench_;
  ThreadPool* pool_;
  std::vector<float> scale_, shift_;
  Epilogue epilogue_;
  ConvOutputs outputs_;
  uint32_t state_ = 1;
  AlignedArray<uint64_t> bits_;
  AlignedArray<float> floats_, out_;
  AlignedArray<uint8_t> workspace_;
  std::unique_ptr<BinaryConvolution> binary_;
  std::unique_ptr<FloatConvolution> float_;
};

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

struct Line {
  std::string name;
  double ms, gmacs, fraction;
};

void print_json(const char* isa, int threads, const std::vector<std::pair<std::string, Peaks>>& peaks,
                const Peaks& own, const std::vector<Line>& lines) {
  std::printf(
      "{\"isa\": \"%s\", \"threads\": %d, \"peak_gmacs\": %.1f, \"peak_f32_gmacs\": %.1f, \"peaks\": {", isa,
      threads, own.binary() / 1e9, own.floats / 1e9);
  for (size_t i = 0; i < peaks.size(); ++i) {
    std::printf("%s\"%s\": {\"popcount\": %.1f, \"lookup\": %.1f, \"f32\": %.1f}", i == 0 ? "" : ", ",
                peaks[i].first.c_str(), peaks[i].second.popcount / 1e9, peaks[i].second.lookup / 1e9,
                peaks[i].second.floats / 1e9);
  }
  std::printf("}, \"cases\": [");
  for (size_t i = 0; i < lines.size(); ++i) {
    std::printf("%s{\"name\": \"%s\", \"ms\": %.5f, \"gmacs\": %.1f, \"fraction\": %.4f}", i == 0 ? "" : ", ",
                lines[i].name.c_str(), lines[i].ms, lines[i].gmacs, lines[i].fraction);
  }
  std::printf("]}\n");
}

void print_table(const char* isa, int threads, const std::vector<std::pair<std::string, Peaks>>& peaks,
                 const std::vector<Line>& lines) {
  std::printf("registers-only peaks of one thread, G MAC/s:\n");
  for (const auto& [name, peak] : peaks) {
    std::printf("  %-9s", name.c_str());
    if (peak.popcount > 0) std::printf(" xor+popcount+add %.0f", peak.popcount / 1e9);
    if (peak.lookup > 0) std::printf(" lookup+add %.0f", peak.lookup / 1e9);
    std::printf(" float32 fma %.0f\n", peak.floats / 1e9);
  }
  std::printf("\n%s, %d thread%s%22s %9s %10s\n", isa, threads, threads == 1 ? "" : "s", "ms", "G MAC/s",
              "of peak");
  for (const Line& line : lines) {
    std::printf("%-28s %9.4f %9.1f %9.1f%%\n", line.name.c_str(), line.ms, line.gmacs, 100 * line.fraction);
  }
}

Status run_kernels(const BenchOptions& options) {
  auto kernels = find_kernels(options.isa);
  if (!kernels.ok()) return kernels.status();
  ThreadPool pool(static_cast<int>(options.threads));
  std::vector<std::unique_ptr<BenchLayer>> layers;
  for (const BenchCase& bench : bench_cases()) {
    if (options.only.empty() || bench.name == options.only) {
      layers.push_back(std::make_unique<BenchLayer>(bench, **kernels, &pool));
    }
  }
  if (layers.empty())
    return invalid_argument("no case is named '" + options.only + "'; run without --only to see all");
  if (options.repeat > 0) {
    for (int64_t i = 0; i < options.repeat; ++i) {
      for (auto& layer : layers) layer->run();
    }
    return {};
  }
  std::vector<std::pair<std::string, Peaks>> peaks;
  for (const Kernels* other : all_kernels()) {
    if (other->supported() && run_peak(other->name, PeakKind::kFloat, 1) > 0)
      peaks.emplace_back(other->name, Peaks());
  }
  std::vector<double> best(layers.size(), 1e9);
  for (int turn = 0; turn < kTurns; ++turn) {
    for (auto& [name, peak] : peaks) peak.measure(name.c_str());
    for (size_t i = 0; i < layers.size(); ++i) best[i] = std::min(best[i], layers[i]->measure());
  }
  Peaks own;
  for (const auto& [name, peak] : peaks) {
    if (name == (*kernels)->name) own = peak;
  }
  std::vector<Line> lines;
  for (size_t i = 0; i < layers.size(); ++i) {
    const BenchCase& bench = layers[i]->bench();
    const double speed = bench.macs() / best[i],
                 peak = (bench.binary ? own.binary() : own.floats) * pool.threads();
    lines.push_back({bench.name, best[i] * 1e3, speed / 1e9, peak > 0 ? speed / peak : 0});
  }
  if (options.json) {
    print_json((*kernels)->name, pool.threads(), peaks, own, lines);
  } else {
    print_table((*kernels)->name, pool.threads(), peaks, lines);
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
    std::fputs(bmx::kBenchUsage, stdout);
    return 0;
  }
  const bmx::Status status = bmx::run_kernels(*options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "bmx-bench: %s\n", status.message().c_str());
  return 1;
}
