// Sessions: no allocation while running, threads, batches, and the preprocessing.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/bits.h"
#include "runtime/session.h"
#include "support/nets.h"

// Counts every allocation of the process where malloc can be replaced: with a shared C library and no
// sanitizer.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
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
using testing::load;
using testing::OrderedJson;
using testing::random_bytes;
using testing::random_floats;
using testing::small_net;
using testing::wide_net;

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
  const struct {
    std::string bytes;
    Shape sample;
  } nets[] = {{small_net(), {1, 12, 12}}, {wide_net(true), {65, 31, 31}}, {wide_net(false), {65, 31, 31}}};
  for (const auto& net : nets) {
    const Shape three{3, net.sample[0], net.sample[1], net.sample[2]},
        one{1, net.sample[0], net.sample[1], net.sample[2]};
    const std::vector<float> images = random_floats(3 * three[1] * three[2] * three[3], 8);
    const InputArray three_images{images.data(), TensorType::kF32, three.data(), 4},
        image{images.data(), TensorType::kF32, one.data(), 4};
    for (const Kernels* kernels : all_kernels()) {
      if (!kernels->supported()) continue;
      for (int threads : {1, 2}) {
        Session session(load(net.bytes, kernels->name), threads);
        const int unplanned = allocations;
        ASSERT_TRUE(session.run(&three_images, 1).ok());
        ASSERT_GT(allocations, unplanned) << "the counter counts";
        std::vector<int64_t> times(session.model().program().steps().size());
        const int before = allocations;
        for (int i = 0; i < 3; ++i) {
          session.time_steps(i == 2 ? times.data() : nullptr);
          ASSERT_TRUE(session.run(&three_images, 1).ok());
          ASSERT_TRUE(session.run(&image, 1).ok());
        }
        EXPECT_EQ(allocations - before, 0) << kernels->name << ", threads: " << threads;
      }
    }
  }
#else
  GTEST_SKIP() << "malloc cannot be counted in a static or sanitized build";
#endif
}

// Two sessions of one model, 10,000 runs in all; fewer where the machine is emulated.
TEST(Session, ThreadsShareAModel) {
#if defined(__x86_64__)
  constexpr int kRunsOfEach = 5000;
#else
  constexpr int kRunsOfEach = 250;
#endif
  const auto model = load(small_net());
  const std::vector<float> images = random_floats(4 * 144, 9);
  Session alone(model);
  const std::vector<float> expected = run(&alone, images);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      Session session(model);
      for (int i = 0; i < kRunsOfEach; ++i) wrong += run(&session, images) != expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// All outputs of a run on [batch, 65, 31, 31], bit by bit.
std::vector<std::vector<uint32_t>> all_bits(Session* session, const std::vector<float>& images) {
  const int64_t shape[] = {static_cast<int64_t>(images.size()) / (65 * 31 * 31), 65, 31, 31};
  const InputArray input{images.data(), TensorType::kF32, shape, 4};
  const Status status = session->run(&input, 1);
  EXPECT_TRUE(status.ok()) << status.message();
  std::vector<std::vector<uint32_t>> outputs;
  for (size_t i = 0; i < session->model().graph().outputs.size(); ++i) {
    const OutputArray output = session->output(i);
    int64_t elements = 1;
    for (size_t axis = 0; axis < output.rank; ++axis) elements *= output.shape[axis];
    const auto* bits = static_cast<const uint32_t*>(output.data);
    outputs.emplace_back(bits, bits + elements);
  }
  return outputs;
}

TEST(Session, AnyNumberOfThreadsGivesTheSameBits) {
  const std::string alone = wide_net(false), fused = wide_net(true);
  for (const Kernels* kernels : all_kernels()) {
    if (!kernels->supported()) continue;
    const auto model = load(alone, kernels->name), fused_model = load(fused, kernels->name);
    ASSERT_LT(fused_model->program().steps().size(), model->program().steps().size());
    for (int64_t batch : {1, 3}) {
      const std::vector<float> images = random_floats(batch * 65 * 31 * 31, 12);
      Session one(model);
      const auto expected = all_bits(&one, images);
      for (int threads : {2, 5}) {
        Session several(model, threads), several_fused(fused_model, threads);
        ASSERT_EQ(several.threads(), threads);
        for (int repeat = 0; repeat < 2; ++repeat) {
          EXPECT_EQ(all_bits(&several, images), expected) << kernels->name << ", threads: " << threads;
          EXPECT_EQ(all_bits(&several_fused, images)[0], expected.back()) << kernels->name;
        }
      }
    }
  }
}

TEST(Session, ChecksTheNumberOfThreads) {
  EXPECT_TRUE(check_threads(1).ok());
  EXPECT_TRUE(check_threads(256).ok());
  for (int64_t threads : {int64_t{0}, int64_t{-1}, int64_t{257}, int64_t{1} << 32}) {
    EXPECT_EQ(check_threads(threads).message(),
              "threads must be from 1 to 256, found " + std::to_string(threads));
  }
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

// bytes [3, 8, 9] -> planes, integer conv, affine, quantize, integer conv, threshold, flatten, binary dense.
std::string integer_net() {
  FileBuilder builder({3, 8, 9});
  builder.graph["inputs"][0]["dtype"] = "bytes";
  std::vector<float> levels;
  for (int i = 0; i < 3 * 70; ++i) levels.push_back(static_cast<float>(i / 70 - 1));
  builder.tensor("scale", "F32", {70}, random_floats(70, 1));
  builder.tensor("shift", "F32", {70}, random_floats(70, 2));
  builder.tensor("levels", "F32", {3, 70}, levels);
  builder.tensor("t", "I8", {5}, std::vector<int8_t>{-9, 3, 0, 7, -2});
  std::vector<uint8_t> first = random_bytes(8 * 70 * 9, 3), second = random_bytes(2 * 5 * 9 * 9, 4),
                       third = random_bytes(4 * 27, 5);
  for (uint8_t& byte : first) byte &= 7;
  for (size_t i = 8; i < second.size(); i += 9) second[i] &= 63;
  for (size_t i = 26; i < third.size(); i += 27) third[i] &= 3;
  builder.tensor("keep", "U8", {9}, std::vector<uint8_t>(9, 0));
  builder.tensor("flip", "U8", {1}, std::vector<uint8_t>{9});
  builder.tensor("w0", "U8", {8, 70, 3, 3, 1}, first);
  builder.tensor("w1", "U8", {2, 5, 3, 3, 9}, second);
  builder.tensor("w2", "U8", {4, 27}, third);
  OrderedJson conv = conv_attrs(1, 1);
  conv["weight_bits"] = 8;
  conv["signs"] = false;
  const OrderedJson none = OrderedJson::object();
  std::string x = builder.node("transpose", "data", "bytes", {8, 9, 3}, {{"perm", {1, 2, 0}}});
  x = builder.node("to_planes", x, "u8", {8, 9, 3});
  x = builder.node("integer_conv2d", x, "i32", {8, 9, 70}, conv, {{"weight", "w0"}});
  x = builder.node("affine", x, "f32", {8, 9, 70}, none, {{"scale", "scale"}, {"shift", "shift"}});
  x = builder.node("quantize", x, "u2", {8, 9, 70}, {{"bits", 2}},
                   {{"threshold", "levels"}, {"flip", "keep"}});
  conv = conv_attrs(1, 0);
  conv["weight_bits"] = 2;
  conv["signs"] = true;
  x = builder.node("integer_conv2d", x, "i32", {6, 7, 5}, conv, {{"weight", "w1"}});
  x = builder.node("threshold", x, "bits", {6, 7, 5}, none, {{"threshold", "t"}, {"flip", "flip"}});
  x = builder.node("flatten", x, "bits", {210}, none);
  x = builder.node("binary_dense", x, "i32", {4}, none, {{"weight", "w2"}});
  return builder.encode({x});
}

std::vector<int32_t> run_bytes(Session* session, const std::vector<uint8_t>& images) {
  const int64_t shape[] = {static_cast<int64_t>(images.size()) / 216, 3, 8, 9};
  const InputArray input{images.data(), TensorType::kU8, shape, 4};
  const Status status = session->run(&input, 1);
  EXPECT_TRUE(status.ok()) << status.message();
  const auto* y = static_cast<const int32_t*>(session->output(0).data);
  return {y, y + 4 * shape[0]};
}

TEST(Session, BytesAreTakenAsTheyAre) {
  const auto model = load(integer_net());
  Session session(model), threads(model, 3);
  const std::vector<uint8_t> images = random_bytes(500 * 216, 12);
  const std::vector<int32_t> all = run_bytes(&session, images);
  EXPECT_EQ(run_bytes(&threads, images), all);
  for (const Kernels* kernels : all_kernels()) {
    if (!kernels->supported()) continue;
    Session other(Model::from_memory(integer_net().data(), integer_net().size(), kernels->name).value());
    EXPECT_EQ(run_bytes(&other, images), all) << kernels->name;
  }
  EXPECT_EQ(run_bytes(&session, {images.begin() + 216, images.begin() + 2 * 216}),
            std::vector<int32_t>(all.begin() + 4, all.begin() + 8));
}

TEST(Session, BytesMustBeBytes) {
  Session session(load(integer_net()));
  const std::vector<float> image(216);
  const int64_t shape[] = {1, 3, 8, 9};
  const auto error = [&](TensorType type) {
    const InputArray input{image.data(), type, shape, 4};
    return session.run(&input, 1).message();
  };
  EXPECT_EQ(
      error(TensorType::kF32),
      "input 'data': expected uint8 values, found float32; give the bytes themselves, not numbers made of "
      "them");
  EXPECT_EQ(
      error(TensorType::kI32),
      "input 'data': expected uint8 values, found int32; give the bytes themselves, not numbers made of "
      "them");
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
