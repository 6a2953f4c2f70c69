// bmx.hpp: ownership, results by index and name, and errors as exceptions.
#include <gtest/gtest.h>

#include <fstream>

#include <bmx/bmx.hpp>
#include "support/file_builder.h"

std::vector<float> run_from_cxx11(const void* file, std::size_t size, const float* x, std::int64_t batch,
                                  std::int64_t channels, int threads);

namespace {

using bmx::testing::FileBuilder;
using bmx::testing::OrderedJson;

// Two outputs: twice the input, and its sign changed.
std::string two_outputs() {
  FileBuilder builder({3});
  builder.graph["classes"] = {"a", "b", "c"};
  builder.tensor<float>("two", "F32", {3}, {2, 2, 2});
  builder.tensor<float>("minus", "F32", {3}, {-1, -1, -1});
  builder.tensor<float>("zero", "F32", {3}, {0, 0, 0});
  const OrderedJson none = OrderedJson::object();
  builder.node("affine", "data", "f32", {3}, none, {{"scale", "two"}, {"shift", "zero"}});
  builder.node("affine", "data", "f32", {3}, none, {{"scale", "minus"}, {"shift", "zero"}});
  return builder.encode({"affine0", "affine1"});
}

template <class Function>
std::string message_of(bmx_code code, Function function) {
  try {
    function();
  } catch (const bmx::Error& error) {
    EXPECT_EQ(error.code(), code);
    return error.what();
  }
  return "nothing was thrown";
}

class Hpp : public ::testing::Test {
 protected:
  const std::string bytes_ = two_outputs();
  const bmx::Model model_{bytes_.data(), bytes_.size(), "scalar"};
  const float x_[6] = {1, 2, 3, -1, -2, -3};
};

TEST_F(Hpp, DescribesAModel) {
  EXPECT_EQ(model_.isa(), "scalar");
  EXPECT_EQ(OrderedJson::parse(model_.describe())["name"], "net");
  ASSERT_EQ(model_.inputs().size(), 1U);
  EXPECT_EQ(model_.inputs()[0].name, "data");
  EXPECT_EQ(model_.inputs()[0].shape, std::vector<std::int64_t>{3});
  EXPECT_EQ(model_.inputs()[0].type, BMX_FLOAT32);
  EXPECT_FALSE(model_.inputs()[0].takes_uint8);
  ASSERT_EQ(model_.outputs().size(), 2U);
  EXPECT_EQ(model_.outputs()[1].name, "affine1");
  EXPECT_EQ(model_.outputs()[1].type, BMX_FLOAT32);
  EXPECT_EQ(model_.classes(), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(Hpp, GivesOutputsByIndexAndName) {
  bmx::Session session(model_, 2);
  session.run({x_, {2, 3}});
  const bmx::Output first = session.output(), second = session.output("affine1");
  EXPECT_EQ(first.shape(), (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(std::vector<float>(first.data<float>(), first.data<float>() + first.size()),
            (std::vector<float>{2, 4, 6, -2, -4, -6}));
  EXPECT_EQ(second.data<float>()[5], 3);
  EXPECT_EQ(session.output(1).data<float>(), second.data<float>());
}

TEST_F(Hpp, ASessionMovesAndKeepsItsModel) {
  const std::string path = ::testing::TempDir() + "hpp_test.bmx";
  std::ofstream(path, std::ios::binary) << bytes_;
  bmx::Session first{bmx::Model(path)};
  bmx::Session second(std::move(first));
  second.run(std::vector<bmx::Input>{{x_, {1, 3}}});
  EXPECT_EQ(second.output().data<float>()[2], 6);
  EXPECT_EQ(second.model().inputs()[0].name, "data");
}

TEST_F(Hpp, ProfilesEachStep) {
  bmx::Session session(model_);
  const OrderedJson profile = OrderedJson::parse(session.profile({x_, {2, 3}}, 3));
  EXPECT_EQ(profile["batch"], 2);
  ASSERT_EQ(profile["steps"].size(), 2U);
  EXPECT_EQ(profile["steps"][1]["nodes"][0], "affine1");
}

TEST_F(Hpp, ThrowsOneSentence) {
  bmx::Session session(model_);
  const std::uint8_t image[3] = {};
  EXPECT_EQ(message_of(BMX_INVALID_ARGUMENT, [&] { session.output(); }), "there is no output 0 yet");
  EXPECT_EQ(message_of(BMX_INVALID_ARGUMENT, [&] { session.run({x_, {2, 2}}); }),
            "input 'data': expected shape (batch, 3), found (2, 2)");
  EXPECT_NE(message_of(BMX_INVALID_ARGUMENT, [&] { session.run({image, {1, 3}}); }).find("no preprocessing"),
            std::string::npos);
  EXPECT_EQ(message_of(BMX_INVALID_ARGUMENT, [&] { session.run(std::vector<bmx::Input>()); }),
            "the model has 1 inputs, 0 arrays were given");
  EXPECT_EQ(message_of(BMX_INVALID_ARGUMENT, [&] { bmx::Session(model_, 257); }),
            "threads must be from 1 to 256, found 257");
  session.run({x_, {2, 3}});
  EXPECT_EQ(message_of(BMX_INVALID_ARGUMENT, [&] { session.output("no"); }), "the model has no output 'no'");
  EXPECT_EQ(message_of(BMX_INVALID_ARGUMENT, [&] { session.output().data<std::int32_t>(); }),
            "the output has another type; ask Output::type()");
  EXPECT_NE(message_of(BMX_IO, [] { bmx::Model("/nowhere.bmx"); }).find("No such file"), std::string::npos);
  EXPECT_EQ(message_of(BMX_CORRUPT_FILE, [] { bmx::Model("x", std::size_t{1}); }),
            "not a .bmx file: it has only 1 bytes");
}

TEST(HppBytes, AreAnInputOfTheirOwn) {
  FileBuilder builder({3});
  builder.graph["inputs"][0]["dtype"] = "bytes";
  const std::string bytes = builder.encode({builder.node("to_planes", "data", "u8", {3})});
  bmx::Session session(bmx::Model(bytes.data(), bytes.size()));
  EXPECT_EQ(session.model().inputs()[0].type, BMX_UINT8);
  EXPECT_TRUE(session.model().inputs()[0].takes_uint8);
  const std::uint8_t x[3] = {0, 200, 255};
  session.run({x, {1, 3}});
  EXPECT_EQ(session.output().data<float>()[1], 200);
}

TEST_F(Hpp, IsCxx11) {
  for (int threads : {1, 2}) {
    EXPECT_EQ(run_from_cxx11(bytes_.data(), bytes_.size(), x_, 2, 3, threads),
              (std::vector<float>{2, 4, 6, -2, -4, -6}));
  }
}

}  // namespace
