// bmx for C++11 and later: a thin layer over bmx.h that frees what it holds and throws bmx::Error.
//
//   bmx::Model model("lenet.bmx");
//   bmx::Session session(model);
//   session.run({image.data(), {1, 1, 28, 28}});  // float or uint8_t
//   const float* scores = session.output().data<float>();
//
// Link with libbmx.a and the system's threads. A Model may be copied and shared by threads; each thread runs
// it through a Session of its own.
#ifndef BMX_HPP_
#define BMX_HPP_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bmx.h"

namespace bmx {
// Inline, so that it is bmx::Model to a program and still no class of the library below bmx.h.
inline namespace api {

// The message is one sentence: what was expected, what was found, what to do.
class Error : public std::runtime_error {
 public:
  Error(bmx_code code, const std::string& message) : std::runtime_error(message), code_(code) {}
  bmx_code code() const noexcept { return code_; }

 private:
  bmx_code code_;
};

namespace detail {

inline void check(bmx_status* status) {
  if (!status) return;
  const std::unique_ptr<bmx_status, void (*)(bmx_status*)> owner(status, bmx_status_free);
  throw Error(bmx_status_code(status), bmx_status_message(status));
}

template <class T>
struct TypeOf;
template <>
struct TypeOf<float> {
  static constexpr bmx_type value = BMX_FLOAT32;
};
template <>
struct TypeOf<std::int32_t> {
  static constexpr bmx_type value = BMX_INT32;
};
template <>
struct TypeOf<std::uint8_t> {
  static constexpr bmx_type value = BMX_UINT8;
};

}  // namespace detail

// An array of the caller, in C order, float or uint8_t. The first axis of the shape is the batch. The data is
// not copied and must live until the run is over.
class Input {
 public:
  template <class T>
  Input(const T* data, std::vector<std::int64_t> shape)
      : data_(data), type_(detail::TypeOf<T>::value), shape_(std::move(shape)) {}

  bmx_array array() const noexcept { return {data_, type_, shape_.data(), shape_.size()}; }

 private:
  const void* data_;
  bmx_type type_;
  std::vector<std::int64_t> shape_;
};

// A result, valid until the session's next run. The first axis of the shape is the batch.
class Output {
 public:
  explicit Output(const bmx_array& array) : array_(array) {}

  bmx_type type() const noexcept { return array_.type; }
  std::vector<std::int64_t> shape() const { return {array_.shape, array_.shape + array_.rank}; }
  std::size_t size() const noexcept {
    std::size_t count = 1;
    for (std::size_t i = 0; i < array_.rank; ++i) count *= static_cast<std::size_t>(array_.shape[i]);
    return count;
  }

  // T: float or std::int32_t, as type() says.
  template <class T>
  const T* data() const {
    if (array_.type != detail::TypeOf<T>::value)
      throw Error(BMX_INVALID_ARGUMENT, "the output has another type; ask Output::type()");
    return static_cast<const T*>(array_.data);
  }

 private:
  bmx_array array_;
};

// The name, and the shape of one sample, of an input or output.
struct ValueInfo {
  std::string name;
  std::vector<std::int64_t> shape;
  bmx_type type;
  bool takes_uint8;  // an input that takes uint8_t: as it is, or as well as float, converted as the file says
};

class Model {
 public:
  // isa: "auto" for the best instruction set of this CPU, or one of those that `bmx-run --help` lists.
  explicit Model(const std::string& path, const std::string& isa = "auto") {
    bmx_model* model = nullptr;
    detail::check(bmx_model_open(path.c_str(), isa.c_str(), &model));
    handle_.reset(model, bmx_model_free);
  }
  // The bytes are copied.
  Model(const void* data, std::size_t size, const std::string& isa = "auto") {
    bmx_model* model = nullptr;
    detail::check(bmx_model_from_memory(data, size, isa.c_str(), &model));
    handle_.reset(model, bmx_model_free);
  }

  std::string isa() const { return bmx_model_isa(get()); }
  std::string describe() const { return bmx_model_describe(get()); }  // a JSON object

  std::vector<ValueInfo> inputs() const {
    std::vector<ValueInfo> infos;
    for (std::size_t i = 0; i < bmx_model_input_count(get()); ++i) {
      std::size_t rank = 0;
      const std::int64_t* shape = bmx_model_input_shape(get(), i, &rank);
      infos.push_back({bmx_model_input_name(get(), i),
                       {shape, shape + rank},
                       bmx_model_input_type(get(), i),
                       bmx_model_input_takes_uint8(get(), i) != 0});
    }
    return infos;
  }
  std::vector<ValueInfo> outputs() const {
    std::vector<ValueInfo> infos;
    for (std::size_t i = 0; i < bmx_model_output_count(get()); ++i) {
      std::size_t rank = 0;
      const std::int64_t* shape = bmx_model_output_shape(get(), i, &rank);
      infos.push_back(
          {bmx_model_output_name(get(), i), {shape, shape + rank}, bmx_model_output_type(get(), i), false});
    }
    return infos;
  }
  // Labels of the last axis of the first output; empty if the file has none.
  std::vector<std::string> classes() const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < bmx_model_class_count(get()); ++i)
      names.push_back(bmx_model_class_name(get(), i));
    return names;
  }

  const bmx_model* get() const noexcept { return handle_.get(); }

 private:
  std::shared_ptr<bmx_model> handle_;
};

class Session {
 public:
  // threads: 1 to 256, the caller of run() among them; results do not depend on it.
  explicit Session(Model model, int threads = 1)
      : model_(std::move(model)), handle_(nullptr, bmx_session_free) {
    bmx_session* session = nullptr;
    detail::check(bmx_session_create_threads(model_.get(), threads, &session));
    handle_.reset(session);
    arrays_.resize(bmx_model_input_count(model_.get()));
  }

  // Inputs in the order of the model, all with the same batch.
  void run(const Input& input) { run(&input, 1); }
  void run(const std::vector<Input>& inputs) { run(inputs.data(), inputs.size()); }

  // A result of the last run.
  Output output(std::size_t index = 0) const {
    const bmx_array array = bmx_session_output(handle_.get(), index);
    if (!array.data)
      throw Error(BMX_INVALID_ARGUMENT, "there is no output " + std::to_string(index) + " yet");
    return Output(array);
  }
  Output output(const std::string& name) const {
    for (std::size_t i = 0; i < bmx_model_output_count(model_.get()); ++i) {
      if (name == bmx_model_output_name(model_.get(), i)) return output(i);
    }
    throw Error(BMX_INVALID_ARGUMENT, "the model has no output '" + name + "'");
  }

  // The time of each step, a JSON object; see bmx_session_profile.
  std::string profile(const Input& input, std::int64_t runs = 100) {
    return profile(std::vector<Input>(1, input), runs);
  }
  std::string profile(const std::vector<Input>& inputs, std::int64_t runs = 100) {
    set(inputs.data(), inputs.size());
    const char* json = nullptr;
    detail::check(bmx_session_profile(handle_.get(), arrays_.data(), arrays_.size(), runs, &json));
    return json;
  }

  const Model& model() const noexcept { return model_; }

 private:
  void set(const Input* inputs, std::size_t count) {
    if (count != arrays_.size()) {
      throw Error(BMX_INVALID_ARGUMENT, "the model has " + std::to_string(arrays_.size()) + " inputs, " +
                                            std::to_string(count) + " arrays were given");
    }
    for (std::size_t i = 0; i < count; ++i) arrays_[i] = inputs[i].array();
  }
  void run(const Input* inputs, std::size_t count) {
    set(inputs, count);
    detail::check(bmx_session_run(handle_.get(), arrays_.data(), arrays_.size()));
  }

  Model model_;
  std::unique_ptr<bmx_session, void (*)(bmx_session*)> handle_;
  std::vector<bmx_array> arrays_;
};

}  // namespace api
}  // namespace bmx

#endif  // BMX_HPP_
