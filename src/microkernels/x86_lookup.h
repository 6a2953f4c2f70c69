// The layout of units and counts in memory, which the units that count bits by lookups share. Included inside
// the namespace of a unit.

struct LookupMemory {
  static void store_counts(const uint16_t* sums, int32_t* counts) {
    const __m128i x = _mm_load_si128(reinterpret_cast<const __m128i*>(sums));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(counts), _mm256_cvtepu16_epi32(x));
  }

  // offsets[u] = first[u] + 16 * second[u]
  template <int64_t kUnits>
  static void pair_units(const uint8_t* first, const uint8_t* second, uint16_t* offsets) {
    if constexpr (kUnits == 8) {
      const __m128i a = _mm_cvtepu8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(first)));
      const __m128i b = _mm_cvtepu8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(second)));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(offsets), _mm_or_si128(a, _mm_slli_epi16(b, 4)));
    } else {
      static_assert(kUnits == 16);
      const __m256i a = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(first)));
      const __m256i b = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(second)));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(offsets), _mm256_or_si256(a, _mm256_slli_epi16(b, 4)));
    }
  }
  static void expand_word(uint64_t word, uint8_t* units) {
    const __m128i x = _mm_cvtsi64_si128(static_cast<int64_t>(word));
    const __m128i mask = _mm_set1_epi8(-16);
    const __m128i even = _mm_and_si128(_mm_slli_epi16(x, 4), mask);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(units), _mm_unpacklo_epi8(even, _mm_and_si128(x, mask)));
  }
};
