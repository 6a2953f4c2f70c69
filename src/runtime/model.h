// A model that is ready to run: the validated file, its weights in the order of one ISA, the program.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "microkernels/kernels.h"
#include "model/model_file.h"
#include "runtime/preprocess.h"
#include "runtime/program.h"

namespace bmx {

// Immutable, so any number of sessions and threads share it.
class Model {
 public:
  // isa: a name, or "" or "auto" for the best one that this CPU supports.
  static Result<std::shared_ptr<const Model>> open(const std::string& path, std::string_view isa);
  static Result<std::shared_ptr<const Model>> from_memory(const void* data, size_t size,
                                                          std::string_view isa);

  const Graph& graph() const { return file_.graph(); }
  const ModelFile& file() const { return file_; }
  const Kernels& kernels() const { return *kernels_; }
  const Program& program() const { return program_; }
  // Null if the input stores no preprocessing.
  const PreprocessTable* preprocess_table(size_t input) const;

 private:
  Model(ModelFile file, const Kernels& kernels) : file_(std::move(file)), kernels_(&kernels) {}
  static Result<std::shared_ptr<const Model>> prepare(ModelFile file, const Kernels& kernels);

  ModelFile file_;
  const Kernels* kernels_;
  Program program_;
  std::vector<PreprocessTable> preprocess_;  // by input; empty tables where there is no preprocessing
};

}  // namespace bmx
