// Thresholds to bits where values do not lie as bits do, once for all ISAs: channels first, and several
// planes at once. Included inside the namespace of an ISA unit, after pack.h.

// Bit j of word i becomes bit i of word j: blocks of 32, 16, ... 1 bits change places.
inline void transpose_bits(uint64_t (&words)[kWordBits]) {
  uint64_t mask = 0x00000000FFFFFFFF;
  for (int64_t size = kWordBits / 2; size != 0; size /= 2, mask ^= mask << size) {
    for (int64_t i = 0; i < kWordBits; i = (i + size + 1) & ~size) {
      const uint64_t swapped = ((words[i] >> size) ^ words[i + size]) & mask;
      words[i] ^= swapped << size;
      words[i + size] ^= swapped;
    }
  }
}

// One image [channels][positions] -> [positions][words_for(channels)]: 64 channels by 64 positions at a time.
template <class T>
void pack_planar(const T* x, int64_t channels, int64_t positions, const T* threshold, const uint64_t* flip,
                 uint64_t* out) {
  const int64_t words = words_for(channels);
  for (int64_t first = 0; first < positions; first += kWordBits) {
    const int64_t count = std::min(kWordBits, positions - first);
    for (int64_t w = 0; w < words; ++w) {
      uint64_t block[kWordBits] = {};
      const int64_t end = std::min(kWordBits, channels - w * kWordBits);
      for (int64_t i = 0; i < end; ++i) {
        const int64_t c = w * kWordBits + i;
        T limit[kWordBits];
        std::fill_n(limit, count, threshold == nullptr ? T{0} : threshold[c]);
        const bool flipped = flip != nullptr && get_bit(flip, c);
        const T* row = x + c * positions + first;
        block[i] = flipped ? compare_word<true>(row, limit, count) : compare_word<false>(row, limit, count);
      }
      transpose_bits(block);
      for (int64_t p = 0; p < count; ++p) out[(first + p) * words + w] = block[p];
    }
  }
}

// Rows of values, up to 64 in all -> [row][plane], a word each: how many of the thresholds, ascending and
// `stride` apart, a value is not less than. The searches go side by side, so that none waits for its loads.
template <class T>
void search_levels(const T* x, int64_t rows, int64_t channels, const T* thresholds, int64_t stride,
                   int planes, uint64_t* out) {
  int64_t reached[kWordBits] = {};
  for (int i = planes - 1; i >= 0; --i) {
    const T* middle = thresholds + ((int64_t{1} << i) - 1) * stride;
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < channels; ++c) {
        int64_t& n = reached[r * channels + c];
        n += int64_t{!(x[r * channels + c] < middle[n * stride + c])} << i;
      }
    }
  }
  uint8_t codes[kWordBits];
  std::copy_n(reached, rows * channels, codes);
  pack_bytes(codes, rows, channels, planes, out);
}

// The same of one row by comparing all values with all thresholds, and a search on the words of bits: the
// highest bit says whether the middle level is reached, and the half of the levels above it, or below it,
// holds the bits that follow.
template <class T>
void compare_levels(const T* x, int64_t channels, const T* thresholds, int64_t stride, int planes,
                    uint64_t* out) {
  const int64_t levels = (int64_t{1} << planes) - 1;
  uint64_t reached[255];
  for (int64_t level = 0; level < levels; ++level) {
    reached[level] = compare_word<false>(x, thresholds + level * stride, channels);
  }
  int64_t half = levels / 2;
  for (int i = planes - 1; i >= 0; --i, half /= 2) {
    const uint64_t bit = out[i] = reached[half];
    for (int64_t j = 0; j < half; ++j) reached[j] = (reached[j] & ~bit) | (reached[half + 1 + j] & bit);
  }
}

// rows x channels values -> [row][plane][words_for(channels)]: the number of thresholds [level][channel],
// ascending, that a value is not less than, in binary. There are 2^planes - 1 levels.
template <class T>
void pack_planes(const T* x, int64_t rows, int64_t channels, const T* thresholds, int planes, uint64_t* out) {
  const int64_t words = words_for(channels), levels = (int64_t{1} << planes) - 1;
  for (int64_t w = 0; w < words; ++w) {
    const int64_t first = w * kWordBits, count = std::min(kWordBits, channels - first);
    const int64_t comparisons = levels * (count / Floats::kLanes + count % Floats::kLanes);
    const bool search = comparisons > 2 * planes * count;
    const int64_t together = search && words == 1 ? kWordBits / count : 1;
    for (int64_t r = 0, n = 0; r < rows; r += n) {
      n = std::min(together, rows - r);
      uint64_t bits[kWordBits * 8];
      const T* values = x + r * channels + first;
      if (search) {
        search_levels(values, n, count, thresholds + first, channels, planes, bits);
      } else {
        compare_levels(values, count, thresholds + first, channels, planes, bits);
      }
      for (int64_t i = 0; i < n * planes; ++i) out[(r * planes + i) * words + w] = bits[i];
    }
  }
}
