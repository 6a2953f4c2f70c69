// A model in words: what `bmx info` and Model.info() show.
#pragma once

#include <string>

#include "runtime/model.h"

namespace bmx {

// A JSON object with the keys name, isa, format_version, producer, file_bytes, inputs, outputs, classes,
// nodes, report. Each node has name, op, inputs, dtype, shape, attrs, weight_bytes, macs (for one sample) and
// computed_by: the node whose step computes it, another one if it is fused.
std::string describe(const Model& model);

// What a session of so many threads allocates for a batch, a JSON object in bytes: batch, slice_samples (they
// run at once), arena_bytes (of the values), live_bytes (the largest sum of values that are alive in one
// step), workspace_bytes, output_bytes; and of the model: file_bytes and packed_bytes (weights in the order
// of the ISA, beside the file). Fails if the batch is too large.
Result<std::string> describe_memory(const Model& model, int64_t batch, int threads);

}  // namespace bmx
