// Epilogues on whole vectors of channels, once for all ISAs: numbers stay in registers from the sum to the
// bits of the next sign. Included inside the namespace of an ISA unit, after activations.h and pack.h.

// Bits [first, first + count) of a row of bits, whose words may hold bits of other panels.
inline void store_bits(uint64_t* row, int64_t first, int64_t count, uint64_t bits) {
  if (first % 8 == 0 && count % 8 == 0) {
    std::memcpy(reinterpret_cast<uint8_t*>(row) + first / 8, &bits, static_cast<size_t>(count / 8));
    return;
  }
  for (int64_t done = 0; done < count;) {
    const int64_t at = (first + done) % kWordBits, size = std::min(kWordBits - at, count - done);
    const uint64_t mask = tail_mask(size) << at;
    uint64_t& word = row[(first + done) / kWordBits];
    word = (word & ~mask) | ((bits >> done << at) & mask);
    done += size;
  }
}

// Up to 64 bits of `flip` from bit `first` on.
inline uint64_t flip_bits(const uint64_t* flip, int64_t first, int64_t count) {
  if (flip == nullptr) return 0;
  const int64_t word = first / kWordBits, at = first % kWordBits;
  uint64_t bits = flip[word] >> at;
  if (at != 0 && at + count > kWordBits) bits |= flip[word + 1] << (kWordBits - at);
  return bits & tail_mask(count);
}

// The numbers of the channels of kVectors vectors; zeros where an epilogue has none.
template <int kVectors>
inline void load_channels(const float* numbers, int64_t first, Floats::Vector (&to)[kVectors]) {
  BMX_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    to[v] = numbers == nullptr ? Floats::broadcast(0.0F) : Floats::load(numbers + first + v * Floats::kLanes);
  }
}

template <int kVectors, class Value>
inline void store_signs(const Value (&x)[kVectors], const Value (&threshold)[kVectors], uint64_t flipped,
                        int64_t channel, uint64_t* row) {
  uint64_t bits = 0;
  BMX_UNROLL
  for (int v = 0; v < kVectors; ++v)
    bits |= uint64_t{Floats::not_less(x[v], threshold[v])} << (v * Floats::kLanes);
  if (flipped != 0) {
    uint64_t other = 0;
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      other |= uint64_t{Floats::not_greater(x[v], threshold[v])} << (v * Floats::kLanes);
    }
    bits = (bits & ~flipped) | (other & flipped);
  }
  store_bits(row, channel, kVectors * Floats::kLanes, bits);
}

// Where the numbers of a pixel come from: float sums, or integer sums and offsets.
struct FloatSums {
  template <int kVectors>
  static void load(const EpilogueTile& t, int64_t pixel, int64_t c, Floats::Vector (&x)[kVectors]) {
    const float* sums = static_cast<const float*>(t.sums) + pixel * t.lanes + c;
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) x[v] = Floats::load(sums + v * Floats::kLanes);
  }
};

struct IntegerSums {
  template <int kVectors>
  static void load(const EpilogueTile& t, int64_t pixel, int64_t c, Floats::Integers (&dots)[kVectors]) {
    const Floats::Integers m = Floats::broadcast(t.multiplier);
    const int32_t* sums = static_cast<const int32_t*>(t.sums) + pixel * t.lanes + c;
    const int32_t* offset = t.offsets + t.offset_rows[pixel] + c;
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      dots[v] = Floats::multiply_add(Floats::load_integers(offset + v * Floats::kLanes),
                                     Floats::load_integers(sums + v * Floats::kLanes), m);
    }
  }
  template <int kVectors>
  static void load(const EpilogueTile& t, int64_t pixel, int64_t c, Floats::Vector (&x)[kVectors]) {
    Floats::Integers dots[kVectors];
    load(t, pixel, c, dots);
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) x[v] = Floats::to_float(dots[v]);
  }
};

// The steps that make floats, and thresholds on those, for kVectors vectors from channel c of the tile on.
template <int kVectors, class Sums>
inline void float_columns(const EpilogueTile& t, const Epilogue& e, const ConvOutputs& out, int64_t c) {
  const int64_t channel = t.first_channel + c;
  Floats::Vector scale[kVectors], shift[kVectors], slope[kVectors], threshold[kVectors];
  load_channels(e.scale, channel, scale);
  load_channels(e.shift, channel, shift);
  load_channels(e.activation.slope, channel, slope);
  load_channels(e.threshold_f32, channel, threshold);
  const uint64_t flipped = flip_bits(e.flip, channel, kVectors * Floats::kLanes);
  const bool affine_first = e.scale != nullptr && !e.activation_first;
  const auto affine = [&](Floats::Vector(&x)[kVectors]) {
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) x[v] = Floats::fma(x[v], scale[v], shift[v]);
  };
  for (int64_t p = 0; p < t.pixels; ++p) {
    const int64_t pixel = t.first_pixel + p, at = pixel * t.channels + channel;
    Floats::Vector x[kVectors];
    Sums::load(t, p, c, x);
    if (affine_first) affine(x);
    activate(e.activation, slope, x);
    if (e.activation_first) affine(x);
    if (e.residual) {
      BMX_UNROLL
      for (int v = 0; v < kVectors; ++v)
        x[v] = Floats::add(x[v], Floats::load(out.residual + at + v * Floats::kLanes));
    }
    if (e.final_relu) {
      BMX_UNROLL
      for (int v = 0; v < kVectors; ++v) x[v] = Floats::relu(x[v]);
    }
    if (out.floats != nullptr) {
      float* y = out.floats_at(pixel, channel, t.channels);
      BMX_UNROLL
      for (int v = 0; v < kVectors; ++v) Floats::store(y + v * Floats::kLanes, x[v]);
    }
    if (e.threshold_f32 != nullptr) {
      store_signs(x, threshold, flipped, channel, out.bits + pixel * words_for(t.channels));
    }
  }
}

// Turns integer sums into bits, and stores the integers where they are wanted.
template <int kVectors>
inline void threshold_columns(const EpilogueTile& t, const Epilogue& e, const ConvOutputs& out, int64_t c) {
  const int64_t channel = t.first_channel + c;
  Floats::Integers threshold[kVectors];
  BMX_UNROLL
  for (int v = 0; v < kVectors; ++v)
    threshold[v] = Floats::load_integers(e.threshold_i32 + channel + v * Floats::kLanes);
  const uint64_t flipped = flip_bits(e.flip, channel, kVectors * Floats::kLanes);
  for (int64_t p = 0; p < t.pixels; ++p) {
    const int64_t pixel = t.first_pixel + p;
    Floats::Integers dots[kVectors];
    IntegerSums::load(t, p, c, dots);
    if (out.integers != nullptr) {
      int32_t* y = out.integers + pixel * t.channels + channel;
      BMX_UNROLL
      for (int v = 0; v < kVectors; ++v) Floats::store(y + v * Floats::kLanes, dots[v]);
    }
    store_signs(dots, threshold, flipped, channel, out.bits + pixel * words_for(t.channels));
  }
}

// Vectors of one call of the functions above: as many as a word of bits holds, at most 4.
inline constexpr int kColumnVectors = 4;

// Returns the number of channels done: those of all whole vectors, or none if the activation needs rows.
template <class Sums>
BMX_NOINLINE int64_t epilogue_float_columns(const EpilogueTile& t, const Epilogue& e,
                                            const ConvOutputs& out) {
  constexpr int64_t kLanes = Floats::kLanes;
  int64_t c = 0;
  if (!is_in_columns(e.activation.function)) return 0;
  for (; c + kColumnVectors * kLanes <= t.outputs; c += kColumnVectors * kLanes) {
    float_columns<kColumnVectors, Sums>(t, e, out, c);
  }
  for (; c + kLanes <= t.outputs; c += kLanes) float_columns<1, Sums>(t, e, out, c);
  return c;
}

BMX_NOINLINE inline int64_t epilogue_threshold_columns(const EpilogueTile& t, const Epilogue& e,
                                                       const ConvOutputs& out) {
  constexpr int64_t kLanes = Floats::kLanes;
  int64_t c = 0;
  for (; c + kColumnVectors * kLanes <= t.outputs; c += kColumnVectors * kLanes) {
    threshold_columns<kColumnVectors>(t, e, out, c);
  }
  for (; c + kLanes <= t.outputs; c += kLanes) threshold_columns<1>(t, e, out, c);
  return c;
}
