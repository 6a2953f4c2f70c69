// A whole file, byte for byte; its metadata, and files on disk.
#include <gtest/gtest.h>

#include <fstream>

#include "model/model_file.h"
#include "support/model_files.h"

namespace bmx {
namespace {

using testing::affine_file;
using testing::FileBuilder;
using testing::metadata_of;
using testing::OrderedJson;
using testing::reading_error;

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
  EXPECT_EQ(reading_error(affine_file().encode({"affine0"})), "accepted");
}

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

TEST(ModelFile, RefusesMissingAndUnknownMetadata) {
  FileBuilder builder = affine_file();
  builder.graph["outputs"] = {"affine0"};
  for (const char* key : {"bmx.format_version", "bmx.producer", "bmx.graph"}) {
    OrderedJson metadata = metadata_of(builder.graph.dump());
    metadata.erase(key);
    EXPECT_EQ(reading_error(builder.encode_with(metadata)),
              std::string("__metadata__: '") + key + "' is missing");
    metadata[key] = 5;
    EXPECT_EQ(reading_error(builder.encode_with(metadata)),
              std::string("__metadata__: '") + key + "' must be a string");
  }
  OrderedJson metadata = metadata_of(builder.graph.dump());
  metadata["bmx.format_version"] = "2";
  EXPECT_NE(reading_error(builder.encode_with(metadata)).find("format version '2' is not known"),
            std::string::npos);
}

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
