// The vectors of 64-bit and 32-bit ARM, as far as both NEON units share them. Included inside the namespace
// of a unit.

struct NeonBytes {
  using Vector = uint8x16_t;
  using Sums = uint16x8_t;

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
  // Adds bytes in pairs.
  static uint16x8_t widen(Vector x) { return vpaddlq_u8(x); }
  static uint16x8_t add_widened(uint16x8_t sums, Vector x) { return vpadalq_u8(sums, x); }

  static uint16x8_t add_sums(uint16x8_t a, uint16x8_t b) { return vaddq_u16(a, b); }
  // An output has two sums; together they are its count.
  static void store_counts(uint16x8_t sums, int32_t* counts) {
    vst1q_s32(counts, vreinterpretq_s32_u32(vpaddlq_u16(sums)));
  }
};

struct NeonFloats {
  using Vector = float32x4_t;
  using Integers = int32x4_t;
  static constexpr int kLanes = 4;

  static Integers load_integers(const int32_t* x) { return vld1q_s32(x); }
  static void store(int32_t* y, Integers value) { vst1q_s32(y, value); }
  static Integers broadcast(int32_t value) { return vdupq_n_s32(value); }
  static Integers multiply_add(Integers offset, Integers x, Integers factor) {
    return vmlaq_s32(offset, x, factor);
  }
  static Vector to_float(Integers x) { return vcvtq_f32_s32(x); }

  static Vector broadcast(float value) { return vdupq_n_f32(value); }
  static Vector load(const float* x) { return vld1q_f32(x); }
  static Vector load(const int32_t* x) { return vcvtq_f32_s32(vld1q_s32(x)); }
  static void store(float* y, Vector value) { vst1q_f32(y, value); }

  static Vector add(Vector a, Vector b) { return vaddq_f32(a, b); }
  static Vector sub(Vector a, Vector b) { return vsubq_f32(a, b); }
  static Vector mul(Vector a, Vector b) { return vmulq_f32(a, b); }
  static Vector abs(Vector x) { return vabsq_f32(x); }
  static Vector copy_sign(Vector magnitude, Vector sign) {
    return vbslq_f32(vdupq_n_u32(0x80000000), sign, magnitude);
  }
  static Vector power_of_two(Vector biased_k) {
    const uint32x4_t exponent = vshlq_n_u32(vreinterpretq_u32_f32(biased_k), 23);
    return vreinterpretq_f32_u32(vaddq_u32(exponent, vdupq_n_u32(0x3F800000)));
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
