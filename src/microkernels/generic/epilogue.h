// The epilogue of a tile while it lies in the first-level cache, once for all ISAs: sums -> integers, floats,
// bits. Included inside the namespace of an ISA unit, after activations.h and pack.h.

// offsets + multiplier * sum for one row, given to store(first channel, channels, integers).
template <class Store>
inline void for_each_dots(const int32_t* sums, const int32_t* offsets, int32_t multiplier, int64_t count,
                          Store store) {
  const Floats::Integers m = Floats::broadcast(multiplier);
  int64_t c = 0;
  for (; c + Floats::kLanes <= count; c += Floats::kLanes) {
    store(c, Floats::kLanes,
          Floats::multiply_add(Floats::load_integers(offsets + c), Floats::load_integers(sums + c), m));
  }
  if (c < count) {
    const int64_t rest = count - c;
    store(c, rest,
          Floats::multiply_add(load_some_integers(offsets + c, rest), load_some_integers(sums + c, rest), m));
  }
}

inline void dots_row(const int32_t* sums, const int32_t* offsets, int32_t multiplier, int64_t count,
                     int32_t* y) {
  for_each_dots(sums, offsets, multiplier, count, [&](int64_t c, int64_t lanes, Floats::Integers dots) {
    if (lanes == Floats::kLanes) return Floats::store(y + c, dots);
    int32_t buffer[Floats::kLanes];
    Floats::store(buffer, dots);
    std::memcpy(y + c, buffer, static_cast<size_t>(lanes) * sizeof(int32_t));
  });
}

inline void affine_dots_row(const int32_t* sums, const int32_t* offsets, int32_t multiplier, int64_t count,
                            const float* scale, const float* shift, float* y) {
  for_each_dots(sums, offsets, multiplier, count, [&](int64_t c, int64_t lanes, Floats::Integers dots) {
    const Floats::Vector x = Floats::to_float(dots);
    if (lanes == Floats::kLanes) {
      return Floats::store(y + c, Floats::fma(x, Floats::load(scale + c), Floats::load(shift + c)));
    }
    store_some(y + c, lanes, Floats::fma(x, load_some(scale + c, lanes), load_some(shift + c, lanes)));
  });
}

inline void cast_dots_row(const int32_t* sums, const int32_t* offsets, int32_t multiplier, int64_t count,
                          float* y) {
  for_each_dots(sums, offsets, multiplier, count, [&](int64_t c, int64_t lanes, Floats::Integers dots) {
    const Floats::Vector x = Floats::to_float(dots);
    if (lanes == Floats::kLanes) return Floats::store(y + c, x);
    store_some(y + c, lanes, x);
  });
}

template <class T>
inline void threshold_row(const T* x, int64_t count, const T* threshold, const uint64_t* flip,
                          int64_t first_channel, uint64_t* row) {
  for (int64_t c = 0; c < count; c += kWordBits) {
    const int64_t size = std::min(kWordBits, count - c);
    const uint64_t flipped = flip_bits(flip, first_channel + c, size);
    uint64_t word = compare_word<false>(x + c, threshold + c, size);
    if (flipped != 0) word = (word & ~flipped) | (compare_word<true>(x + c, threshold + c, size) & flipped);
    store_bits(row, first_channel + c, size, word);
  }
}

inline void activate_row(ActivationStep step, int64_t first_channel, int64_t count, float* y) {
  if (step.slope != nullptr) step.slope += first_channel;
  kActivations[static_cast<int>(step.function)](step, y, 1, count, y);
}

// The steps after the affine one; with activation_first, the affine one is among them.
inline void float_steps_row(const Epilogue& e, const ConvOutputs& out, const EpilogueTile& t, int64_t pixel,
                            float* y) {
  if (e.activation) activate_row(e.activation, t.first_channel, t.outputs, y);
  if (e.activation_first) {
    affine(y, 1, t.outputs, e.scale + t.first_channel, e.shift + t.first_channel, y);
  }
  if (e.residual) add_f32(y, out.residual + pixel * t.channels + t.first_channel, t.outputs, y);
  if (e.final_relu) activate_rows<Relu>({}, y, 1, t.outputs, y);
  if (out.floats != nullptr && y != out.floats_at(pixel, t.first_channel, t.channels)) {
    std::memcpy(out.floats_at(pixel, t.first_channel, t.channels), y,
                static_cast<size_t>(t.outputs) * sizeof(float));
  }
  if (e.threshold_f32 != nullptr) {
    threshold_row(y, t.outputs, e.threshold_f32 + t.first_channel, e.flip, t.first_channel,
                  out.bits + pixel * words_for(t.channels));
  }
}

// Where a row of floats is computed: in the output, unless the residual is read from there.
inline float* float_row(const ConvOutputs& out, const EpilogueTile& t, int64_t pixel, float* buffer) {
  return out.floats == nullptr || out.residual == out.floats
             ? buffer
             : out.floats_at(pixel, t.first_channel, t.channels);
}

// The most frequent epilogue, scale and shift to floats, for kVectors whole vectors of channels from channel
// c of the tile on; their scales and shifts stay in registers.
template <int kVectors>
inline void affine_columns(const EpilogueTile& t, const Epilogue& e, int64_t c, const ConvOutputs& out) {
  Floats::Vector scale[kVectors], shift[kVectors];
  BMX_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    scale[v] = Floats::load(e.scale + t.first_channel + c + v * Floats::kLanes);
    shift[v] = Floats::load(e.shift + t.first_channel + c + v * Floats::kLanes);
  }
  const Floats::Integers m = Floats::broadcast(t.multiplier);
  const int64_t pixels = t.pixels, lanes = t.lanes;
  const int64_t stride = out.float_stride != 0 ? out.float_stride : t.channels;
  const int32_t* sums = static_cast<const int32_t*>(t.sums) + c;
  const int32_t* offsets = t.offsets + c;
  const int64_t* offset_rows = t.offset_rows;
  float* y = out.floats_at(t.first_pixel, t.first_channel + c, t.channels);
  for (int64_t p = 0; p < pixels; ++p, sums += lanes, y += stride) {
    const int32_t* offset = offsets + offset_rows[p];
    // Loads, arithmetic and stores apart: neighboring loads and stores pair up where the ISA can do that.
    Floats::Integers dots[kVectors], counts[kVectors];
    Floats::Vector x[kVectors];
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      dots[v] = Floats::load_integers(offset + v * Floats::kLanes);
      counts[v] = Floats::load_integers(sums + v * Floats::kLanes);
    }
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      x[v] = Floats::fma(Floats::to_float(Floats::multiply_add(dots[v], counts[v], m)), scale[v], shift[v]);
    }
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) Floats::store(y + v * Floats::kLanes, x[v]);
  }
}

// All whole vectors of the tile. Returns the number of channels they have.
inline int64_t affine_tile(const EpilogueTile& t, const Epilogue& e, const ConvOutputs& out) {
  int64_t c = 0;
  for (; c + 4 * Floats::kLanes <= t.outputs; c += 4 * Floats::kLanes) affine_columns<4>(t, e, c, out);
  for (; c + Floats::kLanes <= t.outputs; c += Floats::kLanes) affine_columns<1>(t, e, c, out);
  return c;
}

// The tile without its first `begin` channels.
inline EpilogueTile rest_of(const EpilogueTile& whole, int64_t begin) {
  EpilogueTile t = whole;
  t.outputs -= begin;
  t.first_channel += begin;
  return t;
}

// Any epilogue, row by row, on the channels of the tile from `begin` on.
BMX_NOINLINE void epilogue_rows_i32(const EpilogueTile& whole, int64_t begin, const Epilogue& e,
                                    const ConvOutputs& out) {
  EpilogueTile t = rest_of(whole, begin);
  t.offsets += begin;
  const bool floats = e.makes_floats();
  const int32_t* sums = static_cast<const int32_t*>(t.sums) + begin;
  for (int64_t p = 0; p < t.pixels; ++p, sums += t.lanes) {
    const int64_t pixel = t.first_pixel + p, at = pixel * t.channels + t.first_channel;
    const int32_t* offset = t.offsets + t.offset_rows[p];
    alignas(kAlignment) int32_t integers[kMaxPanelLanes];
    if (out.integers != nullptr || e.threshold_i32 != nullptr) {
      int32_t* dots = out.integers != nullptr ? out.integers + at : integers;
      dots_row(sums, offset, t.multiplier, t.outputs, dots);
      if (e.threshold_i32 != nullptr) {
        threshold_row(dots, t.outputs, e.threshold_i32 + t.first_channel, e.flip, t.first_channel,
                      out.bits + pixel * words_for(t.channels));
      }
    }
    if (!floats) continue;
    alignas(kAlignment) float buffer[kMaxPanelLanes];
    float* y = float_row(out, t, pixel, buffer);
    if (e.scale != nullptr && !e.activation_first) {
      affine_dots_row(sums, offset, t.multiplier, t.outputs, e.scale + t.first_channel,
                      e.shift + t.first_channel, y);
    } else {
      cast_dots_row(sums, offset, t.multiplier, t.outputs, y);
    }
    float_steps_row(e, out, t, pixel, y);
  }
}

BMX_NOINLINE void epilogue_rows_f32(const EpilogueTile& whole, int64_t begin, const Epilogue& e,
                                    const ConvOutputs& out) {
  const EpilogueTile t = rest_of(whole, begin);
  const float* sums = static_cast<const float*>(t.sums) + begin;
  for (int64_t p = 0; p < t.pixels; ++p, sums += t.lanes) {
    const int64_t pixel = t.first_pixel + p;
    alignas(kAlignment) float buffer[kMaxPanelLanes];
    float* y = float_row(out, t, pixel, buffer);
    if (e.scale != nullptr && !e.activation_first) {
      affine(sums, 1, t.outputs, e.scale + t.first_channel, e.shift + t.first_channel, y);
    } else {
      std::memcpy(y, sums, static_cast<size_t>(t.outputs) * sizeof(float));
    }
    float_steps_row(e, out, t, pixel, y);
  }
}

// Whole vectors are done by columns, where that is possible, and what remains by rows.
void epilogue_i32(const EpilogueTile& t, const Epilogue& e, const ConvOutputs& out) {
  int64_t done = 0;
  if (e.only_affine(out)) {
    done = affine_tile(t, e, out);
  } else if (!e.makes_floats()) {
    if (e.threshold_i32 != nullptr) done = epilogue_threshold_columns(t, e, out);
  } else if (out.integers == nullptr && e.threshold_i32 == nullptr) {
    done = epilogue_float_columns<IntegerSums>(t, e, out);
  }
  if (done < t.outputs) epilogue_rows_i32(t, done, e, out);
}

void epilogue_f32(const EpilogueTile& t, const Epilogue& e, const ConvOutputs& out) {
  const int64_t done = epilogue_float_columns<FloatSums>(t, e, out);
  if (done < t.outputs) epilogue_rows_f32(t, done, e, out);
}
