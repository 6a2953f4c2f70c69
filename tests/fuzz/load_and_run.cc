#include "load_and_run.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "microkernels/kernels.h"
#include "model/crc32.h"
#include "runtime/describe.h"
#include "runtime/session.h"

namespace bmx::testing {
namespace {

constexpr size_t kLargestFile = size_t{1} << 20;
constexpr int64_t kBatch = 2;
// A run within them takes milliseconds under sanitizers.
constexpr int64_t kMostElements = int64_t{1} << 16;
constexpr int64_t kMostMacs = int64_t{1} << 20;
constexpr int64_t kMostBytes = int64_t{1} << 26;

using Words = std::vector<uint32_t>;

std::vector<uint8_t> sealed(const uint8_t* data, size_t size) {
  constexpr size_t kDigits = 47, kCount = 8;  // docs/format.md
  std::vector<uint8_t> file(data, data + size);
  if (size < kDigits + kCount) return file;
  std::memset(file.data() + kDigits, '0', kCount);
  char digits[kCount + 1];
  std::snprintf(digits, sizeof(digits), "%08x", crc32(file.data(), size));
  std::memcpy(file.data() + kDigits, digits, kCount);
  return file;
}

int64_t elements_of(const Shape& shape) {
  int64_t count = 1;
  for (int64_t size : shape) {
    if (count > kMostElements) break;
    count *= size;
  }
  return count;
}

bool is_small(const Model& model) {
  int64_t elements = 0, macs = 0;
  for (const GraphInput& input : model.graph().inputs) elements += elements_of(input.type.shape);
  for (size_t node = 0; node < model.graph().nodes.size(); ++node) {
    elements += elements_of(model.program().op(node).output().shape);
    macs += model.program().op(node).macs();
    if (elements > kMostElements || macs > kMostMacs) return false;
  }
  const Result<Plan> plan = make_plan(model.graph(), model.program(), kBatch, 2);
  return plan.ok() && plan.value().arena_bytes <= kMostBytes;
}

// Any bits at all, NaN and infinity among them, but mostly small numbers. No denormal ones on 32-bit ARM,
// whose vector arithmetic takes them for zero.
Words random_input(TensorType type, int64_t count, std::mt19937* random) {
  Words words(static_cast<size_t>(count));
  std::normal_distribution<float> normal;
  for (uint32_t& word : words) {
    word = static_cast<uint32_t>((*random)());
    if (type != TensorType::kF32) continue;
#if defined(__arm__)
    if (word % 64 == 0 && (word & 0x7F800000) == 0) word = 0;
#endif
    if (word % 64 == 0) continue;
    const float number = word % 8 == 1 ? 0.0F : 3 * normal(*random);
    std::memcpy(&word, &number, sizeof(word));
  }
  return words;
}

bool equal(const OutputArray& a, const Words& b) {
  for (size_t index = 0; index < b.size(); ++index) {
    uint32_t word;
    std::memcpy(&word, static_cast<const uint8_t*>(a.data) + index * sizeof(word), sizeof(word));
    if (word == b[index]) continue;
    float found, expected;
    std::memcpy(&found, &word, sizeof(found));
    std::memcpy(&expected, &b[index], sizeof(expected));
    if (a.type != TensorType::kF32 || found == found || expected == expected) return false;  // not both NaN
  }
  return true;
}

[[noreturn]] void fail(const char* what, const std::string& detail) {
  std::fprintf(stderr, "load_and_run: %s: %s\n", what, detail.c_str());
  std::abort();
}

class Runner {
 public:
  explicit Runner(std::vector<uint8_t> file) : file_(std::move(file)) {}

  bool run_every_isa() {
    if (!run("scalar")) return false;
    for (const Kernels* kernels : all_kernels()) {
      if (!kernels->supported() || std::string(kernels->name) == "scalar") continue;
      if (!run(kernels->name)) fail("a file that runs on the scalar ISA is refused by", kernels->name);
    }
    return true;
  }

 private:
  bool run(const std::string& isa) {
    const auto loaded = Model::from_memory(file_.data(), file_.size(), isa);
    if (!loaded.ok()) return false;
    describe(*loaded.value());
    if (!is_small(*loaded.value())) return false;
    bool done = run_type(loaded.value(), isa, false);
    return run_type(loaded.value(), isa, true) || done;
  }

  // The first run, that of the scalar ISA, tells what to expect.
  bool run_type(const std::shared_ptr<const Model>& model, const std::string& isa, bool images) {
    std::vector<Words>& expected = expected_[images ? 1 : 0];
    std::mt19937 random(crc32(file_.data(), file_.size()));
    std::vector<Words> storage;
    std::vector<Shape> shapes;
    std::vector<InputArray> inputs;
    for (size_t index = 0; index < model->graph().inputs.size(); ++index) {
      const ValueType& value = model->graph().inputs[index].type;
      TensorType type = input_type(value.dtype);
      if (images && model->preprocess_table(index)) type = TensorType::kU8;
      shapes.push_back(value.shape);
      shapes.back().insert(shapes.back().begin(), kBatch);
      storage.push_back(random_input(type, elements_of(value.shape) * kBatch, &random));
      inputs.push_back({nullptr, type, nullptr, shapes.back().size()});
    }
    for (size_t index = 0; index < inputs.size(); ++index) {
      inputs[index].data = storage[index].data();
      inputs[index].shape = shapes[index].data();
    }
    Session session(model, 2);
    if (!session.run(inputs.data(), inputs.size()).ok()) return false;
    for (size_t index = 0; index < model->graph().outputs.size(); ++index) {
      const OutputArray output = session.output(index);
      if (expected.size() <= index) {
        int64_t count = 1;
        for (size_t axis = 0; axis < output.rank; ++axis) count *= output.shape[axis];
        expected.emplace_back(static_cast<size_t>(count));
        std::memcpy(expected.back().data(), output.data, static_cast<size_t>(count) * sizeof(uint32_t));
      } else if (!equal(output, expected[index])) {
        fail("results differ from the scalar ISA's on", isa);
      }
    }
    return true;
  }

  std::vector<uint8_t> file_;
  std::vector<Words> expected_[2];  // by output; of float inputs, and of images
};

}  // namespace

bool load_and_run(const uint8_t* data, size_t size) {
  if (size > kLargestFile) return false;
  return Runner(sealed(data, size)).run_every_isa();
}

}  // namespace bmx::testing
