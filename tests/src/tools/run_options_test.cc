// The command line of bmx-run; tests/runtime/test_bmx_run.py runs the program.
#include <gtest/gtest.h>

#include "tools/run_options.h"

namespace bmx {
namespace {

TEST(RunOptions, AreParsed) {
  const Result<RunOptions> options = parse_run_options(
      {"net.bmx", "--input", "x.npy", "--top=3", "--repeat", "10", "--json", "--isa=scalar", "--threads=2"},
      "avx2");
  ASSERT_TRUE(options.ok()) << options.status().message();
  EXPECT_EQ(options.value().model, "net.bmx");
  EXPECT_EQ(options.value().input, "x.npy");
  EXPECT_EQ(options.value().isa, "scalar");
  EXPECT_EQ(options.value().top, 3);
  EXPECT_EQ(options.value().repeat, 10);
  EXPECT_EQ(options.value().threads, 2);
  EXPECT_TRUE(options.value().json);
}

TEST(RunOptions, HaveDefaults) {
  EXPECT_EQ(parse_run_options({"a", "--input", "x"}, nullptr).value().isa, "auto");
  EXPECT_EQ(parse_run_options({"a", "--input", "x"}, "").value().isa, "auto");
  EXPECT_EQ(parse_run_options({"a", "--input", "x"}, "avx2").value().isa, "avx2");
  EXPECT_EQ(parse_run_options({"a", "--input", "x"}, nullptr).value().top, 5);
  EXPECT_EQ(parse_run_options({"a", "--input", "x", "--output", "y"}, nullptr).value().top, 0);
  EXPECT_EQ(parse_run_options({"a", "--input", "x"}, nullptr).value().threads, 1);
  EXPECT_TRUE(parse_run_options({"--help"}, nullptr).value().help);
}

TEST(RunOptions, RefuseMistakes) {
  const auto error = [](const std::vector<std::string>& arguments) {
    return parse_run_options(arguments, nullptr).status().message();
  };
  EXPECT_EQ(error({}), "no model file was given; see bmx-run --help");
  EXPECT_EQ(error({"a"}), "--input is missing; see bmx-run --help");
  EXPECT_EQ(error({"a", "b"}), "one model file is expected, found also 'b'");
  EXPECT_EQ(error({"a", "--fast"}), "unknown option '--fast'; see bmx-run --help");
  EXPECT_EQ(error({"a", "--input"}), "--input needs a value");
  EXPECT_EQ(error({"a", "--top", "-3"}), "--top needs a number from 1 to 999999999, found '-3'");
  EXPECT_EQ(error({"a", "--threads", "0"}), "--threads needs a number from 1 to 256, found '0'");
  EXPECT_EQ(error({"a", "--threads", "257"}), "--threads needs a number from 1 to 256, found '257'");
  EXPECT_EQ(error({"a", "--repeat=1e3"}), "--repeat needs a number from 1 to 1000000, found '1e3'");
}

}  // namespace
}  // namespace bmx
