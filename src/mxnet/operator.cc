#include "mxnet/operator.h"

#include <algorithm>
#include <mutex>

namespace bmx {

using mxnet::ext::MXReturnValue;

// MXNet prints every message that a library has ever left, so the library keeps only one and rewrites it.
MXReturnValue report(const Status& status) {
  if (status.ok()) return mxnet::ext::MX_SUCCESS;
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  static std::stringstream& message = MX_ERROR_MSG;
  message.str("");
  message << status.message();
  return mxnet::ext::MX_FAIL;
}

Status infer_float32(const char* op, std::vector<int>* in_types, std::vector<int>* out_types) {
  for (int& type : *in_types) {
    if (type != -1 && type != mxnet::ext::kFloat32) {
      return invalid_argument(std::string(op) + ": expected float32 inputs, found MXNet's dtype number " +
                              std::to_string(type) + "; cast them to float32");
    }
    type = mxnet::ext::kFloat32;
  }
  std::fill(out_types->begin(), out_types->end(), mxnet::ext::kFloat32);
  return {};
}

bool is_known(const Shape& shape) {
  return !shape.empty() &&
         std::none_of(shape.begin(), shape.end(), [](unsigned d) { return d == 0 || d == ~0U; });
}

std::string to_string(const Shape& shape) {
  std::string text;
  for (const unsigned dimension : shape) {
    text += (text.empty() ? "" : ", ") + (dimension == ~0U ? std::string("?") : std::to_string(dimension));
  }
  return "(" + text + ")";
}

int64_t product(const std::vector<int64_t>& shape, size_t begin) {
  int64_t result = 1;
  for (size_t i = begin; i < shape.size(); ++i) result *= shape[i];
  return result;
}

}  // namespace bmx
