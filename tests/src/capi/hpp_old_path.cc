// Programs of 0.1 say -I src and "bmx.hpp": they must keep compiling.
#include "bmx.hpp"

int count_inputs_by_old_path(const bmx::Model& model);

int count_inputs_by_old_path(const bmx::Model& model) { return static_cast<int>(model.inputs().size()); }
