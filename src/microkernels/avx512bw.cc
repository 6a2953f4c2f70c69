// AVX-512 without VPOPCNTDQ (Skylake, Cascade Lake): bits are counted by looking them up, four at a time.
#if defined(__x86_64__)

#include <immintrin.h>

#include "microkernels/units.h"

BMX_AVX512_BEGIN("avx512f,avx512bw,avx512vl,avx512dq")

namespace bmx::avx512bw {
namespace {

#include "microkernels/x86_lookup.h"

struct Bytes : LookupMemory {
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
};

#include "microkernels/avx512_floats.h"

#include "microkernels/generic/lookup_tile.h"

#include "microkernels/generic/algorithms.h"

}  // namespace
}  // namespace bmx::avx512bw

BMX_TARGET_END

BMX_DEFINE_KERNELS(avx512bw)

#endif
