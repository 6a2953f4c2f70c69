// The parts of the Python module bmx._core.
#pragma once

#include <pybind11/pybind11.h>

namespace bmx::python {

void define_kernels(pybind11::module_& m);
void define_model(pybind11::module_& m);

}  // namespace bmx::python
