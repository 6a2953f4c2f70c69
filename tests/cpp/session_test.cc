// Sessions: no allocation while running, threads, batches, and the preprocessing.
#include "runtime/session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <random>
#include <thread>

#include "base/bits.h"
#include "file_builder.h"

// Counts every allocation of the process where malloc can be replaced: with a shared C library and no
// sanitizer.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#define BMX_COUNTS_ALLOCATIONS 1
namespace {
std::atomic<int> allocations{0};
}
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void* malloc(size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
}
#endif

namespace bmx {
namespace {

using testing::conv_attrs;
using testing::FileBuilder;
using testing::OrderedJson;
using testing::pool_attrs;

std::vector<float> random_floats(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = normal(random);
  return values;
}

std::vector<uint8_t> random_bytes(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> values(static_cast<size_t>(count));
  for (uint8_t& value : values) value = static_cast<uint8_t>(random());
  return values;
}

// uint8 or float [1, 12, 12] -> conv, tanh, pool, threshold, binary conv, affine, relu, flatten, dense,
// softmax.
std::string small_net() {
  FileBuilder builder({1, 12, 12});
  builder.graph["inputs"][0]["preprocessing"] = {{"scale", 0.01}, {"mean", {0.5}}, {"std", {2.0}}};
  builder.tensor("w0", "F32", {16, 3, 3, 1}, random_floats(16 * 9, 1));
  builder.tensor("t", "F32", {16}, random_floats(16, 2));
  builder.tensor("scale", "F32", {8}, random_floats(8, 3));
  builder.tensor("shift", "F32", {8}, random_floats(8, 4));
  std::vector<float> small = random_floats(4 * 72, 5);  // keeps the softmax away from 0 and 1
  for (float& weight : small) weight *= 0.005F;
  builder.tensor("w2", "F32", {4, 72}, small);
  builder.tensor("flip", "U8", {2}, random_bytes(2, 6));
  builder.tensor("w1", "U8", {8, 3, 3, 2}, random_bytes(8 * 9 * 2, 7));
  OrderedJson binary = conv_attrs(1, 0);
  binary["pad_value"] = 0;
  std::string x = builder.node("transpose", "data", "f32", {12, 12, 1}, {{"perm", {1, 2, 0}}});
  x = builder.node("conv2d", x, "f32", {10, 10, 16}, conv_attrs(1, 0), {{"weight", "w0"}});
  x = builder.node("tanh", x, "f32", {10, 10, 16});
  x = builder.node("max_pool2d", x, "f32", {5, 5, 16}, pool_attrs(2, 2, 0, false));
  x = builder.node("threshold", x, "bits", {5, 5, 16}, OrderedJson::object(),
                   {{"threshold", "t"}, {"flip", "flip"}});
  x = builder.node("binary_conv2d", x, "i32", {3, 3, 8}, binary, {{"weight", "w1"}});
  x = builder.node("affine", x, "f32", {3, 3, 8}, OrderedJson::object(),
                   {{"scale", "scale"}, {"shift", "shift"}});
  x = builder.node("relu", x, "f32", {3, 3, 8});
  x = builder.node("flatten", x, "f32", {72});
  x = builder.node("dense", x, "f32", {4}, OrderedJson::object(), {{"weight", "w2"}});
  x = builder.node("softmax", x, "f32", {4});
  return builder.encode({x});
}

std::shared_ptr<const Model> load(const std::string& bytes, const char* isa = "auto") {
  auto model = Model::from_memory(bytes.data(), bytes.size(), isa);
  EXPECT_TRUE(model.ok()) << model.status().message();
  return *model;
}

std::vector<float> run(Session* session, const std::vector<float>& images) {
  const int64_t shape[] = {static_cast<int64_t>(images.size()) / 144, 1, 12, 12};
  const InputArray input{images.data(), TensorType::kF32, shape, 4};
  const Status status = session->run(&input, 1);
  EXPECT_TRUE(status.ok()) << status.message();
  const auto* y = static_cast<const float*>(session->output(0).data);
  return {y, y + shape[0] * 4};
}

TEST(Session, EveryIsaGivesTheSameBits) {
  const std::string bytes = small_net();
  const std::vector<float> images = random_floats(5 * 144, 8);
  Session reference(load(bytes, "scalar"));
  const std::vector<float> expected = run(&reference, images);
  EXPECT_NE(expected[0], expected[4]);
  for (const Kernels* kernels : all_kernels()) {
    if (!kernels->supported()) continue;
    Session session(load(bytes, kernels->name));
    EXPECT_EQ(run(&session, images), expected) << kernels->name;
  }
}

TEST(Session, RunsWithoutAllocating) {
#ifdef BMX_COUNTS_ALLOCATIONS
  const std::vector<float> images = random_floats(3 * 144, 8);
  const int64_t shape[] = {3, 1, 12, 12}, one[] = {1, 1, 12, 12};
  const InputArray three_images{images.data(), TensorType::kF32, shape, 4},
      image{images.data(), TensorType::kF32, one, 4};
  for (const Kernels* kernels : all_kernels()) {
    if (!kernels->supported()) continue;
    Session session(load(small_net(), kernels->name));
    const int unplanned = allocations;
    ASSERT_TRUE(session.run(&three_images, 1).ok());
    ASSERT_GT(allocations, unplanned) << "the counter counts";
    const int before = allocations;
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(session.run(&three_images, 1).ok());
      ASSERT_TRUE(session.run(&image, 1).ok());
    }
    EXPECT_EQ(allocations - before, 0) << kernels->name;
  }
#else
  GTEST_SKIP() << "malloc cannot be counted in a static or sanitized build";
#endif
}

TEST(Session, ThreadsShareAModel) {
  const auto model = load(small_net());
  const std::vector<float> images = random_floats(4 * 144, 9);
  Session alone(model);
  const std::vector<float> expected = run(&alone, images);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      Session session(model);
      for (int i = 0; i < 100; ++i) wrong += run(&session, images) != expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Session, SlicesAndChangingBatchesChangeNothing) {
  const auto model = load(small_net());
  const std::vector<float> images = random_floats(2500 * 144, 10);  // more than one arena's worth
  Session session(model);
  const std::vector<float> all = run(&session, images);
  for (int64_t batch : {1, 7, 3}) {
    const std::vector<float> some = run(&session, {images.begin(), images.begin() + batch * 144});
    EXPECT_EQ(some, std::vector<float>(all.begin(), all.begin() + batch * 4));
  }
  const std::vector<float> last = run(&session, {images.end() - 144, images.end()});
  EXPECT_EQ(last, std::vector<float>(all.end() - 4, all.end()));
}

TEST(Session, ConvertsImagesAsTheFileSays) {
  Session session(load(small_net()));
  const std::vector<uint8_t> image = random_bytes(2 * 144, 11);
  std::vector<float> floats;
  for (uint8_t value : image) floats.push_back(static_cast<float>((value * 0.01 - 0.5) / 2.0));
  const std::vector<float> expected = run(&session, floats);
  const int64_t shape[] = {2, 1, 12, 12};
  const InputArray input{image.data(), TensorType::kU8, shape, 4};
  ASSERT_TRUE(session.run(&input, 1).ok());
  const auto* y = static_cast<const float*>(session.output(0).data);
  EXPECT_EQ(std::vector<float>(y, y + 8), expected);
}

TEST(Session, RefusesWrongInputs) {
  Session session(load(small_net()));
  const std::vector<float> image(144);
  const auto error = [&](TensorType type, std::vector<int64_t> shape) {
    const InputArray input{image.data(), type, shape.data(), shape.size()};
    return session.run(&input, 1).message();
  };
  EXPECT_EQ(error(TensorType::kF32, {1, 12, 12}),
            "input 'data': expected shape (batch, 1, 12, 12), found (1, 12, 12)");
  EXPECT_EQ(error(TensorType::kF32, {1, 1, 12, 11}),
            "input 'data': expected shape (batch, 1, 12, 12), found (1, 1, 12, 11)");
  EXPECT_EQ(error(TensorType::kF32, {0, 1, 12, 12}), "input 'data': the batch is empty");
  EXPECT_EQ(error(TensorType::kI32, {1, 1, 12, 12}), "input 'data': expected float32 or uint8 values");
  EXPECT_EQ(session.run(nullptr, 0).message(), "the model has 1 inputs, 0 arrays were given");
  EXPECT_EQ(session.output(0).data, nullptr);
}

}  // namespace
}  // namespace bmx
