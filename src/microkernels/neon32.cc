// NEON of 32-bit ARM, with the fused multiply-add of VFPv4 (Cortex-A7, A15 and later).
//
// Its vector arithmetic takes denormal numbers for zero. Comparisons are therefore made on the bits; sums and
// products may differ from other instruction sets where a value or a result is denormal, and nowhere else.
#if defined(__arm__) && defined(__ARM_ARCH) && __ARM_ARCH >= 7

#include <arm_neon.h>

#include "microkernels/units.h"

BMX_TARGET_BEGIN("fpu=neon-vfpv4")

namespace bmx::neon32 {
namespace {

struct Bytes {
  using Vector = uint8x16_t;
  using Sums = uint16x8_t;
  static constexpr int kMaxVectors = 4;
  // Counters, weights, a unit and temporaries share 16 registers.
  static constexpr int tile_pixels(int vectors) {
    constexpr int kPixels[] = {8, 4, 3, 2};
    return kPixels[vectors - 1];
  }

  static Vector zero() { return vdupq_n_u8(0); }
  static Vector load(const uint8_t* x) { return vld1q_u8(x); }
  static uint16x8_t load(const uint16_t* x) { return vld1q_u16(x); }
  static void store(uint8_t* y, Vector x) { vst1q_u8(y, x); }
  static void store(uint16_t* y, uint16x8_t x) { vst1q_u16(y, x); }
  static Vector broadcast_unit(const uint8_t* unit) {
    uint32_t value;
    std::memcpy(&value, unit, sizeof(value));
    return vreinterpretq_u8_u32(vdupq_n_u32(value));
  }
  static Vector exclusive_or(Vector a, Vector b) { return veorq_u8(a, b); }
  static Vector both(Vector a, Vector b) { return vandq_u8(a, b); }
  static Vector popcount(Vector x) { return vcntq_u8(x); }
  static Vector add(Vector a, Vector b) { return vaddq_u8(a, b); }
  // Two bytes a sum.
  static uint16x8_t widen(Vector x) { return vpaddlq_u8(x); }
  static uint16x8_t add_widened(uint16x8_t sums, Vector x) { return vpadalq_u8(sums, x); }

  static uint16x8_t add_sums(uint16x8_t a, uint16x8_t b) { return vaddq_u16(a, b); }
  // Two sums of every output -> its count.
  static void store_counts(uint16x8_t sums, int32_t* counts) {
    vst1q_s32(counts, vreinterpretq_s32_u32(vpaddlq_u16(sums)));
  }
};

struct Floats {
  using Vector = float32x4_t;
  using Integers = int32x4_t;
  static constexpr int kLanes = 4;
  static constexpr int kMaxVectors = 2;
  // Sums, the panel's vectors and one value share the registers.
  static constexpr int tile_pixels(int vectors) {
    constexpr int kPixels[] = {8, 5};
    return kPixels[vectors - 1];
  }

  static Integers load_integers(const int32_t* x) { return vld1q_s32(x); }
  static void store(int32_t* y, Integers value) { vst1q_s32(y, value); }
  static Integers broadcast(int32_t value) { return vdupq_n_s32(value); }
  static Integers multiply_add(Integers base, Integers x, Integers factor) {
    return vmlaq_s32(base, x, factor);
  }
  static Vector to_float(Integers x) { return vcvtq_f32_s32(x); }

  static Vector broadcast(float value) { return vdupq_n_f32(value); }
  static Vector load(const float* x) { return vld1q_f32(x); }
  static Vector load(const int32_t* x) { return vcvtq_f32_s32(vld1q_s32(x)); }
  static void store(float* y, Vector value) { vst1q_f32(y, value); }

  // arm_neon.h has the intrinsic only if the whole file is compiled for VFPv4.
  static Vector fma(Vector a, Vector b, Vector c) {
    asm("vfma.f32 %q0, %q1, %q2" : "+w"(c) : "w"(a), "w"(b));
    return c;
  }
  static Vector add(Vector a, Vector b) { return vaddq_f32(a, b); }
  static Vector sub(Vector a, Vector b) { return vsubq_f32(a, b); }
  static Vector mul(Vector a, Vector b) { return vmulq_f32(a, b); }
  // There is no vector division that rounds correctly.
  static Vector div(Vector a, Vector b) {
    for (int i = 0; i < kLanes; ++i) a[i] = a[i] / b[i];
    return a;
  }
  // The second operand where either is NaN.
  static Vector min(Vector a, Vector b) { return vbslq_f32(less(a, b), a, b); }
  static Vector max(Vector a, Vector b) { return vbslq_f32(less(b, a), a, b); }
  static Vector relu(Vector x) { return positive_or(x, vdupq_n_f32(0)); }
  // x > 0 or NaN ? x : other
  static Vector positive_or(Vector x, Vector other) {
    const int32x4_t bits = vreinterpretq_s32_f32(x);
    const uint32x4_t positive = vcgtq_s32(bits, vdupq_n_s32(0));
    return vbslq_f32(vorrq_u32(positive, is_nan(bits)), x, other);
  }
  static Vector abs(Vector x) { return vabsq_f32(x); }
  static Vector copy_sign(Vector magnitude, Vector sign) {
    return vbslq_f32(vdupq_n_u32(0x80000000), sign, magnitude);
  }
  static Vector power_of_two(Vector biased_k) {
    const uint32x4_t exponent = vshlq_n_u32(vreinterpretq_u32_f32(biased_k), 23);
    return vreinterpretq_f32_u32(vaddq_u32(exponent, vdupq_n_u32(0x3F800000)));
  }

  static uint64_t not_less(Vector x, Vector threshold) { return mask_of(vmvnq_u32(less(x, threshold))); }
  static uint64_t not_greater(Vector x, Vector threshold) { return mask_of(vmvnq_u32(less(threshold, x))); }
  static uint64_t not_less(Integers x, Integers threshold) { return mask_of(vcgeq_s32(x, threshold)); }
  static uint64_t not_greater(Integers x, Integers threshold) { return mask_of(vcleq_s32(x, threshold)); }
  template <class T>
  static uint64_t not_less(const T* x, const T* threshold) {
    return not_less(load_same(x), load_same(threshold));
  }
  template <class T>
  static uint64_t not_greater(const T* x, const T* threshold) {
    return not_greater(load_same(x), load_same(threshold));
  }

 private:
  static Vector load_same(const float* x) { return load(x); }
  static Integers load_same(const int32_t* x) { return load_integers(x); }
  static uint32x4_t is_nan(int32x4_t bits) {
    const int32x4_t magnitude = vandq_s32(bits, vdupq_n_s32(0x7FFFFFFF));
    return vcgtq_s32(magnitude, vdupq_n_s32(0x7F800000));
  }
  // Integers in the order of the floats, both zeros 0.
  static int32x4_t key(int32x4_t bits) {
    const int32x4_t magnitude = vandq_s32(bits, vdupq_n_s32(0x7FFFFFFF));
    return vbslq_s32(vcltq_s32(bits, vdupq_n_s32(0)), vnegq_s32(magnitude), magnitude);
  }
  // a < b, also of denormals; false where either is NaN.
  static uint32x4_t less(Vector a, Vector b) {
    const int32x4_t x = vreinterpretq_s32_f32(a), y = vreinterpretq_s32_f32(b);
    return vbicq_u32(vcltq_s32(key(x), key(y)), vorrq_u32(is_nan(x), is_nan(y)));
  }
  static uint64_t mask_of(uint32x4_t lanes) {
    const uint32x4_t weights = {1, 2, 4, 8};
    const uint32x4_t bits = vandq_u32(lanes, weights);
    const uint32x2_t pairs = vadd_u32(vget_low_u32(bits), vget_high_u32(bits));
    return vget_lane_u32(vpadd_u32(pairs, pairs), 0);
  }
};

// Bytes that count single bits.
struct BitBytes {
  using Vector = uint8x16_t;
  static constexpr int kLanes = 16;
  static Vector zero() { return vdupq_n_u8(0); }
  static Vector add_bits(Vector counts, uint64_t bits) {
    const uint8x8_t bit_of_lane = vcreate_u8(0x8040201008040201);
    const uint8x16_t bytes =
        vcombine_u8(vdup_n_u8(static_cast<uint8_t>(bits)), vdup_n_u8(static_cast<uint8_t>(bits >> 8)));
    return vsubq_u8(counts, vtstq_u8(bytes, vcombine_u8(bit_of_lane, bit_of_lane)));
  }
  static void store(uint8_t* y, Vector x) { vst1q_u8(y, x); }
};

#include "microkernels/generic/byte_tile.h"

#include "microkernels/generic/algorithms.h"

}  // namespace
}  // namespace bmx::neon32

BMX_TARGET_END

namespace bmx {

const Kernels neon32_kernels = neon32::make_kernels("neon32", cpu_has_neon32);

}  // namespace bmx

#endif
