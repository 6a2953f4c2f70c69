// Binary matrix product, once for all ISAs.
//
// Included inside the namespace of an ISA unit, after its `Words`. Lanes run across outputs: a tile holds
// kRows rows times kVectors vectors of outputs in registers, and one step xors a broadcast word of every row
// with the panel's vectors. A Counter may be narrower than the sum (bytes where the ISA counts bytes), so it
// is widened into a Sum every kBlock words, before it can overflow.

struct BinaryTile {
  const uint64_t* a;
  int64_t words;
  const uint64_t* panel;
  int64_t outputs;  // of this panel
  int32_t bits;
  int32_t* out;
  int64_t out_stride;
};

constexpr int kWordVectors = Words::kVectors;
constexpr int kWordLanes = Words::kLanes;
constexpr int kWordPanel = kWordVectors * kWordLanes;

template <int kRows>
inline void count_block(const BinaryTile& tile, int64_t begin, int64_t end,
                        Words::Counter (&counters)[kRows][kWordVectors]) {
  BMX_UNROLL
  for (int r = 0; r < kRows; ++r) {
    BMX_UNROLL
    for (int v = 0; v < kWordVectors; ++v) counters[r][v] = Words::zero();
  }
  const uint64_t* a = tile.a;
  const int64_t words = tile.words;
  const uint64_t* panel = tile.panel + begin * kWordPanel;
  for (int64_t k = begin; k < end; ++k, panel += kWordPanel) {
    Words::Vector b[kWordVectors];
    BMX_UNROLL
    for (int v = 0; v < kWordVectors; ++v) b[v] = Words::load(panel + v * kWordLanes);
    BMX_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const Words::Vector row = Words::broadcast(a[r * words + k]);
      BMX_UNROLL
      for (int v = 0; v < kWordVectors; ++v) counters[r][v] = Words::count(counters[r][v], row, b[v]);
    }
  }
}

template <int kRows>
inline void store_tile(const BinaryTile& tile, const Words::Sum (&sums)[kRows][kWordVectors], int32_t* out,
                       int64_t out_stride) {
  BMX_UNROLL
  for (int r = 0; r < kRows; ++r) {
    BMX_UNROLL
    for (int v = 0; v < kWordVectors; ++v) {
      Words::store_dots(sums[r][v], tile.bits, out + r * out_stride + v * kWordLanes);
    }
  }
}

template <int kRows>
void binary_tile(const BinaryTile& tile) {
  Words::Counter counters[kRows][kWordVectors];
  Words::Sum sums[kRows][kWordVectors];
  // The first block stands outside the loop: most layers have no other, and then need no zeroed sums.
  count_block<kRows>(tile, 0, std::min(tile.words, Words::kBlock), counters);
  BMX_UNROLL
  for (int r = 0; r < kRows; ++r) {
    BMX_UNROLL
    for (int v = 0; v < kWordVectors; ++v) sums[r][v] = Words::widen(counters[r][v]);
  }
  for (int64_t begin = Words::kBlock; begin < tile.words; begin += Words::kBlock) {
    count_block<kRows>(tile, begin, std::min(tile.words, begin + Words::kBlock), counters);
    BMX_UNROLL
    for (int r = 0; r < kRows; ++r) {
      BMX_UNROLL
      for (int v = 0; v < kWordVectors; ++v) {
        sums[r][v] = Words::add(sums[r][v], Words::widen(counters[r][v]));
      }
    }
  }
  if (tile.outputs == kWordPanel) return store_tile<kRows>(tile, sums, tile.out, tile.out_stride);
  int32_t dots[kRows * kWordPanel];
  store_tile<kRows>(tile, sums, dots, kWordPanel);
  for (int r = 0; r < kRows; ++r) {
    std::memcpy(tile.out + r * tile.out_stride, dots + r * kWordPanel,
                static_cast<size_t>(tile.outputs) * sizeof(int32_t));
  }
}

// Fewer rows than a full tile has.
template <int kRows>
void binary_rest(const BinaryTile& tile, int64_t rows) {
  if constexpr (kRows > 0) {
    if (rows == kRows) {
      binary_tile<kRows>(tile);
    } else {
      binary_rest<kRows - 1>(tile, rows);
    }
  }
}

void binary_gemm(const uint64_t* a, int64_t rows, int64_t words, const uint64_t* panels, int64_t outputs,
                 int32_t bits, int32_t* out, int64_t out_stride) {
  for (int64_t o = 0; o < outputs; o += kWordPanel) {
    BinaryTile tile{a,    words,   panels + o * words, std::min<int64_t>(outputs - o, kWordPanel),
                    bits, out + o, out_stride};
    int64_t r = 0;
    for (; r + Words::kRows <= rows; r += Words::kRows) {
      tile.a = a + r * words;
      tile.out = out + o + r * out_stride;
      binary_tile<Words::kRows>(tile);
    }
    tile.a = a + r * words;
    tile.out = out + o + r * out_stride;
    binary_rest<Words::kRows - 1>(tile, rows - r);
  }
}
