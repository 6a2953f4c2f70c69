// AVX2 with FMA: bits are counted by looking up the halves of every byte.
#if defined(__x86_64__)

#include <immintrin.h>

#include "kernels/units.h"

BMX_TARGET_BEGIN("avx2,fma")

namespace bmx::avx2 {
namespace {

struct Words {
  using Vector = __m256i;
  using Counter = __m256i;  // 32 bytes
  using Sum = __m256i;      // 4 words
  static constexpr int kLanes = 4;
  static constexpr int kVectors = 2;
  static constexpr int kRows =
      4;  // 8 counters + 2 panel vectors + table, mask, row and temporaries of 16 registers
  static constexpr int64_t kBlock = 31;  // a byte counts at most 8 a word

  static Vector broadcast(uint64_t word) { return _mm256_set1_epi64x(static_cast<int64_t>(word)); }
  static Vector load(const uint64_t* words) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(words));
  }
  static Counter zero() { return _mm256_setzero_si256(); }
  static Counter count(Counter counter, Vector a, Vector b) {
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                           0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i mask = _mm256_set1_epi8(15);
    const __m256i x = _mm256_xor_si256(a, b);
    const __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(x, mask));
    const __m256i high = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(x, 4), mask));
    return _mm256_add_epi8(counter, _mm256_add_epi8(low, high));
  }
  static Sum widen(Counter counter) { return _mm256_sad_epu8(counter, _mm256_setzero_si256()); }
  static Sum add(Sum a, Sum b) { return _mm256_add_epi64(a, b); }
  static void store_dots(Sum sum, int32_t bits, int32_t* out) {
    const __m256i dots = _mm256_sub_epi64(_mm256_set1_epi64x(bits), _mm256_slli_epi64(sum, 1));
    const __m256i even = _mm256_permutevar8x32_epi32(dots, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm256_castsi256_si128(even));
  }
};

struct Floats {
  using Vector = __m256;
  static constexpr int kLanes = 8;
  static constexpr int kVectors = 2;
  static constexpr int kRows = 6;  // 12 sums + 2 panel vectors + 1 row of 16 registers

  static Vector broadcast(float value) { return _mm256_set1_ps(value); }
  static Vector load(const float* x) { return _mm256_loadu_ps(x); }
  static Vector load(const int32_t* x) { return _mm256_cvtepi32_ps(load_integers(x)); }
  static void store(float* y, Vector value) { _mm256_storeu_ps(y, value); }

  static Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
  static Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
  static Vector sub(Vector a, Vector b) { return _mm256_sub_ps(a, b); }
  static Vector mul(Vector a, Vector b) { return _mm256_mul_ps(a, b); }
  static Vector div(Vector a, Vector b) { return _mm256_div_ps(a, b); }
  // The second operand where either is NaN.
  static Vector min(Vector a, Vector b) { return _mm256_min_ps(a, b); }
  static Vector max(Vector a, Vector b) { return _mm256_max_ps(a, b); }
  static Vector relu(Vector x) {
    return _mm256_and_ps(x, _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_NLE_UQ));
  }
  static Vector abs(Vector x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), x); }
  static Vector copy_sign(Vector magnitude, Vector sign) {
    const __m256 mask = _mm256_set1_ps(-0.0F);
    return _mm256_or_ps(_mm256_andnot_ps(mask, magnitude), _mm256_and_ps(mask, sign));
  }
  static Vector power_of_two(Vector biased_k) {
    const __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(biased_k), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(exponent, _mm256_set1_epi32(0x3F800000)));
  }

  static uint64_t not_less(const float* x, const float* threshold) {
    return mask_of(_mm256_cmp_ps(load(x), load(threshold), _CMP_NLT_UQ));
  }
  static uint64_t not_greater(const float* x, const float* threshold) {
    return mask_of(_mm256_cmp_ps(load(x), load(threshold), _CMP_NGT_UQ));
  }
  // Integers have "greater" only.
  static uint64_t not_less(const int32_t* x, const int32_t* threshold) { return not_greater(threshold, x); }
  static uint64_t not_greater(const int32_t* x, const int32_t* threshold) {
    const __m256i greater = _mm256_cmpgt_epi32(load_integers(x), load_integers(threshold));
    return mask_of(_mm256_castsi256_ps(greater)) ^ 0xFF;
  }

 private:
  static __m256i load_integers(const int32_t* x) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x));
  }
  static uint64_t mask_of(__m256 lanes) { return static_cast<uint64_t>(_mm256_movemask_ps(lanes)); }
};

#include "kernels/generic/algorithms.h"

}  // namespace
}  // namespace bmx::avx2

BMX_TARGET_END

namespace bmx {

const Kernels avx2_kernels = avx2::make_kernels("avx2", cpu_has_avx2);

}  // namespace bmx

#endif
