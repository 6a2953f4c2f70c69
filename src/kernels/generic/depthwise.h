// Depthwise tiles, once for all ISAs: lanes run across channels, and a unit of a run is one tap of all of
// them. Included inside the namespace of an ISA unit, after its `Floats`.

template <int kPixels, int kVectors>
void depthwise_float_tile(const void* const* pixels, const Run* runs, int64_t run_count, const float* panel,
                          const float* init, float* values) {
  constexpr int kLanes = Floats::kLanes;
  Floats::Vector sums[kPixels][kVectors];
  BMX_UNROLL
  for (int p = 0; p < kPixels; ++p) {
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) sums[p][v] = Floats::load(init + v * kLanes);
  }
  for (int64_t tap = 0; tap < run_count; ++tap, panel += kVectors * kLanes) {
    Floats::Vector w[kVectors];
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) w[v] = Floats::load(panel + v * kLanes);
    BMX_UNROLL
    for (int p = 0; p < kPixels; ++p) {
      const auto* x = reinterpret_cast<const float*>(static_cast<const char*>(pixels[p]) + runs[tap].offset);
      BMX_UNROLL
      for (int v = 0; v < kVectors; ++v)
        sums[p][v] = Floats::fma(Floats::load(x + v * kLanes), w[v], sums[p][v]);
    }
  }
  BMX_UNROLL
  for (int p = 0; p < kPixels; ++p) {
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) Floats::store(values + (p * kVectors + v) * kLanes, sums[p][v]);
  }
}

// 64 channels a word: bit i of the count of channel c is bit c of slice i, and adding a word is a ripple of
// half adders.
constexpr int kCountSlices = 16;
constexpr int64_t kDepthwiseLanes = 64;
constexpr int kDepthwisePixels = 8;

inline void add_word(uint64_t word, int slices, uint64_t (&counts)[kCountSlices]) {
  for (int i = 0; i < slices; ++i) {
    const uint64_t carry = counts[i] & word;
    counts[i] ^= word;
    word = carry;
  }
}

inline void spread_counts(const uint64_t (&slices)[kCountSlices], int count, int32_t* counts) {
  for (int64_t c = 0; c < kDepthwiseLanes; ++c) counts[c] = static_cast<int32_t>(slices[0] >> c & 1);
  for (int i = 1; i < count; ++i) {
    const uint64_t slice = slices[i];
    for (int64_t c = 0; c < kDepthwiseLanes; ++c) counts[c] |= static_cast<int32_t>(slice >> c & 1) << i;
  }
}

template <BitProduct kProduct, int kPixels>
void depthwise_bit_tile(const void* const* pixels, const Run* runs, int64_t run_count, const void* panel,
                        int32_t* counts) {
  for (int p = 0; p < kPixels; ++p, counts += kDepthwiseLanes) {
    const auto* weights = static_cast<const uint64_t*>(panel);
    uint64_t slices[kCountSlices] = {};
    int used = 1;
    for (int64_t r = 0, taps = 0; r < run_count; ++r) {
      const char* x = static_cast<const char*>(pixels[p]) + runs[r].offset;
      for (int64_t u = 0; u < runs[r].units; ++u, x += sizeof(uint64_t)) {
        uint64_t word;
        std::memcpy(&word, x, sizeof(word));
        if (++taps >> used != 0) ++used;  // as many slices as the count can have bits
        add_word(kProduct == BitProduct::kXor ? word ^ *weights++ : word & *weights++, used, slices);
      }
    }
    spread_counts(slices, used, counts);
  }
}
