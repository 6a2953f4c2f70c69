#include "runtime/session.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/bits.h"
#include "base/checked.h"
#include "microkernels/bit_planes.h"

namespace bmx {
namespace {

std::string tuple_of(const int64_t* shape, size_t rank, std::string text) {
  for (size_t i = 0; i < rank; ++i) text += (text.empty() ? "" : ", ") + std::to_string(shape[i]);
  return "(" + text + (rank == 1 && text.find(',') == std::string::npos ? ",)" : ")");
}

Status no_memory(int64_t bytes) {
  return {Code::kOutOfMemory, "no memory for " + std::to_string(bytes) + " bytes; run fewer samples at once"};
}

// Values that are neither floats nor int32, as floats.
void unpack(const Kernels& kernels, const ValueType& type, const void* value, int64_t batch, float* out) {
  const int64_t count = batch * type.elements(), channels = type.shape.back(), rows = count / channels;
  if (type.dtype == DType::kBytes) {
    std::copy_n(static_cast<const uint8_t*>(value), count, out);
    return;
  }
  const auto* words = static_cast<const uint64_t*>(value);
  if (type.dtype != DType::kBits) return unpack_planes(words, rows, channels, planes_of(type.dtype), out);
  for (int64_t r = 0; r < rows; ++r)
    kernels.unpack_signs(words + r * words_for(channels), channels, out + r * channels);
}

}  // namespace

TensorType input_type(DType dtype) { return dtype == DType::kBytes ? TensorType::kU8 : TensorType::kF32; }

TensorType output_type(DType dtype) { return dtype == DType::kI32 ? TensorType::kI32 : TensorType::kF32; }

Status check_threads(int64_t threads) {
  if (threads >= 1 && threads <= kMaxThreads) return {};
  return invalid_argument("threads must be from 1 to " + std::to_string(kMaxThreads) + ", found " +
                          std::to_string(threads));
}

Session::Session(std::shared_ptr<const Model> model, int threads) : model_(std::move(model)) {
  if (threads > 1) pool_ = std::make_unique<ThreadPool>(threads);
  const Graph& graph = model_->graph();
  addresses_.resize(static_cast<size_t>(graph.value_count()));
  for (int value : graph.outputs) {
    Output output;
    output.shape = graph.value_type(value).shape;
    output.shape.insert(output.shape.begin(), 0);
    outputs_.push_back(std::move(output));
  }
}

Status Session::run(const InputArray* inputs, size_t count) {
  const Graph& graph = model_->graph();
  if (count != graph.inputs.size()) {
    return invalid_argument("the model has " + std::to_string(graph.inputs.size()) + " inputs, " +
                            std::to_string(count) + " arrays were given");
  }
  for (size_t i = 0; i < count; ++i) BMX_RETURN_IF_ERROR(check_input(i, inputs[i]));
  const int64_t batch = inputs[0].shape[0];
  for (size_t i = 1; i < count; ++i) {
    if (inputs[i].shape[0] == batch) continue;
    return invalid_argument("input '" + graph.inputs[i].name + "' has a batch of " +
                            std::to_string(inputs[i].shape[0]) + ", input '" + graph.inputs[0].name +
                            "' one of " + std::to_string(batch));
  }
  BMX_RETURN_IF_ERROR(prepare(batch));
  for (int64_t begin = 0; begin < batch; begin += plan_.capacity) {
    run_slice(inputs, begin, std::min(plan_.capacity, batch - begin));
  }
  return {};
}

Status Session::check_input(size_t index, const InputArray& array) const {
  const GraphInput& input = model_->graph().inputs[index];
  const Shape& shape = input.type.shape;
  const bool fits = array.rank == shape.size() + 1 && std::equal(shape.begin(), shape.end(), array.shape + 1);
  if (!fits) {
    return invalid_argument("input '" + input.name + "': expected shape " +
                            tuple_of(shape.data(), shape.size(), "batch") + ", found " +
                            tuple_of(array.shape, array.rank, ""));
  }
  if (array.shape[0] < 1) return invalid_argument("input '" + input.name + "': the batch is empty");
  if (array.type == input_type(input.type.dtype) || (array.type == TensorType::kU8 && input.preprocessing))
    return {};
  if (input.type.dtype == DType::kBytes) {
    return invalid_argument("input '" + input.name + "': expected uint8 values, found " +
                            (array.type == TensorType::kF32 ? "float32" : "int32") +
                            "; give the bytes themselves, not numbers made of them");
  }
  if (array.type == TensorType::kU8) {
    return invalid_argument(
        "input '" + input.name +
        "': the file stores no preprocessing for uint8 images; give float32 values as in training");
  }
  return invalid_argument("input '" + input.name + "': expected float32 or uint8 values");
}

Status Session::prepare(int64_t batch) {
  if (batch > planned_batch_) {
    BMX_RETURN_IF_ERROR(prepare_arena(batch));
    BMX_RETURN_IF_ERROR(prepare_outputs(batch));
    planned_batch_ = batch;
  }
  for (Output& output : outputs_) output.shape[0] = batch;
  return {};
}

Status Session::prepare_arena(int64_t batch) {
  Result<Plan> plan =
      make_plan_within(model_->graph(), model_->program(), batch, kArenaTarget, thread_count(pool_.get()));
  if (!plan.ok()) return plan.status();
  AlignedArray<uint8_t> arena(static_cast<size_t>(plan->arena_bytes));
  if (arena.size() != static_cast<size_t>(plan->arena_bytes)) return no_memory(plan->arena_bytes);
  arena_ = std::move(arena);
  plan_ = std::move(*plan);
  for (size_t v = 0; v < addresses_.size(); ++v) {
    addresses_[v] = plan_.offsets[v] < 0 ? nullptr : arena_.data() + plan_.offsets[v];
  }
  return {};
}

Status Session::prepare_outputs(int64_t batch) {
  const Graph& graph = model_->graph();
  std::vector<AlignedArray<uint32_t>> grown;
  for (int value : graph.outputs) {
    const auto elements = checked_product({graph.value_type(value).elements(), batch});
    if (!elements) return no_memory(INT64_MAX);
    grown.emplace_back(static_cast<size_t>(*elements));
    if (grown.back().size() == 0) return no_memory(*elements);
  }
  // All or none: an output of an earlier run stays what it was.
  for (size_t i = 0; i < outputs_.size(); ++i) outputs_[i].elements = std::move(grown[i]);
  return {};
}

void Session::run_slice(const InputArray* inputs, int64_t begin, int64_t size) {
  place_inputs(inputs, begin, size);
  if (step_times_ != nullptr) {
    run_timed(size);
  } else {
    for (const Step& step : model_->program().steps()) run_step(step, size);
  }
  store_outputs(begin, size);
}

void Session::run_step(const Step& step, int64_t size) {
  const void* addresses[kMaxInputs];
  int64_t strides[kMaxInputs];
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    addresses[i] = address(step.inputs[i]);
    strides[i] = model_->program().stride(step.inputs[i]);
  }
  step.op->run({addresses, strides, model_->program().stride(step.output), size, address(step.output),
                step.bits < 0 ? nullptr : address(step.bits), arena_.data() + plan_.workspace_offset,
                pool_.get()});
}

void Session::run_timed(int64_t size) {
  using Clock = std::chrono::steady_clock;
  int64_t* to = step_times_;
  Clock::time_point begin = Clock::now();
  for (const Step& step : model_->program().steps()) {
    run_step(step, size);
    const Clock::time_point end = Clock::now();
    *to++ += std::chrono::duration_cast<std::chrono::nanoseconds>(end - begin).count();
    begin = end;
  }
}

// Floats and bytes are read where the caller keeps them; images of float inputs are converted into the arena.
void Session::place_inputs(const InputArray* inputs, int64_t begin, int64_t size) {
  const Graph& graph = model_->graph();
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const ValueType& type = graph.inputs[i].type;
    const int64_t elements = type.elements();
    if (type.dtype == DType::kF32 && inputs[i].type == TensorType::kU8) {
      auto* out = reinterpret_cast<float*>(arena_.data() + plan_.offsets[i]);
      const auto* image = static_cast<const uint8_t*>(inputs[i].data) + begin * elements;
      preprocess(*model_->preprocess_table(i), image, size, elements, out);
      addresses_[i] = out;
    } else {
      // Operators do not write to their inputs.
      addresses_[i] =
          const_cast<uint8_t*>(static_cast<const uint8_t*>(inputs[i].data) + begin * type.bytes());
    }
  }
}

void Session::store_outputs(int64_t begin, int64_t size) {
  const Graph& graph = model_->graph();
  for (size_t i = 0; i < outputs_.size(); ++i) {
    const ValueType& type = graph.value_type(graph.outputs[i]);
    const int64_t elements = type.elements();
    uint32_t* out = outputs_[i].elements.data() + begin * elements;
    const void* value = address(graph.outputs[i]);
    if (type.dtype == DType::kF32 || type.dtype == DType::kI32) {
      std::memcpy(out, value, static_cast<size_t>(size * elements) * sizeof(*out));
    } else {
      unpack(model_->kernels(), type, value, size, reinterpret_cast<float*>(out));
    }
  }
}

OutputArray Session::output(size_t index) const {
  const Output& output = outputs_[index];
  const DType dtype = model_->graph().value_type(model_->graph().outputs[index]).dtype;
  return {output.elements.data(), output_type(dtype), output.shape.data(), output.shape.size()};
}

}  // namespace bmx
