// The geometry that max_pool2d and avg_pool2d share.
#pragma once

#include <cstdint>

#include "ops/node_reader.h"

namespace bmx {

// One axis of a pooling.
struct PoolAxis {
  int64_t in = 1, out = 1, kernel = 1, stride = 1, padding = 0;

  // The positions of window `index` that lie inside the image: never empty.
  int64_t first(int64_t index) const;
  int64_t last(int64_t index) const;  // exclusive
  // The positions inside the image and its padding.
  int64_t padded_count(int64_t index) const;
};

struct PoolShape {
  PoolAxis height, width;
  int64_t channels = 1;
};

// Reads kernel, strides, padding and ceil_mode. What it makes of a bad node is harmless, and the node's
// status says what is wrong.
PoolShape read_pool_shape(NodeReader& node, const ValueType& in);

}  // namespace bmx
