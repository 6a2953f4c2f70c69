// AVX-512 with VPOPCNTDQ: one instruction counts the bits of eight words.
#if defined(__x86_64__)

#include <immintrin.h>

#include "microkernels/units.h"

BMX_AVX512_BEGIN("avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq")

namespace bmx::avx512 {
namespace {

struct Words {
  using Unit = uint32_t;
  using Vector = __m512i;
  static constexpr int kLanes = 16;
  static constexpr int kMaxVectors = 4;
  // Counters, the panel's vectors, one unit and temporaries share 32 registers.
  static constexpr int tile_pixels(int vectors) {
    constexpr int kPixels[] = {14, 11, 8, 6};
    return kPixels[vectors - 1];
  }

  static void keep(Vector& x) { asm volatile("" : "+v"(x)); }
  static Vector zero() { return _mm512_setzero_si512(); }
  static Vector broadcast(const char* unit) {
    int32_t value;
    std::memcpy(&value, unit, sizeof(value));
    return _mm512_set1_epi32(value);
  }
  static Vector load(const Unit* units) { return _mm512_loadu_si512(units); }
  static Vector exclusive_or(Vector a, Vector b) { return _mm512_xor_si512(a, b); }
  static Vector both(Vector a, Vector b) { return _mm512_and_si512(a, b); }
  static Vector popcount(Vector x) { return _mm512_popcnt_epi32(x); }
  static Vector add(Vector a, Vector b) { return _mm512_add_epi32(a, b); }
  static void store(int32_t* y, Vector sums) { _mm512_storeu_si512(y, sums); }
};

#include "microkernels/avx512_floats.h"
#include "microkernels/generic/word_tile.h"

#include "microkernels/generic/algorithms.h"

}  // namespace
}  // namespace bmx::avx512

BMX_TARGET_END

BMX_DEFINE_KERNELS(avx512)

#endif
