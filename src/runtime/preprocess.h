// From an unsigned 8-bit image to the input of a graph: x = (u8 * scale - mean[c]) / std[c].
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "model/graph.h"

namespace bmx {

// [channel][u8]. There are only 256 values a channel, so each is computed once, in double, and rounded once.
using PreprocessTable = std::vector<std::array<float, 256>>;

// Empty if the input stores no preprocessing.
PreprocessTable make_preprocess_table(const GraphInput& input);

// image and out: [batch][elements], each sample one plane for each channel of the table.
void preprocess(const PreprocessTable& table, const uint8_t* image, int64_t batch, int64_t elements,
                float* out);

}  // namespace bmx
