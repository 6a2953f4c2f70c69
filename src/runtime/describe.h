// A model in words: what `bmx info` and Model.info() show.
#pragma once

#include <string>

#include "runtime/model.h"

namespace bmx {

// A JSON object with the keys name, isa, format_version, producer, file_bytes, inputs, outputs, classes,
// nodes, report. Each node has name, op, inputs, dtype, shape, attrs, weight_bytes, macs (for one sample) and
// computed_by: the node whose step computes it, another one if it is fused.
std::string describe(const Model& model);

}  // namespace bmx
