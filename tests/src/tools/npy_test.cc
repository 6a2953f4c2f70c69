// .npy files.
#include <gtest/gtest.h>

#include <cstring>

#include "tools/npy.h"

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
  const std::string path = ::testing::TempDir() + "npy_test.npy";
  const float values[] = {1, -2, 3.5F, 0, 5, 6};
  ASSERT_TRUE(write_npy(path, values, TensorType::kF32, {2, 3}).ok());
  const Result<NpyArray> array = read_npy(path);
  ASSERT_TRUE(array.ok()) << array.status().message();
  EXPECT_EQ(array.value().shape, (Shape{2, 3}));
  EXPECT_EQ(std::memcmp(array.value().bytes.data(), values, sizeof(values)), 0);
  EXPECT_EQ(npy::header_of(TensorType::kI32, {7}).size() % 64, 0U);
}

}  // namespace
}  // namespace bmx
