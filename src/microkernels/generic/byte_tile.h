// Binary tiles for instruction sets that count the bits of bytes: every output has four byte counters, the
// bytes of its units. Included inside the namespace of an ISA unit, after `Bytes`.
//
// Units of activations are stored kLanes times (expand_units), so that the inner loop loads vectors and needs
// no broadcasts. A byte counts at most 8 a unit: after kNarrowUnits units the counters are added to 16-bit
// sums.

inline constexpr int64_t kNarrowUnits = 31;
inline constexpr int64_t kUnitBytes = 16;

template <BitProduct kProduct>
inline Bytes::Vector combine(Bytes::Vector a, Bytes::Vector b) {
  return kProduct == BitProduct::kXor ? Bytes::exclusive_or(a, b) : Bytes::both(a, b);
}

// How far a tile has come, between two widenings.
struct TilePosition {
  const void* const* pixels;
  const Span* span;
  const Span* end;
  const uint8_t* weights;
};

// Counts the spans up to the next widening.
template <BitProduct kProduct, int kPixels, int kVectors>
struct CountSpans {
  static inline void count(TilePosition& at, uint8_t* counters) {
    Bytes::Vector sums[kPixels][kVectors];
    BMX_UNROLL
    for (int p = 0; p < kPixels; ++p) {
      BMX_UNROLL
      for (int v = 0; v < kVectors; ++v) sums[p][v] = Bytes::zero();
    }
    do {
      count_span(*at.span, at, sums);
    } while (at.span++->widen == 0);
    BMX_UNROLL
    for (int p = 0; p < kPixels; ++p) {
      BMX_UNROLL
      for (int v = 0; v < kVectors; ++v) Bytes::store(counters + (p * kVectors + v) * kUnitBytes, sums[p][v]);
    }
  }

  static void count_span(const Span& span, TilePosition& at, Bytes::Vector (&sums)[kPixels][kVectors]) {
    const uint8_t* a[kPixels];
    BMX_UNROLL
    for (int p = 0; p < kPixels; ++p) a[p] = static_cast<const uint8_t*>(at.pixels[p]) + span.offset;
    const uint8_t* weights = at.weights;
    for (int64_t u = 0; u < span.units * kUnitBytes; u += kUnitBytes, weights += kVectors * kUnitBytes) {
      Bytes::Vector w[kVectors];
      BMX_UNROLL
      for (int v = 0; v < kVectors; ++v) w[v] = Bytes::load(weights + v * kUnitBytes);
      BMX_UNROLL
      for (int p = 0; p < kPixels; ++p) {
        const Bytes::Vector unit = Bytes::load(a[p] + u);
        BMX_UNROLL
        for (int v = 0; v < kVectors; ++v) {
          sums[p][v] = Bytes::add(sums[p][v], Bytes::popcount(combine<kProduct>(unit, w[v])));
        }
      }
    }
    at.weights = weights;
  }
};

// So many stretches between widenings are counted before their counters are summed together.
inline constexpr int kWaitingCounters = 4;

// Sums the counters of kStretches stretches, on top of `sums` if there are any, to 16 bits, or at the end to
// counts. Two neighbors at a time, so that their loads and stores pair up.
template <int kStretches, int kCount, bool kAdd, bool kFinal>
inline void sum_stretches(const uint8_t* counters, uint16_t* sums, int32_t* counts) {
  constexpr int kPair = kCount % 2 == 0 ? 2 : 1;
  BMX_UNROLL
  for (int i = 0; i < kCount; i += kPair) {
    Bytes::Sums sum[kPair];
    BMX_UNROLL
    for (int s = 0; s < kStretches; ++s) {
      const uint8_t* from = counters + (s * kCount + i) * kUnitBytes;
      Bytes::Vector x[kPair];
      BMX_UNROLL
      for (int k = 0; k < kPair; ++k) x[k] = Bytes::load(from + k * kUnitBytes);
      BMX_UNROLL
      for (int k = 0; k < kPair; ++k) sum[k] = s == 0 ? Bytes::widen(x[k]) : Bytes::add_widened(sum[k], x[k]);
    }
    BMX_UNROLL
    for (int k = 0; k < kPair; ++k) {
      if constexpr (kAdd) sum[k] = Bytes::add_sums(sum[k], Bytes::load(sums + (i + k) * 8));
      if constexpr (kFinal) {
        Bytes::store_counts(sum[k], counts + (i + k) * 4);
      } else {
        Bytes::store(sums + (i + k) * 8, sum[k]);
      }
    }
  }
}

template <int kCount, bool kAdd>
inline void sum_last(const uint8_t* counters, int stretches, uint16_t* sums, int32_t* counts) {
  if (stretches == 1) return sum_stretches<1, kCount, kAdd, true>(counters, sums, counts);
  if (stretches == 2) return sum_stretches<2, kCount, kAdd, true>(counters, sums, counts);
  if (stretches == 3) return sum_stretches<3, kCount, kAdd, true>(counters, sums, counts);
  return sum_stretches<4, kCount, kAdd, true>(counters, sums, counts);
}

template <BitProduct kProduct, int kPixels, int kVectors>
void binary_tile(const void* const* pixels, const Span* spans, int64_t span_count, const void* panel,
                 int32_t* counts) {
  constexpr int kCount = kPixels * kVectors;
  alignas(kUnitBytes) uint8_t counters[kWaitingCounters * kCount * kUnitBytes];
  alignas(kUnitBytes) uint16_t sums[kCount * kUnitBytes / 2];
  TilePosition at{pixels, spans, spans + span_count, static_cast<const uint8_t*>(panel)};
  bool summed = false;
  for (int waiting = 0;;) {
    CountSpans<kProduct, kPixels, kVectors>::count(at, counters + waiting * kCount * kUnitBytes);
    ++waiting;
    if (at.span == at.end) {
      if (summed) return sum_last<kCount, true>(counters, waiting, sums, counts);
      return sum_last<kCount, false>(counters, waiting, sums, counts);
    }
    if (waiting == kWaitingCounters) {
      if (summed) {
        sum_stretches<kWaitingCounters, kCount, true, false>(counters, sums, counts);
      } else {
        sum_stretches<kWaitingCounters, kCount, false, false>(counters, sums, counts);
      }
      summed = true;
      waiting = 0;
    }
  }
}

struct BinaryFormat {
  static constexpr int64_t unit_bits = 32;
  static constexpr int64_t unit_bytes = kUnitBytes;
  static constexpr int64_t weight_bytes = 4;
  static constexpr int64_t lanes = 4;
  static constexpr int64_t narrow_units = kNarrowUnits;
  static constexpr int64_t wide_units = 65535 / 16;  // a 16-bit sum counts two bytes
  static constexpr int max_vectors = Bytes::kMaxVectors;
  static constexpr int pixels(int vectors) { return Bytes::tile_pixels(vectors); }
};

// Writes every unit four times.
inline void expand_units(const uint64_t* x, int64_t count, void* out) {
  const auto* units = reinterpret_cast<const uint8_t*>(x);
  auto* to = static_cast<uint8_t*>(out);
  for (int64_t u = 0; u < count; ++u) Bytes::store(to + u * kUnitBytes, Bytes::broadcast_unit(units + 4 * u));
}
