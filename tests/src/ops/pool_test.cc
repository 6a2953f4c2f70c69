// Pooling of floats and of bits against plain loops, on every ISA.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "support/ops_tester.h"

namespace bmx {
namespace {

using testing::FileBuilder;
using testing::Floats;
using testing::isas;
using testing::OrderedJson;
using testing::pool_attrs;
using testing::product;
using testing::random_floats;
using testing::run;
using testing::sign_file;
using testing::signs_of;

struct PoolCase {
  int64_t channels, kernel, stride, padding;
  bool ceil_mode;
};

// The window's values, reduced. `reduce` gets the values inside the image and the count inside image and
// padding.
Floats pool(const Floats& x, int64_t height, int64_t width, const PoolCase& c, std::vector<int64_t>* out,
            const std::function<float(const Floats&, int64_t)>& reduce) {
  const auto length = [&](int64_t in) {
    const int64_t reach = in + 2 * c.padding - c.kernel;
    return (c.ceil_mode ? (reach + c.stride - 1) / c.stride : reach / c.stride) + 1;
  };
  *out = {length(height), length(width), c.channels};
  Floats result;
  for (int64_t i = 0; i < (*out)[0]; ++i) {
    for (int64_t j = 0; j < (*out)[1]; ++j) {
      for (int64_t channel = 0; channel < c.channels; ++channel) {
        Floats inside;
        int64_t padded = 0;
        for (int64_t t = 0; t < c.kernel * c.kernel; ++t) {
          const int64_t h = i * c.stride - c.padding + t / c.kernel,
                        w = j * c.stride - c.padding + t % c.kernel;
          padded += h < height + c.padding && w < width + c.padding;
          if (h < 0 || h >= height || w < 0 || w >= width) continue;
          inside.push_back(x[static_cast<size_t>((h * width + w) * c.channels + channel)]);
        }
        result.push_back(reduce(inside, padded));
      }
    }
  }
  return result;
}

constexpr PoolCase kPools[] = {
    {3, 2, 2, 0, false}, {64, 2, 2, 0, true}, {65, 3, 2, 1, false}, {33, 3, 2, 1, true}};

float largest(const Floats& inside, int64_t) { return *std::max_element(inside.begin(), inside.end()); }

TEST(PoolOps, MaxPool) {
  for (const PoolCase& c : kPools) {
    const std::vector<int64_t> shape{7, 8, c.channels};
    const Floats x = random_floats(product(shape), 3), bits = signs_of(x);
    std::vector<int64_t> out;
    const Floats expected = pool(x, 7, 8, c, &out, largest),
                 expected_bits = pool(bits, 7, 8, c, &out, largest);
    const OrderedJson attrs = pool_attrs(c.kernel, c.stride, c.padding, c.ceil_mode);
    for (const char* isa : isas()) {
      FileBuilder real(shape);
      EXPECT_EQ(run(real.encode({real.node("max_pool2d", "data", "f32", out, attrs)}), isa, x, shape),
                expected)
          << isa;
      FileBuilder binary = sign_file(shape);
      EXPECT_EQ(
          run(binary.encode({binary.node("max_pool2d", "threshold0", "bits", out, attrs)}), isa, bits, shape),
          expected_bits)
          << isa;
    }
  }
}

TEST(PoolOps, AvgPool) {
  for (const PoolCase& c : kPools) {
    for (bool count_padding : {false, true}) {
      const std::vector<int64_t> shape{7, 8, c.channels};
      const Floats x = random_floats(product(shape), 4);
      std::vector<int64_t> out;
      const Floats expected = pool(x, 7, 8, c, &out, [&](const Floats& inside, int64_t padded) {
        float sum = 0;
        for (float value : inside) sum += value;
        return sum / static_cast<float>(count_padding ? padded : static_cast<int64_t>(inside.size()));
      });
      OrderedJson attrs = pool_attrs(c.kernel, c.stride, c.padding, c.ceil_mode);
      attrs["count_include_pad"] = count_padding;
      FileBuilder builder(shape);
      const std::string bytes = builder.encode({builder.node("avg_pool2d", "data", "f32", out, attrs)});
      for (const char* isa : isas()) EXPECT_EQ(run(bytes, isa, x, shape), expected) << isa;
    }
  }
}

}  // namespace
}  // namespace bmx
