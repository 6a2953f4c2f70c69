#include "python/module.h"

PYBIND11_MODULE(_core, m) {
  m.doc() = "Binary kernels and the packed-model runtime of bmx, on NumPy arrays.";
  bmx::python::define_kernels(m);
  bmx::python::define_model(m);
}
