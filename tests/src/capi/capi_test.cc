// The C API, from C (capi_usage_test.c) and its edges from here.
#include <gtest/gtest.h>

#include <fstream>

#include <bmx/bmx.h>
#include "support/file_builder.h"

extern "C" const char* use_from_c(const void* file, size_t size, const float* input, const int64_t* shape,
                                  size_t rank, float* output, size_t outputs);

namespace {

using bmx::testing::FileBuilder;
using bmx::testing::OrderedJson;

std::string affine_file() {
  FileBuilder builder({3});
  builder.graph["classes"] = {"a", "b", "c"};
  builder.tensor<float>("s", "F32", {3}, {1, 2, 3});
  builder.tensor<float>("t", "F32", {3}, {0, 0.5, 1});
  builder.node("affine", "data", "f32", {3}, OrderedJson::object(), {{"scale", "s"}, {"shift", "t"}});
  return builder.encode({"affine0"});
}

class CApi : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string bytes = affine_file();
    ASSERT_EQ(bmx_model_from_memory(bytes.data(), bytes.size(), "scalar", &model_), nullptr);
    ASSERT_EQ(bmx_session_create(model_, &session_), nullptr);
  }
  void TearDown() override {
    bmx_session_free(session_);
    bmx_model_free(model_);
  }
  bmx_model* model_ = nullptr;
  bmx_session* session_ = nullptr;
};

std::string message_of(bmx_status* status, bmx_code code) {
  EXPECT_EQ(bmx_status_code(status), code);
  std::string message = bmx_status_message(status);
  bmx_status_free(status);
  return message;
}

TEST(CApiFromC, RunsAModel) {
  const std::string bytes = affine_file();
  const float x[] = {1, 2, 3, -1, -2, -3};
  const int64_t shape[] = {2, 3};
  float y[6] = {};
  ASSERT_STREQ(use_from_c(bytes.data(), bytes.size(), x, shape, 2, y, 6), nullptr);
  EXPECT_EQ(std::vector<float>(y, y + 6), (std::vector<float>{1, 4.5, 10, -1, -3.5, -8}));
  EXPECT_STREQ(use_from_c(bytes.data(), bytes.size(), x, shape, 1, y, 6),
               "input 'data': expected shape (batch, 3), found (2,)");
  EXPECT_STREQ(use_from_c(bytes.data(), 7, x, shape, 2, y, 6), "not a .bmx file: it has only 7 bytes");
}

TEST_F(CApi, DescribesTheModel) {
  EXPECT_STREQ(bmx_model_isa(model_), "scalar");
  EXPECT_EQ(OrderedJson::parse(bmx_model_describe(model_))["nodes"][0]["weight_bytes"], 24);
  EXPECT_EQ(bmx_model_input_count(model_), 1U);
  EXPECT_STREQ(bmx_model_input_name(model_, 0), "data");
  EXPECT_EQ(bmx_model_input_type(model_, 0), BMX_FLOAT32);
  EXPECT_EQ(bmx_model_input_type(model_, 1), BMX_FLOAT32);
  EXPECT_EQ(bmx_model_input_takes_uint8(model_, 0), 0);
  EXPECT_EQ(bmx_model_output_count(model_), 1U);
  EXPECT_STREQ(bmx_model_output_name(model_, 0), "affine0");
  EXPECT_EQ(bmx_model_output_type(model_, 0), BMX_FLOAT32);
  size_t rank = 0;
  EXPECT_EQ(bmx_model_output_shape(model_, 0, &rank)[0], 3);
  EXPECT_EQ(rank, 1U);
  EXPECT_EQ(bmx_model_class_count(model_), 3U);
  EXPECT_STREQ(bmx_model_class_name(model_, 2), "c");
}

TEST_F(CApi, AnswersIndicesOutOfRange) {
  size_t rank = 9;
  EXPECT_EQ(bmx_model_input_name(model_, 1), nullptr);
  EXPECT_EQ(bmx_model_input_shape(model_, 1, &rank), nullptr);
  EXPECT_EQ(rank, 0U);
  EXPECT_EQ(bmx_model_output_name(model_, 1), nullptr);
  EXPECT_EQ(bmx_model_output_shape(model_, 1, &rank), nullptr);
  EXPECT_EQ(bmx_model_class_name(model_, 3), nullptr);
  EXPECT_EQ(bmx_session_output(session_, 1).data, nullptr);
  EXPECT_EQ(bmx_session_output(session_, 0).data, nullptr) << "nothing ran yet";
}

TEST_F(CApi, TakesThreads) {
  const float x[] = {1, 2, 3, -1, -2, -3};
  const int64_t shape[] = {2, 3};
  const bmx_array input{x, BMX_FLOAT32, shape, 2};
  bmx_session* session = nullptr;
  for (int threads : {0, -1, 257}) {
    EXPECT_EQ(message_of(bmx_session_create_threads(model_, threads, &session), BMX_INVALID_ARGUMENT),
              "threads must be from 1 to 256, found " + std::to_string(threads));
    EXPECT_EQ(session, nullptr);
  }
  ASSERT_EQ(bmx_session_create_threads(model_, 2, &session), nullptr);
  ASSERT_EQ(bmx_session_run(session, &input, 1), nullptr);
  EXPECT_EQ(static_cast<const float*>(bmx_session_output(session, 0).data)[2], 10);
  bmx_session_free(session);
}

TEST_F(CApi, Profiles) {
  const float x[] = {1, 2, 3, -1, -2, -3};
  const int64_t shape[] = {2, 3};
  const bmx_array input{x, BMX_FLOAT32, shape, 2};
  const char* json = nullptr;
  EXPECT_EQ(message_of(bmx_session_profile(session_, &input, 1, 0, &json), BMX_INVALID_ARGUMENT),
            "runs must be from 1 to 1000000, found 0");
  EXPECT_EQ(json, nullptr);
  ASSERT_EQ(bmx_session_profile(session_, &input, 1, 4, &json), nullptr);
  const OrderedJson profile = OrderedJson::parse(json);
  EXPECT_EQ(profile["isa"], "scalar");
  EXPECT_EQ(profile["threads"], 1);
  EXPECT_EQ(profile["batch"], 2);
  EXPECT_EQ(profile["runs"], 4);
  EXPECT_EQ(profile["steps"][0]["node"], "affine0");
  EXPECT_EQ(profile["steps"][0]["share"], 1);
}

TEST_F(CApi, ReportsWrongInputs) {
  const float x[3] = {};
  const int64_t shape[] = {1, 3};
  const bmx_array good{x, BMX_FLOAT32, shape, 2}, image{x, BMX_UINT8, shape, 2},
      integers{x, BMX_INT32, shape, 2};
  const bmx_array two[] = {good, good};
  EXPECT_EQ(bmx_session_run(session_, &good, 1), nullptr);
  EXPECT_NE(message_of(bmx_session_run(session_, &image, 1), BMX_INVALID_ARGUMENT).find("no preprocessing"),
            std::string::npos);
  EXPECT_NE(
      message_of(bmx_session_run(session_, &integers, 1), BMX_INVALID_ARGUMENT).find("expected float32"),
      std::string::npos);
  EXPECT_EQ(message_of(bmx_session_run(session_, two, 2), BMX_INVALID_ARGUMENT),
            "the model has 1 inputs, 2 arrays were given");
}

TEST(CApiBytes, AreAnInputOfTheirOwn) {
  FileBuilder builder({3});
  builder.graph["inputs"][0]["dtype"] = "bytes";
  const std::string bytes = builder.encode({builder.node("to_planes", "data", "u8", {3})});
  bmx_model* model = nullptr;
  bmx_session* session = nullptr;
  ASSERT_EQ(bmx_model_from_memory(bytes.data(), bytes.size(), "scalar", &model), nullptr);
  ASSERT_EQ(bmx_session_create(model, &session), nullptr);
  EXPECT_EQ(bmx_model_input_type(model, 0), BMX_UINT8);
  EXPECT_EQ(bmx_model_input_takes_uint8(model, 0), 1);
  EXPECT_EQ(bmx_model_input_takes_uint8(model, 1), 0);
  EXPECT_EQ(bmx_model_output_type(model, 0), BMX_FLOAT32);
  EXPECT_EQ(OrderedJson::parse(bmx_model_describe(model))["inputs"][0]["dtype"], "bytes");
  const uint8_t x[] = {0, 200, 255};
  const float floats[] = {0, 200, 255};
  const int64_t shape[] = {1, 3};
  const bmx_array good{x, BMX_UINT8, shape, 2}, bad{floats, BMX_FLOAT32, shape, 2};
  ASSERT_EQ(bmx_session_run(session, &good, 1), nullptr);
  const auto* y = static_cast<const float*>(bmx_session_output(session, 0).data);
  EXPECT_EQ(std::vector<float>(y, y + 3), std::vector<float>(floats, floats + 3));
  EXPECT_EQ(
      message_of(bmx_session_run(session, &bad, 1), BMX_INVALID_ARGUMENT),
      "input 'data': expected uint8 values, found float32; give the bytes themselves, not numbers made of "
      "them");
  bmx_session_free(session);
  bmx_model_free(model);
}

TEST(CApiLoading, ReportsEachKindOfFailure) {
  bmx_model* model = nullptr;
  EXPECT_EQ(message_of(bmx_model_open("/nowhere.bmx", nullptr, &model), BMX_IO),
            "/nowhere.bmx: cannot open the file: No such file or directory");
  EXPECT_NE(message_of(bmx_model_open("/nowhere.bmx", "mmx", &model), BMX_INVALID_ARGUMENT)
                .find("unknown ISA 'mmx'"),
            std::string::npos);
  EXPECT_EQ(message_of(bmx_model_from_memory("x", 1, "auto", &model), BMX_CORRUPT_FILE),
            "not a .bmx file: it has only 1 bytes");
  EXPECT_EQ(model, nullptr);
  const std::string path = ::testing::TempDir() + "capi_test.bmx";
  std::ofstream(path, std::ios::binary) << affine_file();
  ASSERT_EQ(bmx_model_open(path.c_str(), "auto", &model), nullptr);
  bmx_model_free(model);
}

TEST(CApiVersion, IsThreeNumbers) {
  int major = 0, minor = 0, patch = 0;
  EXPECT_EQ(std::sscanf(bmx_version(), "%d.%d.%d", &major, &minor, &patch), 3);
}

}  // namespace
