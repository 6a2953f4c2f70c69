// NEON (Advanced SIMD) of 64-bit ARM: CNT counts the bits of every byte.
#if defined(__aarch64__)

#include <arm_neon.h>

#include <cstddef>

#include "microkernels/units.h"

namespace bmx::neon {
namespace {

#include "microkernels/neon_vectors.h"

struct Bytes : NeonBytes {
  static constexpr int kMaxVectors = 4;
  // Counters, weights, units and temporaries share 32 registers.
  static constexpr int tile_pixels(int vectors) {
    constexpr int kPixels[] = {12, 8, 6, 4};
    return kPixels[vectors - 1];
  }
};

#include "microkernels/neon_pack.h"

struct Floats : NeonFloats {
  static constexpr int kMaxVectors = 4;
  // Sums, the panel's vectors and one value share the registers.
  static constexpr int tile_pixels(int vectors) {
    constexpr int kPixels[] = {12, 10, 8, 6};
    return kPixels[vectors - 1];
  }

  static Vector fma(Vector a, Vector b, Vector c) { return vfmaq_f32(c, a, b); }
  static Vector div(Vector a, Vector b) { return vdivq_f32(a, b); }
  // The second operand where either is NaN; FMIN and FMAX would differ.
  static Vector min(Vector a, Vector b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
  static Vector max(Vector a, Vector b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
  static Vector relu(Vector x) {
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(x), vclezq_f32(x)));
  }
  static Vector positive_or(Vector x, Vector other) {
    return vbslq_f32(vcleq_f32(x, vdupq_n_f32(0)), other, x);
  }

  // Bits of 64 * words signs.
  static void sign_words(const float* x, int64_t words, uint64_t* out) {
    constexpr int64_t kMostPairs = 16;  // between two looks at the bytes
    while (words > 0) {
      const int64_t pairs = std::min(words / 2, kMostPairs), done = std::max<int64_t>(1, 2 * pairs);
      if (pairs == 0 || !pack_sign_bits(x, pairs, out).are_signs()) {
        for (int64_t w = 0; w < done; ++w) out[w] = sign_word(x + w * kWordBits);
      }
      x += done * kWordBits;
      out += done;
      words -= done;
    }
  }

  static uint64_t not_less(Vector x, Vector threshold) { return mask_of(vmvnq_u32(vcltq_f32(x, threshold))); }
  static uint64_t not_greater(Vector x, Vector threshold) {
    return mask_of(vmvnq_u32(vcgtq_f32(x, threshold)));
  }
  static uint64_t not_less(Integers x, Integers threshold) { return mask_of(vcgeq_s32(x, threshold)); }
  static uint64_t not_greater(Integers x, Integers threshold) { return mask_of(vcleq_s32(x, threshold)); }

 private:
  // A comparison leaves lanes of ones; shifting each below the next by 4 bits leaves one nibble a lane and
  // vector, of which lane i keeps bit i.
  static uint64_t sign_word(const float* x) {
    const uint32x4_t keep = {0x11111111, 0x22222222, 0x44444444, 0x88888888};
    const uint32x4_t low = vbicq_u32(keep, negative_nibbles(x)),
                     high = vbicq_u32(keep, negative_nibbles(x + 32));
    const uint32x4_t pairs = vpaddq_u32(low, high);
    return vgetq_lane_u64(vreinterpretq_u64_u32(vpaddq_u32(pairs, pairs)), 0);
  }
  static uint32x4_t negative_nibbles(const float* x) {
    const float32x4x4_t first = vld1q_f32_x4(x), second = vld1q_f32_x4(x + 16);
    uint32x4_t nibbles = vcltzq_f32(first.val[0]);
    for (int i = 1; i < 4; ++i) nibbles = vsriq_n_u32(vcltzq_f32(first.val[i]), nibbles, 4);
    for (int i = 0; i < 4; ++i) nibbles = vsriq_n_u32(vcltzq_f32(second.val[i]), nibbles, 4);
    return nibbles;
  }
  static uint64_t mask_of(uint32x4_t lanes) {
    const uint32x4_t weights = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(lanes, weights));
  }
};

#include "microkernels/generic/byte_tile.h"

#include "microkernels/neon_tile.h"

#include "microkernels/generic/algorithms.h"

}  // namespace
}  // namespace bmx::neon

BMX_DEFINE_KERNELS(neon)

#endif
