// A small file that tests of the reader damage, and what the reader says of it.
#pragma once

#include <string>

#include "model/model_file.h"
#include "support/file_builder.h"

namespace bmx::testing {

// What the reader says of a file.
inline std::string reading_error(const std::string& bytes) {
  Result<ModelFile> file = ModelFile::from_memory(bytes.data(), bytes.size());
  return file.ok() ? "accepted" : file.status().message();
}

// data -> affine0 -> output, with two tensors of three floats.
inline FileBuilder affine_file() {
  FileBuilder builder({3});
  builder.tensor<float>("s", "F32", {3}, {1, 2, 3});
  builder.tensor<float>("t", "F32", {3}, {0, 0.5, 1});
  builder.node("affine", "data", "f32", {3}, OrderedJson::object(), {{"scale", "s"}, {"shift", "t"}});
  return builder;
}

}  // namespace bmx::testing
