// Thresholds to bits, once for all ISAs. Included inside the namespace of an ISA unit, after its `Floats`.
//
// A NaN is neither less nor greater, so its bit is 1 whichever way the comparison is flipped.

inline Floats::Vector load_same(const float* x) { return Floats::load(x); }
inline Floats::Integers load_same(const int32_t* x) { return Floats::load_integers(x); }

template <bool kFlipped, class T>
inline uint64_t compare_word(const T* x, const T* threshold, int64_t channels) {
  uint64_t word = 0;
  int64_t c = 0;
  for (; c + Floats::kLanes <= channels; c += Floats::kLanes) {
    const auto value = load_same(x + c), limit = load_same(threshold + c);
    const uint64_t bits = kFlipped ? Floats::not_greater(value, limit) : Floats::not_less(value, limit);
    word |= bits << c;
  }
  for (; c < channels; ++c) {
    const bool bit = kFlipped ? !(x[c] > threshold[c]) : !(x[c] < threshold[c]);
    word |= uint64_t{bit} << c;
  }
  return word;
}

// Does an ISA have something better for whole words of plain signs than comparing with an array of zeros?
template <class F, class = void>
struct HasSignWords : std::false_type {};
template <class F>
struct HasSignWords<F, std::void_t<decltype(F::sign_words(nullptr, 0, nullptr))>> : std::true_type {};

template <class F, class T>
inline void pack_sign_row(const T* x, int64_t channels, uint64_t* out) {
  static constexpr T kZeros[kWordBits] = {};
  int64_t c = 0;
  if constexpr (std::is_same_v<T, float> && HasSignWords<F>::value) {
    F::sign_words(x, channels / kWordBits, out);
    c = channels - channels % kWordBits;
  }
  for (; c < channels; c += kWordBits) {
    out[c / kWordBits] = compare_word<false>(x + c, kZeros, std::min(channels - c, kWordBits));
  }
}

template <class T>
void pack_signs(const T* x, int64_t rows, int64_t channels, uint64_t* out) {
  if (channels % kWordBits == 0) return pack_sign_row<Floats>(x, rows * channels, out);  // no gaps
  for (int64_t r = 0; r < rows; ++r, x += channels, out += words_for(channels)) {
    pack_sign_row<Floats>(x, channels, out);
  }
}

template <class T>
void pack(const T* x, int64_t rows, int64_t channels, const T* threshold, const uint64_t* flip,
          uint64_t* out) {
  static constexpr T kZeros[kWordBits] = {};
  if (threshold == nullptr && flip == nullptr) return pack_signs(x, rows, channels, out);
  for (int64_t r = 0; r < rows; ++r, x += channels) {
    for (int64_t c = 0, w = 0; c < channels; c += kWordBits, ++w) {
      const int64_t count = std::min(channels - c, kWordBits);
      const T* t = threshold == nullptr ? kZeros : threshold + c;
      uint64_t word = compare_word<false>(x + c, t, count);
      const uint64_t flipped = flip == nullptr ? 0 : flip[w];
      if (flipped != 0) word = (word & ~flipped) | (compare_word<true>(x + c, t, count) & flipped);
      *out++ = word;
    }
  }
}
