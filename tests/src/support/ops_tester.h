// What the suites of operators share: values, the ISAs of this machine, and running a file.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "base/bits.h"
#include "microkernels/kernels.h"
#include "runtime/session.h"
#include "support/file_builder.h"

namespace bmx::testing {

using Floats = std::vector<float>;

inline Floats random_floats(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Floats values(static_cast<size_t>(count));
  for (float& value : values) value = normal(random);
  return values;
}

inline Floats signs_of(const Floats& values) {
  Floats signs;
  for (float value : values) signs.push_back(value < 0 ? -1.0F : 1.0F);
  return signs;
}

// Rows of `channels` signs as file bytes.
inline std::vector<uint8_t> packed(const Floats& signs, int64_t channels) {
  std::vector<uint8_t> bytes;
  for (size_t row = 0; row < signs.size(); row += static_cast<size_t>(channels)) {
    for (int64_t c = 0; c < channels; ++c) {
      if (c % 8 == 0) bytes.push_back(0);
      if (signs[row + static_cast<size_t>(c)] > 0)
        bytes.back() = static_cast<uint8_t>(bytes.back() | 1 << (c % 8));
    }
  }
  return bytes;
}

inline int64_t product(const std::vector<int64_t>& shape) {
  int64_t result = 1;
  for (int64_t d : shape) result *= d;
  return result;
}

inline std::vector<const char*> isas() {
  std::vector<const char*> names;
  for (const Kernels* kernels : all_kernels()) {
    if (kernels->supported()) names.push_back(kernels->name);
  }
  return names;
}

// The single output for a batch of x, floats or bytes; int32 results as floats, which hold them exactly here.
template <class T>
Floats run(const std::string& bytes, const char* isa, const std::vector<T>& x,
           const std::vector<int64_t>& sample) {
  auto model = Model::from_memory(bytes.data(), bytes.size(), isa);
  EXPECT_TRUE(model.ok()) << model.status().message();
  if (!model.ok()) return {};
  Session session(*model);
  std::vector<int64_t> shape{static_cast<int64_t>(x.size()) / product(sample)};
  shape.insert(shape.end(), sample.begin(), sample.end());
  const TensorType type = std::is_same_v<T, float> ? TensorType::kF32 : TensorType::kU8;
  const InputArray input{x.data(), type, shape.data(), shape.size()};
  const Status status = session.run(&input, 1);
  EXPECT_TRUE(status.ok()) << status.message();
  const OutputArray out = session.output(0);
  int64_t count = 1;
  for (size_t i = 0; i < out.rank; ++i) count *= out.shape[i];
  if (out.type == TensorType::kF32)
    return {static_cast<const float*>(out.data), static_cast<const float*>(out.data) + count};
  return {static_cast<const int32_t*>(out.data), static_cast<const int32_t*>(out.data) + count};
}

// A file whose value "threshold0" is the sign of the input.
inline FileBuilder sign_file(const std::vector<int64_t>& shape) {
  FileBuilder builder(shape);
  const int64_t channels = shape.back();
  builder.tensor<float>("zero", "F32", {channels}, Floats(static_cast<size_t>(channels), 0.0F));
  builder.tensor<uint8_t>("keep", "U8", {bytes_for(channels)},
                          std::vector<uint8_t>(static_cast<size_t>(bytes_for(channels)), 0));
  builder.node("threshold", "data", "bits", shape, OrderedJson::object(),
               {{"threshold", "zero"}, {"flip", "keep"}});
  return builder;
}

}  // namespace bmx::testing
