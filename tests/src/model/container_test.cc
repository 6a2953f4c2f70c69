// The container: one test per thing that can be wrong with it, on literal bytes or on one small file with one
// change.
#include <gtest/gtest.h>

#include "support/model_files.h"

namespace bmx {
namespace {

using testing::affine_file;
using testing::assemble;
using testing::FileBuilder;
using testing::OrderedJson;
using testing::reading_error;
using testing::seal;

TEST(Container, RefusesNothing) { EXPECT_EQ(reading_error(""), "not a .bmx file: it has only 0 bytes"); }

TEST(Container, RefusesForeignBytes) {
  EXPECT_EQ(reading_error("\x89PNG\r\n\x1a\n and so on, for a while"),
            "not a .bmx file: it does not begin like one");
}

TEST(Container, RefusesAHugeHeader) {
  std::string bytes = affine_file().encode({"affine0"});
  bytes[4] = 1;
  EXPECT_NE(reading_error(bytes).find("the limit is 16777216"), std::string::npos);
}

TEST(Container, RefusesATruncatedHeader) {
  const std::string bytes = affine_file().encode({"affine0"}).substr(0, 108);
  EXPECT_NE(reading_error(bytes).find("the file is truncated: its header should have"), std::string::npos)
      << reading_error(bytes);
}

TEST(Container, RefusesAHeaderOfOddLength) {
  std::string bytes = affine_file().encode({"affine0"});
  bytes[0] = static_cast<char>(bytes[0] ^ 1);
  EXPECT_NE(reading_error(bytes).find("a multiple of 8 from 48 is expected"), std::string::npos)
      << reading_error(bytes);
}

TEST(Container, RefusesTruncatedTensors) {
  const std::string bytes = affine_file().encode({"affine0"});
  EXPECT_EQ(reading_error(bytes.substr(0, bytes.size() - 5)),
            "the file is truncated: its header promises 24 bytes of tensors, 19 are there");
}

TEST(Container, RefusesBytesAfterTheLastTensor) {
  EXPECT_EQ(reading_error(seal(affine_file().encode({"affine0"}) + "abc")),
            "the file has 3 bytes after its last tensor; none are expected");
}

TEST(Container, RefusesDamage) {
  std::string bytes = affine_file().encode({"affine0"});
  bytes.back() = static_cast<char>(bytes.back() ^ 16);
  EXPECT_NE(reading_error(bytes).find("checksum mismatch"), std::string::npos);
}

TEST(Container, RefusesBrokenJson) {
  EXPECT_EQ(reading_error(assemble(R"({"__metadata__":{"bmx.checksum":"crc32:00000000"},)", "")),
            "the header is not valid JSON");
}

TEST(Container, RefusesInvalidUtf8) {
  EXPECT_EQ(
      reading_error(assemble("{\"__metadata__\":{\"bmx.checksum\":\"crc32:00000000\",\"a\":\"\xff\"}}", "")),
      "the header is not valid JSON");
}

TEST(Container, RefusesDeepNesting) {
  const std::string deep = std::string(40, '[') + std::string(40, ']');
  EXPECT_EQ(
      reading_error(assemble(R"({"__metadata__":{"bmx.checksum":"crc32:00000000"},"a":)" + deep + "}", "")),
      "the header is nested deeper than 32 levels");
}

TEST(Container, RefusesRepeatedKeys) {
  EXPECT_EQ(reading_error(assemble(R"({"__metadata__":{"bmx.checksum":"crc32:00000000"},"a":1,"a":1})", "")),
            "the header has the key 'a' twice in one object");
}

struct TableCase {
  const char* entry;  // of tensor "t", whose right entry is F32 [3] at [12, 24]
  const char* error;
};

class Table : public ::testing::TestWithParam<TableCase> {};

TEST_P(Table, RefusesTheEntry) {
  FileBuilder builder = affine_file();
  builder.table["t"] = OrderedJson::parse(GetParam().entry);
  const std::string error = reading_error(builder.encode({"affine0"}));
  EXPECT_NE(error.find(GetParam().error), std::string::npos) << error;
}

INSTANTIATE_TEST_SUITE_P(
    Errors, Table,
    ::testing::Values(
        TableCase{R"(3)", "tensor 't': an object is expected"},
        TableCase{R"({"dtype":"F64","shape":[3],"data_offsets":[12,24]})",
                  "dtype 'F64' is not one of F32, I32, I16, I8, U8"},
        TableCase{R"({"shape":[3],"data_offsets":[12,24]})", "'dtype' is missing"},
        TableCase{R"({"dtype":"F32","shape":"3","data_offsets":[12,24]})",
                  "'shape' must be a list of integers"},
        TableCase{R"({"dtype":"F32","shape":[3.5],"data_offsets":[12,24]})",
                  "'shape' must be a list of integers"},
        TableCase{R"({"dtype":"F32","shape":[0],"data_offsets":[12,12]})", "outside the limits"},
        TableCase{R"({"dtype":"F32","shape":[-3],"data_offsets":[12,24]})", "outside the limits"},
        TableCase{R"({"dtype":"F32","shape":[4294967296],"data_offsets":[12,24]})", "outside the limits"},
        TableCase{R"({"dtype":"F32","shape":[18446744073709551615],"data_offsets":[12,24]})",
                  "list of integers"},
        TableCase{R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,3],"data_offsets":[12,24]})",
                  "outside the limits"},
        TableCase{R"({"dtype":"F32","shape":[3],"data_offsets":[24,12]})", "is not a range"},
        TableCase{R"({"dtype":"F32","shape":[3],"data_offsets":[12]})", "is not a range"},
        TableCase{R"({"dtype":"F32","shape":[4],"data_offsets":[12,24]})", "do not make the 12 bytes"},
        TableCase{R"({"dtype":"F32","shape":[2147483647,2147483647,2147483647],"data_offsets":[12,24]})",
                  "do not make"},
        TableCase{R"({"dtype":"F32","shape":[3],"data_offsets":[8,20]})",
                  "its data begins at 8, but the tensor before it ends at 12"},
        TableCase{R"({"dtype":"F32","shape":[2],"data_offsets":[16,24]})", "its data begins at 16, but"},
        TableCase{R"({"dtype":"F32","shape":[3],"data_offsets":[12,24],"x":1})", "'x' is not a key"}));

TEST(Container, RefusesUnalignedShortIntegers) {
  FileBuilder builder({3});
  builder.tensor<int8_t>("s", "I8", {3}, {1, 2, 3});
  builder.tensor<int16_t>("t", "I16", {1}, {1});
  EXPECT_NE(reading_error(builder.encode({"data"})).find("the order is F32, I32, I16, I8, U8"),
            std::string::npos);
}

TEST(Container, RefusesUnalignedTensors) {
  FileBuilder builder({3});
  builder.tensor<uint8_t>("s", "U8", {3}, {1, 2, 3});
  builder.tensor<float>("t", "F32", {1}, {1});
  EXPECT_NE(reading_error(builder.encode({"data"})).find("not aligned to its elements"), std::string::npos);
}

}  // namespace
}  // namespace bmx
