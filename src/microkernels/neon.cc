// NEON (Advanced SIMD) of 64-bit ARM: CNT counts the bits of every byte.
#if defined(__aarch64__)

#include <arm_neon.h>

#include <cstddef>

#include "microkernels/units.h"

namespace bmx::neon {
namespace {

struct Bytes {
  using Vector = uint8x16_t;
  using Sums = uint16x8_t;
  static constexpr int kMaxVectors = 4;
  // Counters, weights, units and temporaries share 32 registers.
  static constexpr int tile_pixels(int vectors) {
    constexpr int kPixels[] = {12, 8, 6, 4};
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

#include "microkernels/neon_pack.h"

struct Floats {
  using Vector = float32x4_t;
  using Integers = int32x4_t;
  static constexpr int kLanes = 4;
  static constexpr int kMaxVectors = 4;
  // Sums, the panel's vectors and one value share the registers.
  static constexpr int tile_pixels(int vectors) {
    constexpr int kPixels[] = {12, 10, 8, 6};
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
  static Vector positive_or(Vector x, Vector other) {
    return vbslq_f32(vcleq_f32(x, vdupq_n_f32(0)), other, x);
  }
  static Vector abs(Vector x) { return vabsq_f32(x); }
  static Vector copy_sign(Vector magnitude, Vector sign) {
    return vbslq_f32(vdupq_n_u32(0x80000000), sign, magnitude);
  }
  static Vector power_of_two(Vector biased_k) {
    const uint32x4_t exponent = vshlq_n_u32(vreinterpretq_u32_f32(biased_k), 23);
    return vreinterpretq_f32_u32(vaddq_u32(exponent, vdupq_n_u32(0x3F800000)));
  }

  // Bits of 64 * words signs.
  static void sign_words(const float* x, int64_t words, uint64_t* out) {
    constexpr int64_t kMostPairs = 16;  // until a look at the bytes
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
  // A comparison leaves lanes of ones; shifting each under the next by 4 bits leaves one nibble a lane and
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

#include "microkernels/neon_tile.h"

#include "microkernels/generic/algorithms.h"

}  // namespace
}  // namespace bmx::neon

namespace bmx {

const Kernels neon_kernels = neon::make_kernels("neon", cpu_has_neon);

}  // namespace bmx

#endif
