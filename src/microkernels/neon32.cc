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

#include "microkernels/neon_vectors.h"

struct Bytes : NeonBytes {
  static constexpr int kMaxVectors = 4;
  // Counters, weights, a unit and temporaries share 16 registers.
  static constexpr int tile_pixels(int vectors) {
    constexpr int kPixels[] = {8, 4, 3, 2};
    return kPixels[vectors - 1];
  }
};

struct Floats : NeonFloats {
  static constexpr int kMaxVectors = 2;
  // Sums, the panel's vectors and one value share the registers.
  static constexpr int tile_pixels(int vectors) {
    constexpr int kPixels[] = {8, 5};
    return kPixels[vectors - 1];
  }

  // arm_neon.h has the intrinsic only if the whole file is compiled for VFPv4.
  static Vector fma(Vector a, Vector b, Vector c) {
    asm("vfma.f32 %q0, %q1, %q2" : "+w"(c) : "w"(a), "w"(b));
    return c;
  }
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

  static uint64_t not_less(Vector x, Vector threshold) { return mask_of(vmvnq_u32(less(x, threshold))); }
  static uint64_t not_greater(Vector x, Vector threshold) { return mask_of(vmvnq_u32(less(threshold, x))); }
  static uint64_t not_less(Integers x, Integers threshold) { return mask_of(vcgeq_s32(x, threshold)); }
  static uint64_t not_greater(Integers x, Integers threshold) { return mask_of(vcleq_s32(x, threshold)); }

 private:
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

#include "microkernels/generic/byte_tile.h"

#include "microkernels/generic/algorithms.h"

}  // namespace
}  // namespace bmx::neon32

BMX_TARGET_END

BMX_DEFINE_KERNELS(neon32)

#endif
