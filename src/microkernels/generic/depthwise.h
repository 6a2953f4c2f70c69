// Depthwise tiles, once for all ISAs: lanes run across channels, and a unit of a span is one tap of all of
// them. Included inside the namespace of an ISA unit, after its `Floats`.

template <int kPixels, int kVectors>
void depthwise_float_tile(const void* const* pixels, const Span* spans, int64_t span_count,
                          const float* panel, const float* init, float* values) {
  constexpr int kLanes = Floats::kLanes;
  Floats::Vector sums[kPixels][kVectors];
  BMX_UNROLL
  for (int p = 0; p < kPixels; ++p) {
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) sums[p][v] = Floats::load(init + v * kLanes);
  }
  for (int64_t tap = 0; tap < span_count; ++tap, panel += kVectors * kLanes) {
    Floats::Vector w[kVectors];
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) w[v] = Floats::load(panel + v * kLanes);
    BMX_UNROLL
    for (int p = 0; p < kPixels; ++p) {
      const auto* x = reinterpret_cast<const float*>(static_cast<const char*>(pixels[p]) + spans[tap].offset);
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

// Binary tiles: a word holds 64 channels. They are counted in bytes, which are added to the sums before they
// can overflow.
constexpr int64_t kDepthwiseLanes = kWordBits;
constexpr int kDepthwisePixels = 8;
constexpr int kByteTaps = 255;

// The counts of one pixel, a byte each.
struct ByteCounts {
  static constexpr int kVectors = kDepthwiseLanes / BitBytes::kLanes;
  BitBytes::Vector counts[kVectors];

  ByteCounts() {
    for (BitBytes::Vector& vector : counts) vector = BitBytes::zero();
  }
  void add(uint64_t word) {
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      counts[v] = BitBytes::add_bits(counts[v], word >> (v * BitBytes::kLanes % kWordBits));
    }
  }
  void add_to(bool first, int32_t* sums) const {
    alignas(kAlignment) uint8_t bytes[kDepthwiseLanes];
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) BitBytes::store(bytes + v * BitBytes::kLanes, counts[v]);
    if (first) {
      for (int64_t c = 0; c < kDepthwiseLanes; ++c) sums[c] = bytes[c];
    } else {
      for (int64_t c = 0; c < kDepthwiseLanes; ++c) sums[c] += bytes[c];
    }
  }
};

template <BitProduct kProduct, int kPixels>
void depthwise_bit_tile(const void* const* pixels, const Span* spans, int64_t span_count, const void* panel,
                        int32_t* sums) {
  for (int p = 0; p < kPixels; ++p, sums += kDepthwiseLanes) {
    const auto* weights = static_cast<const uint64_t*>(panel);
    ByteCounts counts;
    int taps = 0;
    bool first = true;
    for (int64_t r = 0; r < span_count; ++r) {
      const char* x = static_cast<const char*>(pixels[p]) + spans[r].offset;
      for (int64_t u = 0; u < spans[r].units; ++u, x += sizeof(uint64_t), ++weights) {
        if (taps++ == kByteTaps) {
          counts.add_to(first, sums);
          counts = ByteCounts();
          first = false;
          taps = 1;
        }
        uint64_t word;
        std::memcpy(&word, x, sizeof(word));
        counts.add(kProduct == BitProduct::kXor ? word ^ *weights : word & *weights);
      }
    }
    counts.add_to(first, sums);
  }
}
