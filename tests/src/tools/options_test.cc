// What the command lines share.
#include <gtest/gtest.h>

#include "microkernels/kernels.h"
#include "tools/bench_options.h"
#include "tools/run_options.h"

namespace bmx {
namespace {

TEST(Usage, NamesTheInstructionSetsOfThisBuild) {
  std::string names;
  for (const Kernels* kernels : all_kernels())
    names += (names.empty() ? "" : ", ") + std::string(kernels->name);
  for (const std::string& usage : {run_usage(), bench_usage()})
    EXPECT_NE(usage.find("one of this build: " + names + " ("), std::string::npos) << usage;
}

}  // namespace
}  // namespace bmx
