// The operators of arithmetic.cc on every ISA. tests/runtime/test_operators.py sweeps wider; this runs on any
// target.
#include <gtest/gtest.h>

#include "support/code_file.h"

namespace bmx {
namespace {

using testing::CodeFile;
using testing::Floats;
using testing::floats_of;
using testing::isas;
using testing::Random;
using testing::random_inputs;
using testing::run;

TEST(ArithmeticOps, CastGivesTheNumbersAndSigns) {
  for (int bits = 0; bits <= 8; ++bits) {
    for (int64_t channels : {1, 31, 64, 70}) {
      Random random(static_cast<uint32_t>(bits + 1));
      const Floats x = floats_of(random_inputs(random, 2 * 3 * channels, bits));
      CodeFile file({3, channels}, bits);
      const std::string bytes =
          file.builder.encode({file.builder.node("cast", file.value, "f32", {3, channels})});
      for (const char* isa : isas()) EXPECT_EQ(run(bytes, isa, x, {3, channels}), x) << isa << ", " << bits;
    }
  }
}

}  // namespace
}  // namespace bmx
