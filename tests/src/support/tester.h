// What the kernel suites share: seeded values, memory with canaries, the ISAs to run on.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/aligned.h"
#include "base/bits.h"
#include "microkernels/kernels.h"

namespace bmx::testing {

// std distributions differ between C++ libraries, so values are made from the engine's words.
class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}

  int64_t integer(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine_() % static_cast<uint64_t>(high - low + 1));
  }
  float real() { return static_cast<float>(integer(-1000000, 1000000)) / 250000.0F; }
  template <class T>
  T choice(std::initializer_list<T> values) {
    return values.begin()[integer(0, static_cast<int64_t>(values.size()) - 1)];
  }

  std::vector<float> reals(int64_t count) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = real();
    return values;
  }
  std::vector<int32_t> integers(int64_t count, int64_t low, int64_t high) {
    std::vector<int32_t> values(static_cast<size_t>(count));
    for (int32_t& value : values) value = static_cast<int32_t>(integer(low, high));
    return values;
  }
  // Rows of `channels` bits whose tails are 0.
  std::vector<uint64_t> bits(int64_t rows, int64_t channels) {
    std::vector<uint64_t> words(static_cast<size_t>(rows * words_for(channels)));
    for (uint64_t& word : words) word = engine_();
    for (int64_t r = 1; r <= rows; ++r) {
      words[static_cast<size_t>(r * words_for(channels) - 1)] &= tail_mask(channels);
    }
    return words;
  }

 private:
  std::mt19937_64 engine_;
};

// An aligned array between canaries, full of old garbage.
template <class T>
class Guarded {
 public:
  explicit Guarded(int64_t size)
      : bytes_(static_cast<size_t>(size) * sizeof(T)), memory_(bytes_ + 2 * kAlignment) {
    std::memset(memory_.data(), kCanary, memory_.size());
  }
  explicit Guarded(const std::vector<T>& values) : Guarded(static_cast<int64_t>(values.size())) {
    for (size_t i = 0; i < values.size(); ++i) data()[i] = values[i];
  }

  T* data() { return reinterpret_cast<T*>(memory_.data() + kAlignment); }
  std::vector<T> values() { return std::vector<T>(data(), data() + bytes_ / sizeof(T)); }
  bool intact() const {
    for (size_t i = 0; i < kAlignment; ++i) {
      if (memory_[i] != kCanary || memory_[kAlignment + bytes_ + i] != kCanary) return false;
    }
    return true;
  }

 private:
  static constexpr uint8_t kCanary = 0xA5;
  size_t bytes_;
  AlignedArray<uint8_t> memory_;
};

// Floats as their bits: equal means equal to the last bit, -0 is not 0, and a NaN equals itself.
inline std::vector<uint32_t> float_bits(const std::vector<float>& values) {
  std::vector<uint32_t> bits(values.size());
  if (!values.empty()) std::memcpy(bits.data(), values.data(), values.size() * sizeof(float));
  return bits;
}

// Runs a suite once for every ISA of the build; those that the CPU lacks are skipped.
class IsaTest : public ::testing::TestWithParam<const Kernels*> {
 protected:
  void SetUp() override {
    if (!GetParam()->supported()) GTEST_SKIP() << "this CPU has no " << GetParam()->name;
  }
  const Kernels& kernels() const { return *GetParam(); }
};

inline std::string isa_name(const ::testing::TestParamInfo<const Kernels*>& info) { return info.param->name; }

}  // namespace bmx::testing

#define BMX_TEST_ALL_ISAS(suite) \
  INSTANTIATE_TEST_SUITE_P(Isa, suite, ::testing::ValuesIn(::bmx::all_kernels()), ::bmx::testing::isa_name)
