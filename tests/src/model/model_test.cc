// The reader: one test per thing that can be wrong with a file, on literal bytes or on one small file with
// one change.
#include <gtest/gtest.h>

#include <fstream>

#include "model/crc32.h"
#include "model/model_file.h"
#include "support/file_builder.h"

namespace bmx {
namespace {

using testing::assemble;
using testing::FileBuilder;
using testing::metadata_of;
using testing::OrderedJson;
using testing::seal;

std::string error_of(const std::string& bytes) {
  Result<ModelFile> file = ModelFile::from_memory(bytes.data(), bytes.size());
  return file.ok() ? "accepted" : file.status().message();
}

// data -> affine0 -> output, with two tensors of three floats.
FileBuilder affine_file() {
  FileBuilder builder({3});
  builder.tensor<float>("s", "F32", {3}, {1, 2, 3});
  builder.tensor<float>("t", "F32", {3}, {0, 0.5, 1});
  builder.node("affine", "data", "f32", {3}, OrderedJson::object(), {{"scale", "s"}, {"shift", "t"}});
  return builder;
}

// The tiny file of this test, byte for byte: whatever the builder and the reader agree on, it must also agree
// with this.
const std::string kGraph =
    R"({\"name\":\"n\",\"inputs\":[{\"name\":\"x\",\"dtype\":\"f32\",\"shape\":[2]}],\"outputs\":[\"a\"],\"nodes\":[)"
    R"({\"name\":\"a\",\"op\":\"affine\",\"inputs\":[\"x\"],\"dtype\":\"f32\",\"shape\":[2],)"
    R"(\"tensors\":{\"scale\":\"s\",\"shift\":\"t\"}}]})";
const std::string kGolden = std::string("\xd0\x01\0\0\0\0\0\0", 8) +
                            R"({"__metadata__":{"bmx.checksum":"crc32:@@@@@@@@","bmx.format_version":"1",)"
                            R"("bmx.producer":"p","bmx.graph":")" +
                            kGraph +
                            R"("},"s":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                            R"("t":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})";

TEST(Crc32, HasTheCheckValueOfTheStandard) {
  const std::string text = "123456789";
  EXPECT_EQ(crc32(reinterpret_cast<const uint8_t*>(text.data()), text.size()), 0xcbf43926U);
}

TEST(Crc32, ContinuesAndMatchesTheBitwiseDefinition) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += static_cast<char>(i * 37 % 251);
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  for (size_t split : {0, 1, 7, 8, 9, 500, 1000}) {
    EXPECT_EQ(crc32(bytes + split, text.size() - split, crc32(bytes, split)),
              testing::crc32_bit_by_bit(text));
  }
}

TEST(ModelFile, ReadsAGolden) {
  std::string bytes = kGolden;
  const uint64_t header = (bytes.size() - 8 + 7) / 8 * 8;
  ASSERT_EQ(header, 0x1d0U);
  bytes.resize(8 + header, ' ');
  const std::string one("\0\0\x80\x3f", 4), minus_two("\0\0\0\xc0", 4);
  bytes += one + minus_two + minus_two + one;
  bytes.replace(47, 8, "cbde44ec");
  Result<ModelFile> file = ModelFile::from_memory(bytes.data(), bytes.size());
  ASSERT_TRUE(file.ok()) << file.status().message();
  const Graph& graph = file->graph();
  EXPECT_EQ(graph.name, "n");
  EXPECT_EQ(graph.inputs[0].type, (ValueType{DType::kF32, {2}}));
  EXPECT_EQ(graph.outputs, std::vector<int>{1});
  const Tensor& shift = graph.nodes[0].tensors.at("shift");
  EXPECT_EQ(shift.shape, Shape{2});
  EXPECT_EQ(shift.f32()[0], -2.0F);
  EXPECT_EQ(shift.f32()[1], 1.0F);
}

TEST(ModelFile, AcceptsTheFileThatTheOtherTestsDamage) {
  EXPECT_EQ(error_of(affine_file().encode({"affine0"})), "accepted");
}

TEST(ModelFile, RefusesNothing) { EXPECT_EQ(error_of(""), "not a .bmx file: it has only 0 bytes"); }

TEST(ModelFile, RefusesForeignBytes) {
  EXPECT_EQ(error_of("\x89PNG\r\n\x1a\n and so on, for a while"),
            "not a .bmx file: it does not begin like one");
}

TEST(ModelFile, RefusesAHugeHeader) {
  std::string bytes = affine_file().encode({"affine0"});
  bytes[4] = 1;
  EXPECT_NE(error_of(bytes).find("the limit is 16777216"), std::string::npos);
}

TEST(ModelFile, RefusesATruncatedHeader) {
  const std::string bytes = affine_file().encode({"affine0"}).substr(0, 108);
  EXPECT_NE(error_of(bytes).find("the file is truncated: its header should have"), std::string::npos)
      << error_of(bytes);
}

TEST(ModelFile, RefusesAHeaderOfOddLength) {
  std::string bytes = affine_file().encode({"affine0"});
  bytes[0] = static_cast<char>(bytes[0] ^ 1);
  EXPECT_NE(error_of(bytes).find("a multiple of 8 from 48 is expected"), std::string::npos)
      << error_of(bytes);
}

TEST(ModelFile, RefusesTruncatedTensors) {
  const std::string bytes = affine_file().encode({"affine0"});
  EXPECT_EQ(error_of(bytes.substr(0, bytes.size() - 5)),
            "the file is truncated: its header promises 24 bytes of tensors, 19 are there");
}

TEST(ModelFile, RefusesBytesAfterTheLastTensor) {
  EXPECT_EQ(error_of(seal(affine_file().encode({"affine0"}) + "abc")),
            "the file has 3 bytes after its last tensor; none are expected");
}

TEST(ModelFile, RefusesDamage) {
  std::string bytes = affine_file().encode({"affine0"});
  bytes.back() = static_cast<char>(bytes.back() ^ 16);
  EXPECT_NE(error_of(bytes).find("checksum mismatch"), std::string::npos);
}

TEST(ModelFile, RefusesBrokenJson) {
  EXPECT_EQ(error_of(assemble(R"({"__metadata__":{"bmx.checksum":"crc32:00000000"},)", "")),
            "the header is not valid JSON");
}

TEST(ModelFile, RefusesInvalidUtf8) {
  EXPECT_EQ(error_of(assemble("{\"__metadata__\":{\"bmx.checksum\":\"crc32:00000000\",\"a\":\"\xff\"}}", "")),
            "the header is not valid JSON");
}

TEST(ModelFile, RefusesDeepNesting) {
  const std::string deep = std::string(40, '[') + std::string(40, ']');
  EXPECT_EQ(error_of(assemble(R"({"__metadata__":{"bmx.checksum":"crc32:00000000"},"a":)" + deep + "}", "")),
            "the header is nested deeper than 32 levels");
}

TEST(ModelFile, RefusesRepeatedKeys) {
  EXPECT_EQ(error_of(assemble(R"({"__metadata__":{"bmx.checksum":"crc32:00000000"},"a":1,"a":1})", "")),
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
  const std::string error = error_of(builder.encode({"affine0"}));
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

TEST(ModelFile, ReadsShortIntegers) {
  FileBuilder builder({3});
  builder.tensor<int16_t>("s", "I16", {1}, {-2});
  builder.tensor<int8_t>("t", "I8", {2}, {-3, 4});
  builder.node("any", "data", "u7", {3}, OrderedJson::object(), {{"short", "s"}, {"shorter", "t"}});
  const std::string bytes = builder.encode({"any0"});
  Result<ModelFile> file = ModelFile::from_memory(bytes.data(), bytes.size());
  ASSERT_TRUE(file.ok()) << file.status().message();
  const Node& node = file->graph().nodes[0];
  EXPECT_EQ(node.declared, (ValueType{DType::kU7, {3}}));
  EXPECT_EQ(node.tensors.at("short").i16()[0], -2);
  EXPECT_EQ(node.tensors.at("shorter").i8()[0], -3);
  EXPECT_EQ(node.tensors.at("shorter").i8()[1], 4);
}

TEST(ModelFile, RefusesUnalignedShortIntegers) {
  FileBuilder builder({3});
  builder.tensor<int8_t>("s", "I8", {3}, {1, 2, 3});
  builder.tensor<int16_t>("t", "I16", {1}, {1});
  EXPECT_NE(error_of(builder.encode({"data"})).find("the order is F32, I32, I16, I8, U8"), std::string::npos);
}

TEST(ValueTypes, HaveNamesAndSizes) {
  EXPECT_EQ(text_of(ValueType{DType::kU1, {2, 65}}), "u1 [2, 65]");
  EXPECT_EQ(text_of(ValueType{DType::kBytes, {3, 5}}), "bytes [3, 5]");
  EXPECT_EQ((ValueType{DType::kBytes, {3, 5}}).bytes(), 15);
  EXPECT_EQ((ValueType{DType::kBits, {3, 65}}).bytes(), 3 * 2 * 8);
  EXPECT_EQ((ValueType{DType::kU8, {3, 65}}).bytes(), 3 * 8 * 2 * 8);
  EXPECT_EQ((ValueType{DType::kI32, {3, 65}}).bytes(), 3 * 65 * 4);
  for (int bits = 1; bits <= 8; ++bits) EXPECT_EQ(planes_of(unsigned_of(bits)), bits);
  EXPECT_EQ(planes_of(DType::kBits), 1);
  for (DType dtype : {DType::kF32, DType::kI32, DType::kBytes}) EXPECT_EQ(planes_of(dtype), 0);
}

TEST(ModelFile, RefusesUnalignedTensors) {
  FileBuilder builder({3});
  builder.tensor<uint8_t>("s", "U8", {3}, {1, 2, 3});
  builder.tensor<float>("t", "F32", {1}, {1});
  EXPECT_NE(error_of(builder.encode({"data"})).find("not aligned to its elements"), std::string::npos);
}

TEST(ModelFile, RefusesMissingAndUnknownMetadata) {
  FileBuilder builder = affine_file();
  builder.graph["outputs"] = {"affine0"};
  for (const char* key : {"bmx.format_version", "bmx.producer", "bmx.graph"}) {
    OrderedJson metadata = metadata_of(builder.graph.dump());
    metadata.erase(key);
    EXPECT_EQ(error_of(builder.encode_with(metadata)), std::string("__metadata__: '") + key + "' is missing");
    metadata[key] = 5;
    EXPECT_EQ(error_of(builder.encode_with(metadata)),
              std::string("__metadata__: '") + key + "' must be a string");
  }
  OrderedJson metadata = metadata_of(builder.graph.dump());
  metadata["bmx.format_version"] = "2";
  EXPECT_NE(error_of(builder.encode_with(metadata)).find("format version '2' is not known"),
            std::string::npos);
}

struct GraphCase {
  const char* pointer;  // what is replaced, or erased if the value is empty
  const char* value;
  const char* error;
};

class GraphErrors : public ::testing::TestWithParam<GraphCase> {};

TEST_P(GraphErrors, AreSentences) {
  FileBuilder builder = affine_file();
  builder.graph["outputs"] = {"affine0"};
  const OrderedJson::json_pointer pointer(GetParam().pointer);
  if (*GetParam().value) {
    builder.graph[pointer] = OrderedJson::parse(GetParam().value);
  } else {
    builder.graph[pointer.parent_pointer()].erase(pointer.back());
  }
  const std::string error = error_of(builder.encode_with(metadata_of(builder.graph.dump())));
  EXPECT_NE(error.find(GetParam().error), std::string::npos) << error;
}

INSTANTIATE_TEST_SUITE_P(
    All, GraphErrors,
    ::testing::Values(
        GraphCase{"/name", "", "the graph: 'name' is missing"},
        GraphCase{"/nodes", "3", "'nodes' must be a list"}, GraphCase{"/inputs", "[]", "it has no inputs"},
        GraphCase{"/outputs", "[]", "it has no outputs"},
        GraphCase{"/outputs", R"(["data","data"])", "output 'data' is named twice"},
        GraphCase{"/outputs", R"(["end"])", "'end' is neither an input of the graph nor a node"},
        GraphCase{"/classes", R"(["a"])", "'classes' has 1 labels, the first output has 3"},
        GraphCase{"/version", "1", "'version' is not a key of format version 1"},
        GraphCase{"/inputs/0/dtype", R"("i32")", "input 'data': dtype must be f32 or bytes"},
        GraphCase{"/inputs/0/dtype", R"("u8")", "input 'data': dtype must be f32 or bytes"},
        GraphCase{"/inputs/0",
                  R"({"name":"data","dtype":"bytes","shape":[3],)"
                  R"("preprocessing":{"scale":1,"mean":[0],"std":[1]}})",
                  "input 'data': bytes are taken as they are: 'preprocessing' is for f32 inputs"},
        GraphCase{"/inputs/0/shape", "[]", "outside the limits"},
        GraphCase{"/inputs/0/shape", "[65536,65536]", "outside the limits"},
        GraphCase{"/inputs/0/preprocessing", "1", "'preprocessing' must be an object"},
        GraphCase{"/inputs/0/preprocessing", R"({"scale":1,"mean":[0,0],"std":[1]})",
                  "for each of the 1 channels"},
        GraphCase{"/inputs/0/preprocessing", R"({"scale":1,"mean":[0],"std":[0]})", "'std' must not hold 0"},
        GraphCase{"/inputs/0/preprocessing", R"({"scale":"1","mean":[0],"std":[1]})",
                  "'scale' must be a finite number"},
        GraphCase{"/nodes/0", "7", "node 0: an object is expected"},
        GraphCase{"/nodes/0/name", R"("data")", "the name 'data' is used twice"},
        GraphCase{"/nodes/0/name", R"("a\u0007")", "must not hold control characters"},
        GraphCase{"/nodes/0/op", "", "node 'affine0': 'op' is missing"},
        GraphCase{"/nodes/0/dtype", R"("f64")", "dtype 'f64' is not one of f32, i32, bits, u1 to u8, bytes"},
        GraphCase{"/nodes/0/dtype", R"("u9")", "dtype 'u9' is not one of"},
        GraphCase{"/nodes/0/inputs", R"(["affine0"])",
                  "'affine0' is neither an input of the graph nor a node before"},
        GraphCase{"/nodes/0/attrs", R"({"a":1.5})", "attribute 'a' is neither a boolean, an integer nor"},
        GraphCase{"/nodes/0/tensors/scale", R"("none")",
                  "'scale' names a tensor that the file does not hold"},
        GraphCase{"/nodes/0/tensors/scale", R"("t")", "tensor 's' is used by no node"}));

TEST(ModelFile, NamesThePath) {
  Result<ModelFile> missing = ModelFile::open("/nowhere/net.bmx");
  EXPECT_EQ(missing.status().code(), Code::kIo);
  EXPECT_EQ(missing.status().message(), "/nowhere/net.bmx: cannot open the file: No such file or directory");
  const std::string path = ::testing::TempDir() + "model_test.bmx";
  std::ofstream(path) << "short";
  EXPECT_EQ(ModelFile::open(path).status().message(), path + ": not a .bmx file: it has only 5 bytes");
  std::ofstream(path, std::ios::binary) << affine_file().encode({"affine0"});
  EXPECT_TRUE(ModelFile::open(path).ok());
}

}  // namespace
}  // namespace bmx
