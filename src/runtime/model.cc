#include "runtime/model.h"

#include <utility>

namespace bmx {

Result<std::shared_ptr<const Model>> Model::open(const std::string& path, std::string_view isa) {
  Result<const Kernels*> kernels = find_kernels(isa);
  if (!kernels.ok()) return kernels.status();
  Result<ModelFile> file = ModelFile::open(path);
  if (!file.ok()) return file.status();
  auto model = prepare(std::move(*file), **kernels);
  if (!model.ok()) return Status(model.status().code(), path + ": " + model.status().message());
  return model;
}

Result<std::shared_ptr<const Model>> Model::from_memory(const void* data, size_t size, std::string_view isa) {
  Result<const Kernels*> kernels = find_kernels(isa);
  if (!kernels.ok()) return kernels.status();
  Result<ModelFile> file = ModelFile::from_memory(data, size);
  if (!file.ok()) return file.status();
  return prepare(std::move(*file), **kernels);
}

Result<std::shared_ptr<const Model>> Model::prepare(ModelFile file, const Kernels& kernels) {
  const std::shared_ptr<Model> model(new Model(std::move(file), kernels));
  Result<Program> program = Program::build(model->graph(), kernels);
  if (!program.ok()) return program.status();
  model->program_ = std::move(*program);
  for (const GraphInput& input : model->graph().inputs)
    model->preprocess_.push_back(make_preprocess_table(input));
  // The weights, nearly all of the file, have been repacked and will not be read again.
  model->file_.release_pages();
  return std::shared_ptr<const Model>(model);
}

const PreprocessTable* Model::preprocess_table(size_t input) const {
  return preprocess_[input].empty() ? nullptr : &preprocess_[input];
}

}  // namespace bmx
