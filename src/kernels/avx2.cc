// AVX2 with FMA: bits are counted by looking up the halves of every byte.
#if defined(__x86_64__)

#include <immintrin.h>

#include "kernels/units.h"

BMX_TARGET_BEGIN("avx2,fma")

namespace bmx::avx2 {
namespace {

struct Words {
  using Unit = uint32_t;
  using Vector = __m256i;
  static constexpr int kLanes = 8;
  static constexpr int kMaxVectors = 2;
  static constexpr int tile_pixels(int) { return 4; }

  static void keep(Vector& x) { asm volatile("" : "+x"(x)); }
  static Vector zero() { return _mm256_setzero_si256(); }
  static Vector broadcast(const char* unit) {
    int32_t value;
    std::memcpy(&value, unit, sizeof(value));
    return _mm256_set1_epi32(value);
  }
  static Vector load(const Unit* units) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(units));
  }
  static Vector exclusive_or(Vector a, Vector b) { return _mm256_xor_si256(a, b); }
  static Vector both(Vector a, Vector b) { return _mm256_and_si256(a, b); }
  static Vector popcount(Vector x) {
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                           0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i mask = _mm256_set1_epi8(15);
    const __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(x, mask));
    const __m256i high = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(x, 4), mask));
    return _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_add_epi8(low, high), _mm256_set1_epi8(1)),
                             _mm256_set1_epi16(1));
  }
  static Vector add(Vector a, Vector b) { return _mm256_add_epi32(a, b); }
  static void store(int32_t* y, Vector sums) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(y), sums); }
};

struct Floats {
  using Vector = __m256;
  using Integers = __m256i;
  static constexpr int kLanes = 8;
  static constexpr int kVectors = 2;
  static constexpr int kRows = 6;  // 12 sums + 2 panel vectors + 1 row of 16 registers

  static Integers load_integers(const int32_t* x) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x));
  }
  static void store(int32_t* y, Integers value) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(y), value); }
  static Integers broadcast(int32_t value) { return _mm256_set1_epi32(value); }
  static Integers multiply_add(Integers base, Integers x, Integers factor) {
    return _mm256_add_epi32(base, _mm256_mullo_epi32(x, factor));
  }
  static Vector to_float(Integers x) { return _mm256_cvtepi32_ps(x); }

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
  static Vector positive_or(Vector x, Vector other) {  // x > 0 or NaN ? x : other
    return _mm256_blendv_ps(other, x, _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_NLE_UQ));
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
  static uint64_t mask_of(__m256 lanes) { return static_cast<uint64_t>(_mm256_movemask_ps(lanes)); }
};

#include "kernels/generic/word_tile.h"

#include "kernels/generic/algorithms.h"

}  // namespace
}  // namespace bmx::avx2

BMX_TARGET_END

namespace bmx {

const Kernels avx2_kernels = avx2::make_kernels("avx2", cpu_has_avx2);

}  // namespace bmx

#endif
