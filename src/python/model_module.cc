// bmx._core.Model and bmx._core.Session; bmx/runtime.py is their public face.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ops/operator.h"
#include "python/module.h"
#include "runtime/describe.h"
#include "runtime/profile.h"
#include "runtime/session.h"

namespace bmx::python {
namespace {

namespace py = pybind11;

// bmx.runtime.ModelError, made by define_model. The interpreter keeps it alive.
PyObject* model_error = nullptr;

void check(const Status& status) {
  if (status.ok()) return;
  PyObject* type = status.code() == Code::kIo            ? PyExc_OSError
                   : status.code() == Code::kOutOfMemory ? PyExc_MemoryError
                                                         : model_error;
  PyErr_SetString(type, status.message().c_str());
  throw py::error_already_set();
}

template <class T>
T take(Result<T> result) {
  check(result.status());
  return std::move(*result);
}

using SharedModel = std::shared_ptr<const Model>;

SharedModel load(const std::variant<py::bytes, std::string>& source, const std::string& isa) {
  if (const auto* path = std::get_if<std::string>(&source)) {
    const auto open = [&] {
      const py::gil_scoped_release release;
      return Model::open(*path, isa);
    };
    return take(open());
  }
  char* data = nullptr;
  py::ssize_t size = 0;
  if (PyBytes_AsStringAndSize(std::get<py::bytes>(source).ptr(), &data, &size) != 0)
    throw py::error_already_set();
  return take(Model::from_memory(data, static_cast<size_t>(size), isa));
}

// The lock is taken after the GIL is released, or two threads would wait for each other.
template <class Function>
auto without_gil(std::unique_lock<std::mutex>* lock, Function function) {
  const py::gil_scoped_release release;
  lock->lock();
  return function();
}

// A session that several Python threads may share: the GIL is released during a run, so they take turns by a
// lock.
class PythonSession {
 public:
  PythonSession(SharedModel model, int threads) : session_(std::move(model), threads) {}

  int threads() const { return session_.threads(); }

  py::list run(const std::vector<py::array>& arrays) {
    const Inputs inputs = inputs_of(arrays);
    std::unique_lock<std::mutex> lock(mutex_, std::defer_lock);
    check(without_gil(&lock, [&] { return session_.run(inputs.arrays.data(), inputs.arrays.size()); }));
    py::list outputs;
    for (size_t i = 0; i < session_.model().graph().outputs.size(); ++i) outputs.append(copy_output(i));
    return outputs;
  }

  std::vector<double> time(const std::vector<py::array>& arrays, int64_t runs) {
    const Inputs inputs = inputs_of(arrays);
    std::unique_lock<std::mutex> lock(mutex_, std::defer_lock);
    return take(without_gil(
        &lock, [&] { return time_runs(&session_, inputs.arrays.data(), inputs.arrays.size(), runs); }));
  }

  std::string profile(const std::vector<py::array>& arrays, int64_t runs) {
    const Inputs inputs = inputs_of(arrays);
    std::unique_lock<std::mutex> lock(mutex_, std::defer_lock);
    return to_json(session_, take(without_gil(&lock, [&] {
                     return bmx::profile(&session_, inputs.arrays.data(), inputs.arrays.size(), runs);
                   })));
  }

 private:
  struct Inputs {
    std::vector<py::array> contiguous;
    std::vector<Shape> shapes;
    std::vector<InputArray> arrays;
  };

  Inputs inputs_of(const std::vector<py::array>& arrays) const {
    Inputs inputs;
    for (size_t i = 0; i < arrays.size(); ++i) {
      inputs.contiguous.push_back(py::array::ensure(arrays[i], py::array::c_style));
      if (!inputs.contiguous.back()) throw py::error_already_set();
      inputs.shapes.emplace_back(arrays[i].shape(), arrays[i].shape() + arrays[i].ndim());
      inputs.arrays.push_back(
          {inputs.contiguous.back().data(), type_of(arrays[i], i), nullptr, inputs.shapes.back().size()});
    }
    for (size_t i = 0; i < arrays.size(); ++i) inputs.arrays[i].shape = inputs.shapes[i].data();
    return inputs;
  }

  TensorType type_of(const py::array& array, size_t index) const {
    if (py::isinstance<py::array_t<float>>(array)) return TensorType::kF32;
    if (py::isinstance<py::array_t<uint8_t>>(array)) return TensorType::kU8;
    const auto& graph_inputs = session_.model().graph().inputs;
    const bool known = index < graph_inputs.size(), images = known && graph_inputs[index].preprocessing;
    const bool bytes = known && graph_inputs[index].type.dtype == DType::kBytes;
    const std::string name = known ? graph_inputs[index].name : std::to_string(index);
    check(invalid_argument("input '" + name + "': expected " +
                           (bytes    ? "uint8"
                            : images ? "float32 or uint8"
                                     : "float32") +
                           ", found " + py::str(array.dtype()).cast<std::string>() + "; use x.astype('" +
                           (bytes ? "uint8" : "float32") + "')"));
    return TensorType::kF32;
  }

  py::array copy_output(size_t index) const {
    const OutputArray output = session_.output(index);
    const std::vector<py::ssize_t> shape(output.shape, output.shape + output.rank);
    if (output.type == TensorType::kI32)
      return py::array_t<int32_t>(shape, static_cast<const int32_t*>(output.data));
    return py::array_t<float>(shape, static_cast<const float*>(output.data));
  }

  Session session_;
  std::mutex mutex_;
};

}  // namespace

void define_model(py::module_& m) {
  model_error = PyErr_NewExceptionWithDoc(
      "bmx.runtime.ModelError",
      "A model file, an instruction set or an input array that does not fit; the message says why.",
      PyExc_ValueError, nullptr);
  if (!model_error) throw py::error_already_set();
  m.attr("ModelError") = py::handle(model_error);
  m.def("operator_names", &operator_names, "Names of the operators that a file may use with this build.");

  py::class_<PythonSession>(m, "Session", "One thread's use of a model.")
      .def("run", &PythonSession::run, py::arg("inputs"),
           "Runs arrays [batch, ...] in the order of the model's inputs; returns the list of outputs.")
      .def("time", &PythonSession::time, py::arg("inputs"), py::arg("runs"),
           "Milliseconds of each of `runs` runs, after one that is not counted.")
      .def("profile", &PythonSession::profile, py::arg("inputs"), py::arg("runs"),
           "The time of each step: a JSON object.")
      .def_property_readonly("threads", &PythonSession::threads);

  py::class_<Model, std::shared_ptr<Model>>(m, "Model", "A packed model, ready to run.")
      .def(py::init([](const std::variant<py::bytes, std::string>& source, const std::string& isa) {
             return std::const_pointer_cast<Model>(load(source, isa));
           }),
           py::arg("source"), py::arg("isa") = "auto", "Loads a path (str) or the content of a file (bytes).")
      .def("describe", &describe, "The model in words: a JSON object.")
      .def_property_readonly("isa", [](const Model& model) { return model.kernels().name; })
      .def(
          "memory",
          [](const Model& model, int64_t batch, int64_t threads) {
            check(check_threads(threads));
            return take(describe_memory(model, batch, static_cast<int>(threads)));
          },
          py::arg("batch"), py::arg("threads"), "What a session allocates: a JSON object.")
      .def(
          "session",
          [](const std::shared_ptr<Model>& model, int64_t threads) {
            check(check_threads(threads));
            return std::make_unique<PythonSession>(model, static_cast<int>(threads));
          },
          py::arg("threads") = 1);
}

}  // namespace bmx::python
