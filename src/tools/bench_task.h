// What bmx-bench times: one layer or one packing, on random values.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/aligned.h"
#include "base/bits.h"
#include "convolution/convolution.h"
#include "tools/bench_cases.h"

namespace bmx {

inline double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// The shortest of several runs, in seconds.
inline double shortest_of(const std::function<void()>& work) {
  work();
  double best = seconds_of(work);
  const int runs = static_cast<int>(std::clamp(0.02 / best, 3.0, 400.0));
  for (int i = 0; i < runs; ++i) best = std::min(best, seconds_of(work));
  return best;
}

class RandomValues {
 public:
  AlignedArray<uint64_t> bits(int64_t rows, int64_t channels) {
    AlignedArray<uint64_t> words(static_cast<size_t>(rows * words_for(channels)));
    for (int64_t i = 0; i < rows * words_for(channels); ++i) {
      words[static_cast<size_t>(i)] = uint64_t{next()} << 32 | next();
      if ((i + 1) % words_for(channels) == 0) words[static_cast<size_t>(i)] &= tail_mask(channels);
    }
    return words;
  }
  AlignedArray<float> floats(int64_t count) {
    AlignedArray<float> values(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
      values[static_cast<size_t>(i)] = static_cast<float>(next() >> 16) / 65536.0F - 0.5F;
    }
    return values;
  }

 private:
  uint32_t next() { return state_ = state_ * 1664525 + 1013904223; }
  uint32_t state_ = 1;
};

class BenchTask {
 public:
  explicit BenchTask(BenchCase bench) : bench_(std::move(bench)) {}
  virtual ~BenchTask() = default;
  virtual void run() = 0;
  const BenchCase& bench() const { return bench_; }

 private:
  BenchCase bench_;
};

// A convolution with its epilogue: scale and shift to float32.
class LayerTask final : public BenchTask {
 public:
  LayerTask(const BenchCase& bench, const Kernels& kernels, ThreadPool* pool)
      : BenchTask(bench), pool_(pool) {
    const ConvShape& s = bench.shape;
    const int64_t weights = s.out_channels * s.taps(), pixels = s.in_height * s.in_width;
    RandomValues random;
    scale_.assign(static_cast<size_t>(s.out_channels), 0.5F);
    shift_.assign(static_cast<size_t>(s.out_channels), 0.25F);
    epilogue_.scale = scale_.data();
    epilogue_.shift = shift_.data();
    out_ = AlignedArray<float>(static_cast<size_t>(s.out_height() * s.out_width() * s.out_channels));
    outputs_.floats = out_.data();
    int64_t workspace = 0;
    const int threads = thread_count(pool);
    if (bench.kind == BenchKind::kBinary) {
      bits_ = random.bits(pixels, s.in_channels);
      const auto w = random.bits(weights, s.group_inputs());
      binary_ = std::make_unique<BinaryConvolution>(
          std::move(*BinaryConvolution::create(s, bench.pad_value, w.data(), kernels)));
      workspace = binary_->workspace_bytes(threads);
    } else {
      floats_ = random.floats(pixels * s.in_channels);
      const auto w = random.floats(weights * s.group_inputs());
      float_ = std::make_unique<FloatConvolution>(
          std::move(*FloatConvolution::create(s, w.data(), nullptr, kernels)));
      workspace = float_->workspace_bytes(threads);
    }
    workspace_ = AlignedArray<uint8_t>(static_cast<size_t>(workspace));
  }

  void run() override {
    if (binary_) {
      binary_->run(bits_.data(), 1, epilogue_, outputs_, workspace_.data(), pool_);
    } else {
      float_->run(floats_.data(), 1, epilogue_, outputs_, workspace_.data(), pool_);
    }
  }

 private:
  ThreadPool* pool_;
  std::vector<float> scale_, shift_;
  Epilogue epilogue_;
  ConvOutputs outputs_;
  AlignedArray<uint64_t> bits_;
  AlignedArray<float> floats_, out_;
  AlignedArray<uint8_t> workspace_;
  std::unique_ptr<BinaryConvolution> binary_;
  std::unique_ptr<FloatConvolution> float_;
};

// Signs of floats to bits.
class PackTask final : public BenchTask {
 public:
  PackTask(const BenchCase& bench, const Kernels& kernels)
      : BenchTask(bench), kernels_(kernels), rows_(bench.shape.in_height * bench.shape.in_width) {
    x_ = RandomValues().floats(rows_ * bench.shape.in_channels);
    out_ = AlignedArray<uint64_t>(static_cast<size_t>(rows_ * words_for(bench.shape.in_channels)));
  }

  void run() override {
    kernels_.pack_f32(x_.data(), rows_, bench().shape.in_channels, nullptr, nullptr, out_.data());
  }

 private:
  const Kernels& kernels_;
  int64_t rows_;
  AlignedArray<float> x_;
  AlignedArray<uint64_t> out_;
};

inline std::unique_ptr<BenchTask> make_task(const BenchCase& bench, const Kernels& kernels,
                                            ThreadPool* pool) {
  if (bench.kind == BenchKind::kPack) return std::make_unique<PackTask>(bench, kernels);
  return std::make_unique<LayerTask>(bench, kernels, pool);
}

}  // namespace bmx
