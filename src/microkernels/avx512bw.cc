// AVX-512 without VPOPCNTDQ (Skylake, Cascade Lake): bits are counted by looking them up, four at a time.
#if defined(__x86_64__)

#include <immintrin.h>

#include "microkernels/units.h"

#if defined(__GNUC__) && !defined(__clang__)
// GCC's own _mm512_undefined_ps() and its like trip this warning (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

BMX_TARGET_BEGIN("avx512f,avx512bw,avx512vl,avx512dq")

namespace bmx::avx512bw {
namespace {

struct Bytes {
  using Vector = __m512i;
  static constexpr int kLanes = 64;
  static constexpr int kMaxVectors = 2;
  // Two counters for every pair of pixels and vector, a group's counts, weights and tables share 32
  // registers.
  static constexpr int tile_pixels(int vectors) {
    constexpr int kPixels[] = {12, 6};
    return kPixels[vectors - 1];
  }

  static Vector zero() { return _mm512_setzero_si512(); }
  static Vector load(const uint8_t* x) { return _mm512_loadu_si512(x); }
  static Vector load_table(const uint8_t* entries) {
    return _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(entries)));
  }
  static Vector look_up(Vector table, Vector nibbles) { return _mm512_shuffle_epi8(table, nibbles); }
  static Vector add(Vector a, Vector b) { return _mm512_add_epi8(a, b); }
  static Vector high_nibbles(Vector x) {
    return _mm512_and_si512(_mm512_srli_epi16(x, 4), _mm512_set1_epi8(15));
  }
  static Vector subtract_16_times(Vector a, Vector b) {
    return _mm512_sub_epi8(a, _mm512_and_si512(_mm512_slli_epi16(b, 4), _mm512_set1_epi8(-16)));
  }
  // The low and the high eight bytes of every 16 bytes.
  static Vector widen_low(Vector x) { return _mm512_unpacklo_epi8(x, zero()); }
  static Vector widen_high(Vector x) { return _mm512_unpackhi_epi8(x, zero()); }
  static Vector add_16(Vector a, Vector b) { return _mm512_add_epi16(a, b); }
  static Vector load(const uint16_t* x) { return _mm512_load_si512(x); }
  static void store(uint16_t* y, Vector x) { _mm512_store_si512(y, x); }
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

#include "microkernels/avx512_floats.h"

#include "microkernels/generic/lookup_tile.h"

#include "microkernels/generic/algorithms.h"

}  // namespace
}  // namespace bmx::avx512bw

BMX_TARGET_END

namespace bmx {

const Kernels avx512bw_kernels = avx512bw::make_kernels("avx512bw", cpu_has_avx512bw);

}  // namespace bmx

#endif
