// What every operator of the library needs to live inside MXNet: errors and exceptions that stay on this
// side, type checks, shapes.
#pragma once

#include <mxnet/lib_api.h>

#include <exception>
#include <string>
#include <vector>

#include "base/status.h"
#include "mxnet/attributes.h"

namespace bmx {

using Shape = std::vector<unsigned int>;
using Tensors = std::vector<mxnet::ext::MXTensor>;

// Hands the message to MXNet, which raises it as MXNetError.
mxnet::ext::MXReturnValue report(const Status& status);

// Runs a function that returns Status; an exception (memory, in practice) becomes an error too.
template <class Function>
mxnet::ext::MXReturnValue guarded(const char* op, Function function) {
  try {
    return report(function());
  } catch (const std::exception& error) {
    return report(invalid_argument(std::string(op) + ": " + error.what()));
  }
}

// All inputs and outputs are float32.
Status infer_float32(const char* op, std::vector<int>* in_types, std::vector<int>* out_types);

// Whether MXNet knows every dimension. It writes unknown ones as 0 or, from library operators, as 2^32 - 1.
bool is_known(const Shape& shape);

std::string to_string(const Shape& shape);

// Product of the dimensions from `begin` on.
int64_t product(const std::vector<int64_t>& shape, size_t begin);

}  // namespace bmx
