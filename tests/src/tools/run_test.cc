// The parts of bmx-run: .npy files and the command line. tests/runtime/test_bmx_run.py runs the program.
#include <gtest/gtest.h>

#include "tools/bench_options.h"
#include "tools/npy.h"
#include "tools/run_options.h"

namespace bmx {
namespace {

std::vector<char> npy_file(const std::string& header, const std::string& data, char version = 1) {
  std::string bytes = std::string("\x93NUMPY") + version + '\0';
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  if (version == 2) bytes += std::string(2, '\0');
  bytes += header + data;
  return {bytes.begin(), bytes.end()};
}

const std::string kFloats = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n";

TEST(Usage, NamesTheInstructionSetsOfThisBuild) {
  std::string names;
  for (const Kernels* kernels : all_kernels())
    names += (names.empty() ? "" : ", ") + std::string(kernels->name);
  for (const std::string& usage : {run_usage(), bench_usage()})
    EXPECT_NE(usage.find("one of this build: " + names + " ("), std::string::npos) << usage;
}

TEST(Npy, ReadsBothVersions) {
  for (char version : {'\1', '\2'}) {
    const Result<NpyArray> array = npy::parse(npy_file(kFloats, "12345678", version));
    ASSERT_TRUE(array.ok()) << array.status().message();
    EXPECT_EQ(array.value().type, TensorType::kF32);
    EXPECT_EQ(array.value().shape, (Shape{1, 2}));
    EXPECT_EQ(std::string(array.value().bytes.begin(), array.value().bytes.end()), "12345678");
  }
}

TEST(Npy, ReadsVectorsAndBytes) {
  const Result<NpyArray> array =
      npy::parse(npy_file("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }", "abc"));
  ASSERT_TRUE(array.ok()) << array.status().message();
  EXPECT_EQ(array.value().type, TensorType::kU8);
  EXPECT_EQ(array.value().shape, Shape{3});
}

TEST(Npy, RefusesWhatItCannotRead) {
  const auto error = [](const std::vector<char>& file) { return npy::parse(file).status().message(); };
  EXPECT_EQ(error({'x'}), "not a .npy file");
  EXPECT_EQ(error(npy_file(kFloats, "12345678", 3)), ".npy version 3 is not known");
  EXPECT_EQ(error(npy_file("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", "12345678")),
            "the array's dtype is '<f8', float32 ('<f4') or uint8 ('|u1') is expected");
  EXPECT_EQ(error(npy_file("{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }", "12345678")),
            "the array is in Fortran order; save numpy.ascontiguousarray of it");
  EXPECT_EQ(error(npy_file(kFloats, "1234567")),
            "the .npy file holds 7 bytes of data, which is not its shape [1, 2]");
  EXPECT_EQ(error(npy_file("{'descr': '<f4', 'shape': (2,), }", "12345678")), "the .npy header is damaged");
  EXPECT_EQ(error(npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (2x), }", "")),
            "the .npy header is damaged");
  EXPECT_EQ(error(npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999), }", "")),
            "the .npy header is damaged");
  std::vector<char> truncated = npy_file(kFloats, "");
  truncated.resize(20);
  EXPECT_EQ(error(truncated), "the .npy file is truncated");
}

TEST(Npy, WritesWhatItReads) {
  const std::string path = ::testing::TempDir() + "run_test.npy";
  const float values[] = {1, -2, 3.5F, 0, 5, 6};
  ASSERT_TRUE(write_npy(path, values, TensorType::kF32, {2, 3}).ok());
  const Result<NpyArray> array = read_npy(path);
  ASSERT_TRUE(array.ok()) << array.status().message();
  EXPECT_EQ(array.value().shape, (Shape{2, 3}));
  EXPECT_EQ(std::memcmp(array.value().bytes.data(), values, sizeof(values)), 0);
  EXPECT_EQ(npy::header_of(TensorType::kI32, {7}).size() % 64, 0U);
}

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
