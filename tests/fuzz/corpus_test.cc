// Every file that the fuzzer has kept (scripts/fuzz.sh): none may crash, and every ISA gives the same
// results.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "load_and_run.h"

namespace bmx {
namespace {

TEST(FuzzCorpus, EveryFileIsRefusedOrRunsTheSameOnEveryIsa) {
  int files = 0, ran = 0;
  for (const auto& entry : std::filesystem::directory_iterator(BMX_FUZZ_CORPUS)) {
    std::ifstream stream(entry.path(), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
    SCOPED_TRACE(entry.path().filename().string());
    ran += testing::load_and_run(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()) ? 1 : 0;
    ++files;
  }
  // Both kinds are there: files that are refused, and files that run.
  EXPECT_GT(ran, 50);
  EXPECT_GT(files - ran, 50);
}

}  // namespace
}  // namespace bmx
