// The geometry that max_pool2d and avg_pool2d share.
#pragma once

#include <algorithm>
#include <cstdint>

#include "ops/node_reader.h"
#include "ops/operator.h"
#include "ops/parallel_rows.h"

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

// Calls function(sample, output row) for every row of the output, on the threads of the pool. row: elements
// of one position.
template <class Function>
void for_each_pool_row(const RunArgs& args, const PoolShape& shape, int64_t row, const Function& function) {
  const int64_t rows = shape.height.out;
  const int64_t window =
      std::min(shape.height.kernel, shape.height.in) * std::min(shape.width.kernel, shape.width.in);
  const int64_t reads = shape.width.out * window * row;
  parallel_rows(args.pool, args.batch * rows, reads, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) function(r / rows, r % rows);
  });
}

}  // namespace bmx
