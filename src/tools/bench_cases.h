// The layers that bmx-bench measures; docs/performance.md explains the choice.
#pragma once

#include <string>
#include <vector>

#include "convolution/conv_shape.h"

namespace bmx {

enum class BenchKind { kBinary, kFloat, kPack };

struct BenchCase {
  std::string name;
  ConvShape shape;  // kPack: only the input is used
  BenchKind kind = BenchKind::kBinary;
  int pad_value = 0;
  int64_t memory = 0;  // bytes that a case bound by memory has to read, otherwise 0

  double macs() const {
    return static_cast<double>(shape.out_height() * shape.out_width() * shape.out_channels) *
           static_cast<double>(shape.depth());
  }
};

// conv<kernel>[s<stride>]_<height>x<width>x<channels>, f32... for float, _to<outputs> where they differ.
inline BenchCase bench_case(bool binary, int64_t kernel, int64_t stride, int64_t size, int64_t in,
                            int64_t out) {
  BenchCase c;
  c.kind = binary ? BenchKind::kBinary : BenchKind::kFloat;
  const std::string k = std::to_string(kernel), s = std::to_string(size);
  c.name = (binary ? "conv" : "f32conv") + k + "x" + k + (stride == 1 ? "" : "s" + std::to_string(stride)) +
           "_" + s + "x" + s + "x" + std::to_string(in) +
           (in == out || in == 3 ? "" : "_to" + std::to_string(out));
  c.shape.in_height = c.shape.in_width = size;
  c.shape.in_channels = in;
  c.shape.out_channels = out;
  c.shape.kernel_height = c.shape.kernel_width = kernel;
  c.shape.stride_height = c.shape.stride_width = stride;
  c.shape.pad_height = c.shape.pad_width = kernel / 2;
  return c;
}

inline std::vector<BenchCase> bench_cases() {
  std::vector<BenchCase> cases;
  for (const auto& [size, channels] : {std::pair<int64_t, int64_t>{56, 64}, {28, 128}, {14, 256}, {7, 512}}) {
    cases.push_back(bench_case(true, 3, 1, size, channels, channels));
  }
  BenchCase ones = cases[0];  // what exact padding with zeros costs
  ones.name += "_pad+1";
  ones.pad_value = 1;
  cases.push_back(ones);
  cases.push_back(bench_case(true, 1, 1, 14, 512, 512));
  for (const auto& [size, channels] : {std::pair<int64_t, int64_t>{56, 64}, {28, 128}, {14, 256}}) {
    cases.push_back(bench_case(true, 3, 2, size, channels, 2 * channels));
  }
  cases.push_back(bench_case(true, 3, 1, 7, 64, 64));
  for (const int64_t channels : {96, 160, 224, 544})
    cases.push_back(bench_case(true, 3, 1, 13, channels, channels));
  BenchCase dense = bench_case(true, 1, 1, 1, 4096, 4096);
  dense.name = "dense_4096x4096";
  dense.memory = 4096 * 4096 / 8;
  cases.push_back(dense);
  cases.push_back(bench_case(false, 7, 2, 224, 3, 64));
  cases.push_back(bench_case(false, 3, 2, 224, 3, 32));
  for (const auto& [size, channels] : {std::pair<int64_t, int64_t>{56, 64}, {28, 128}, {14, 256}, {7, 512}}) {
    cases.push_back(bench_case(false, 3, 1, size, channels, channels));
  }
  for (const auto& [size, channels] : {std::pair<int64_t, int64_t>{56, 64}, {28, 128}, {14, 256}}) {
    cases.push_back(bench_case(false, 1, 2, size, channels, 2 * channels));
  }
  cases.push_back(bench_case(false, 1, 1, 14, 256, 256));
  for (const bool binary : {true, false}) {
    BenchCase depthwise = bench_case(binary, 3, 1, 28, 128, 128);
    depthwise.name.insert(binary ? 0 : 3, "dw");
    depthwise.shape.groups = 128;
    cases.push_back(depthwise);
  }
  BenchCase pack;
  pack.name = "pack_56x56x128";
  pack.kind = BenchKind::kPack;
  pack.shape.in_height = pack.shape.in_width = 56;
  pack.shape.in_channels = 128;
  pack.memory = 56 * 56 * 128 * int64_t{sizeof(float)};
  cases.push_back(pack);
  return cases;
}

}  // namespace bmx
