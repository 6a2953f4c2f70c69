// The C API: handles around Model and Session. No exception leaves it.
#include <bmx/bmx.h>

#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "runtime/describe.h"
#include "runtime/profile.h"
#include "runtime/session.h"

struct bmx_status {
  bmx_code code;
  std::string message;
};

struct bmx_model {
  std::shared_ptr<const bmx::Model> model;
  std::string description;
};

struct bmx_session {
  bmx::Session session;
  std::vector<bmx::InputArray> inputs;  // as long as the model's; holds the arguments of a run
  std::string profile;                  // the last one
};

namespace {

using bmx::Graph;

// Returned when there is no memory to say so in any other way.
bmx_status kNoMemory{BMX_OUT_OF_MEMORY, "out of memory"};

bmx_status* to_c(const bmx::Status& status) {
  if (status.ok()) return nullptr;
  return new bmx_status{static_cast<bmx_code>(status.code()), status.message()};
}

template <class Function>
bmx_status* guarded(Function function) noexcept {
  try {
    return to_c(function());
  } catch (const std::exception&) {  // std::bad_alloc or std::length_error: the library itself throws nothing
    return &kNoMemory;
  }
}

bmx::Status take(bmx::Result<std::shared_ptr<const bmx::Model>> loaded, bmx_model** model) {
  if (!loaded.ok()) return loaded.status();
  std::string description = bmx::describe(**loaded);
  *model = new bmx_model{std::move(*loaded), std::move(description)};
  return {};
}

const Graph& graph_of(const bmx_model* model) { return model->model->graph(); }

const int64_t* shape_of(const bmx::ValueType& type, size_t* rank) {
  *rank = type.shape.size();
  return type.shape.data();
}

bmx_type to_c(bmx::TensorType type) {
  return type == bmx::TensorType::kI32 ? BMX_INT32 : type == bmx::TensorType::kU8 ? BMX_UINT8 : BMX_FLOAT32;
}

bmx::TensorType from_c(bmx_type type) {
  switch (type) {
    case BMX_FLOAT32:
      return bmx::TensorType::kF32;
    case BMX_UINT8:
      return bmx::TensorType::kU8;
    case BMX_INT32:
      break;
  }
  return bmx::TensorType::kI32;
}

void take_inputs(bmx_session* session, const bmx_array* inputs, size_t count) {
  for (size_t i = 0; i < count && i < session->inputs.size(); ++i) {
    session->inputs[i] = {inputs[i].data, from_c(inputs[i].type), inputs[i].shape, inputs[i].rank};
  }
}

}  // namespace

const char* bmx_version(void) { return BMX_VERSION; }

bmx_code bmx_status_code(const bmx_status* status) { return status ? status->code : BMX_OK; }
const char* bmx_status_message(const bmx_status* status) { return status ? status->message.c_str() : ""; }
void bmx_status_free(bmx_status* status) {
  if (status != &kNoMemory) delete status;
}

bmx_status* bmx_model_open(const char* path, const char* isa, bmx_model** model) {
  return guarded([&] { return take(bmx::Model::open(path, isa ? isa : ""), model); });
}

bmx_status* bmx_model_from_memory(const void* data, size_t size, const char* isa, bmx_model** model) {
  return guarded([&] { return take(bmx::Model::from_memory(data, size, isa ? isa : ""), model); });
}

void bmx_model_free(bmx_model* model) { delete model; }

const char* bmx_model_isa(const bmx_model* model) { return model->model->kernels().name; }
const char* bmx_model_describe(const bmx_model* model) { return model->description.c_str(); }

size_t bmx_model_input_count(const bmx_model* model) { return graph_of(model).inputs.size(); }

const char* bmx_model_input_name(const bmx_model* model, size_t index) {
  return index < bmx_model_input_count(model) ? graph_of(model).inputs[index].name.c_str() : nullptr;
}

const int64_t* bmx_model_input_shape(const bmx_model* model, size_t index, size_t* rank) {
  *rank = 0;
  return index < bmx_model_input_count(model) ? shape_of(graph_of(model).inputs[index].type, rank) : nullptr;
}

bmx_type bmx_model_input_type(const bmx_model* model, size_t index) {
  if (index >= bmx_model_input_count(model)) return BMX_FLOAT32;
  return to_c(bmx::input_type(graph_of(model).inputs[index].type.dtype));
}

int bmx_model_input_takes_uint8(const bmx_model* model, size_t index) {
  if (index >= bmx_model_input_count(model)) return 0;
  return bmx_model_input_type(model, index) == BMX_UINT8 || model->model->preprocess_table(index) != nullptr;
}

size_t bmx_model_output_count(const bmx_model* model) { return graph_of(model).outputs.size(); }

const char* bmx_model_output_name(const bmx_model* model, size_t index) {
  const Graph& graph = graph_of(model);
  return index < graph.outputs.size() ? graph.value_name(graph.outputs[index]).c_str() : nullptr;
}

const int64_t* bmx_model_output_shape(const bmx_model* model, size_t index, size_t* rank) {
  const Graph& graph = graph_of(model);
  *rank = 0;
  return index < graph.outputs.size() ? shape_of(graph.value_type(graph.outputs[index]), rank) : nullptr;
}

bmx_type bmx_model_output_type(const bmx_model* model, size_t index) {
  const Graph& graph = graph_of(model);
  if (index >= graph.outputs.size()) return BMX_FLOAT32;
  return to_c(bmx::output_type(graph.value_type(graph.outputs[index]).dtype));
}

size_t bmx_model_class_count(const bmx_model* model) { return graph_of(model).classes.size(); }

const char* bmx_model_class_name(const bmx_model* model, size_t index) {
  return index < bmx_model_class_count(model) ? graph_of(model).classes[index].c_str() : nullptr;
}

bmx_status* bmx_session_create(const bmx_model* model, bmx_session** session) {
  return bmx_session_create_threads(model, 1, session);
}

bmx_status* bmx_session_create_threads(const bmx_model* model, int threads, bmx_session** session) {
  return guarded([&] {
    BMX_RETURN_IF_ERROR(bmx::check_threads(threads));
    *session = new bmx_session{
        bmx::Session(model->model, threads), std::vector<bmx::InputArray>(bmx_model_input_count(model)), {}};
    return bmx::Status();
  });
}

void bmx_session_free(bmx_session* session) { delete session; }

bmx_status* bmx_session_run(bmx_session* session, const bmx_array* inputs, size_t count) {
  return guarded([&] {
    take_inputs(session, inputs, count);
    return session->session.run(session->inputs.data(), count);
  });
}

bmx_status* bmx_session_profile(bmx_session* session, const bmx_array* inputs, size_t count, int64_t runs,
                                const char** json) {
  return guarded([&] {
    take_inputs(session, inputs, count);
    const auto profile = bmx::profile(&session->session, session->inputs.data(), count, runs);
    if (!profile.ok()) return profile.status();
    session->profile = bmx::to_json(session->session, profile.value());
    *json = session->profile.c_str();
    return bmx::Status();
  });
}

bmx_array bmx_session_output(const bmx_session* session, size_t index) {
  if (index >= session->session.model().graph().outputs.size()) return {nullptr, BMX_FLOAT32, nullptr, 0};
  const bmx::OutputArray output = session->session.output(index);
  return {output.data, to_c(output.type), output.shape, output.rank};
}
