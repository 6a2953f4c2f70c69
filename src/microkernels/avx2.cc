// AVX2 with FMA: bits are counted by looking them up, four at a time.
#if defined(__x86_64__)

#include <immintrin.h>

#include "microkernels/units.h"

BMX_TARGET_BEGIN("avx2,fma")

namespace bmx::avx2 {
namespace {

#include "microkernels/x86_lookup.h"

struct Bytes : LookupMemory {
  using Vector = __m256i;
  static constexpr int kLanes = 32;
  static constexpr int kMaxVectors = 4;
  // Two counters for every pair of pixels and vector, a group's counts, weights and tables share 16
  // registers.
  static constexpr int tile_pixels(int vectors) {
    constexpr int kPixels[] = {6, 4, 2, 2};
    return kPixels[vectors - 1];
  }

  static Vector zero() { return _mm256_setzero_si256(); }
  static Vector load(const uint8_t* x) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x)); }
  static Vector load_table(const uint8_t* entries) {
    return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(entries)));
  }
  static Vector look_up(Vector table, Vector nibbles) { return _mm256_shuffle_epi8(table, nibbles); }
  static Vector add(Vector a, Vector b) { return _mm256_add_epi8(a, b); }
  static Vector high_nibbles(Vector x) {
    return _mm256_and_si256(_mm256_srli_epi16(x, 4), _mm256_set1_epi8(15));
  }
  static Vector subtract_16_times(Vector a, Vector b) {
    return _mm256_sub_epi8(a, _mm256_and_si256(_mm256_slli_epi16(b, 4), _mm256_set1_epi8(-16)));
  }
  // The low and the high eight bytes of every 16 bytes.
  static Vector widen_low(Vector x) { return _mm256_unpacklo_epi8(x, zero()); }
  static Vector widen_high(Vector x) { return _mm256_unpackhi_epi8(x, zero()); }
  static Vector add_16(Vector a, Vector b) { return _mm256_add_epi16(a, b); }
  static Vector load(const uint16_t* x) { return _mm256_load_si256(reinterpret_cast<const __m256i*>(x)); }
  static void store(uint16_t* y, Vector x) { _mm256_store_si256(reinterpret_cast<__m256i*>(y), x); }
};

struct Floats {
  using Vector = __m256;
  using Integers = __m256i;
  static constexpr int kLanes = 8;
  static constexpr int kMaxVectors = 2;
  // Sums, the panel's vectors and one value share the registers.
  static constexpr int tile_pixels(int vectors) {
    constexpr int kPixels[] = {10, 6};
    return kPixels[vectors - 1];
  }

  static Integers load_integers(const int32_t* x) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x));
  }
  static void store(int32_t* y, Integers value) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(y), value); }
  static Integers broadcast(int32_t value) { return _mm256_set1_epi32(value); }
  static Integers multiply_add(Integers offset, Integers x, Integers factor) {
    return _mm256_add_epi32(offset, _mm256_mullo_epi32(x, factor));
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

  static uint64_t not_less(Vector x, Vector threshold) {
    return mask_of(_mm256_cmp_ps(x, threshold, _CMP_NLT_UQ));
  }
  static uint64_t not_greater(Vector x, Vector threshold) {
    return mask_of(_mm256_cmp_ps(x, threshold, _CMP_NGT_UQ));
  }
  // Integers have "greater" only.
  static uint64_t not_less(Integers x, Integers threshold) { return not_greater(threshold, x); }
  static uint64_t not_greater(Integers x, Integers threshold) {
    return mask_of(_mm256_castsi256_ps(_mm256_cmpgt_epi32(x, threshold))) ^ 0xFF;
  }

 private:
  static uint64_t mask_of(__m256 lanes) { return static_cast<uint64_t>(_mm256_movemask_ps(lanes)); }
};

// Bytes that count single bits.
struct BitBytes {
  using Vector = __m256i;
  static constexpr int kLanes = 32;
  static Vector zero() { return _mm256_setzero_si256(); }
  static Vector add_bits(Vector counts, uint64_t bits) {
    const __m256i byte_of_lane =
        _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i bit_of_lane = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201));
    const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int32_t>(bits)), byte_of_lane);
    const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit_of_lane), bit_of_lane);
    return _mm256_sub_epi8(counts, set);
  }
  static void store(uint8_t* y, Vector x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(y), x); }
};

#include "microkernels/generic/lookup_tile.h"

#include "microkernels/generic/algorithms.h"

}  // namespace
}  // namespace bmx::avx2

BMX_TARGET_END

BMX_DEFINE_KERNELS(avx2)

#endif
