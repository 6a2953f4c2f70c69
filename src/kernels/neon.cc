// NEON (Advanced SIMD) of 64-bit ARM: CNT counts the bits of every byte.
#if defined(__aarch64__)

#include <arm_neon.h>

#include "kernels/units.h"

namespace bmx::neon {
namespace {

struct Words {
  using Vector = uint8x16_t;
  using Counter = uint8x16_t;
  using Sum = uint64x2_t;
  static constexpr int kLanes = 2;
  static constexpr int kVectors = 4;
  static constexpr int kRows = 5;  // 20 counters + 4 panel vectors + 1 row + temporaries of 32 registers
  static constexpr int64_t kBlock = 31;  // a byte counts at most 8 a word

  static Vector broadcast(uint64_t word) { return vreinterpretq_u8_u64(vdupq_n_u64(word)); }
  static Vector load(const uint64_t* words) { return vreinterpretq_u8_u64(vld1q_u64(words)); }
  static Counter zero() { return vdupq_n_u8(0); }
  static Counter count(Counter counter, Vector a, Vector b) {
    return vaddq_u8(counter, vcntq_u8(veorq_u8(a, b)));
  }
  static Sum widen(Counter counter) { return vpaddlq_u32(vpaddlq_u16(vpaddlq_u8(counter))); }
  static Sum add(Sum a, Sum b) { return vaddq_u64(a, b); }
  static void store_dots(Sum sum, int32_t bits, int32_t* out) {
    const int32x2_t count = vreinterpret_s32_u32(vmovn_u64(sum));
    vst1_s32(out, vsub_s32(vdup_n_s32(bits), vshl_n_s32(count, 1)));
  }
};

struct Floats {
  using Vector = float32x4_t;
  static constexpr int kLanes = 4;
  static constexpr int kVectors = 4;
  static constexpr int kRows = 6;  // 24 sums + 4 panel vectors + 1 row of 32 registers

  static Vector broadcast(float value) { return vdupq_n_f32(value); }
  static Vector load(const float* x) { return vld1q_f32(x); }
  static Vector load(const int32_t* x) { return vcvtq_f32_s32(vld1q_s32(x)); }
  static void store(float* y, Vector value) { vst1q_f32(y, value); }

  static Vector fma(Vector a, Vector b, Vector c) { return vfmaq_f32(c, a, b); }
  static Vector add(Vector a, Vector b) { return vaddq_f32(a, b); }
  static Vector sub(Vector a, Vector b) { return vsubq_f32(a, b); }
  static Vector mul(Vector a, Vector b) { return vmulq_f32(a, b); }
  static Vector div(Vector a, Vector b) { return vdivq_f32(a, b); }
  // The second operand where either is NaN; FMIN and FMAX would differ.
  static Vector min(Vector a, Vector b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
  static Vector max(Vector a, Vector b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
  static Vector relu(Vector x) {
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(x), vclezq_f32(x)));
  }
  static Vector abs(Vector x) { return vabsq_f32(x); }
  static Vector copy_sign(Vector magnitude, Vector sign) {
    return vbslq_f32(vdupq_n_u32(0x80000000), sign, magnitude);
  }
  static Vector power_of_two(Vector biased_k) {
    const uint32x4_t exponent = vshlq_n_u32(vreinterpretq_u32_f32(biased_k), 23);
    return vreinterpretq_f32_u32(vaddq_u32(exponent, vdupq_n_u32(0x3F800000)));
  }

  static uint64_t not_less(const float* x, const float* threshold) {
    return mask_of(vmvnq_u32(vcltq_f32(vld1q_f32(x), vld1q_f32(threshold))));
  }
  static uint64_t not_greater(const float* x, const float* threshold) {
    return mask_of(vmvnq_u32(vcgtq_f32(vld1q_f32(x), vld1q_f32(threshold))));
  }
  static uint64_t not_less(const int32_t* x, const int32_t* threshold) {
    return mask_of(vcgeq_s32(vld1q_s32(x), vld1q_s32(threshold)));
  }
  static uint64_t not_greater(const int32_t* x, const int32_t* threshold) {
    return mask_of(vcleq_s32(vld1q_s32(x), vld1q_s32(threshold)));
  }

 private:
  static uint64_t mask_of(uint32x4_t lanes) {
    const uint32x4_t weights = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(lanes, weights));
  }
};

#include "kernels/generic/algorithms.h"

}  // namespace
}  // namespace bmx::neon

namespace bmx {

const Kernels neon_kernels = neon::make_kernels("neon", cpu_has_neon);

}  // namespace bmx

#endif
