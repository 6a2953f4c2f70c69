// Signs of 128 floats at a time on aarch64, written in assembly because LD4 and TBL want neighboring
// registers. Included inside the namespace of neon.cc.
//
// LD4 of bytes splits 16 floats into four vectors, of which the last holds their highest bytes: sign and
// seven bits of the exponent. Eight such vectors, one for each block of 16 floats, are shifted below each
// other:
//   1. the bytes of an odd block and of the even one before it: sign bits at 7 and 6;
//   2. TBL brings four bytes that belong to one byte of the result into the same lane of four vectors, and
//      shifts by 2 and 4 join them: a byte then holds floats f, f + 2, f + 4, f + 6 of both blocks;
//   3. floats f + 1 of the even block change places with floats f of the odd one, two bytes apart.
//
// A sign bit is not yet the sign: -0.0 and negative NaNs are +1. Their highest bytes are 0x80 and 0xFF, which
// no negative number of a magnitude from 2^-125 to 2^127 has, so the signed minimum and the unsigned maximum
// of all bytes tell whether the bits can be trusted.

struct SignBytes {
  uint8x16_t least = vdupq_n_u8(0);  // signed
  uint8x16_t most = vdupq_n_u8(0);

  bool are_signs() const { return vminvq_s8(vreinterpretq_s8_u8(least)) != -128 && vmaxvq_u8(most) != 255; }
};

// clang-format off
#define BMX_LOAD_BLOCK(FIRST, LAST) \
  "ld4 {v" #FIRST ".16b-v" #LAST ".16b}, [%[x]], #64\n\t" \
  "smin %[least].16b, %[least].16b, v" #LAST ".16b\n\tumax %[most].16b, %[most].16b, v" #LAST ".16b\n\t"

// The bits of 128 * pairs floats, two words for each pair; true signs if the bytes say so.
inline SignBytes pack_sign_bits(const float* x, int64_t pairs, uint64_t* out) {
  struct Lanes {
    uint8_t index[4][16];
  };
  static constexpr Lanes kLanes = [] {
    Lanes lanes{};
    for (int step = 0; step < 4; ++step) {
      for (int y = 0; y < 16; ++y) {
        // Lane y: pair of blocks y / 4, half y % 2 of a block, floats from y / 2 % 2 on.
        const int value = 8 * (y % 2) + 2 * (3 - step) + y / 2 % 2;
        lanes.index[step][y] = static_cast<uint8_t>(16 * (3 - y / 4) + value);
      }
    }
    return lanes;
  }();
  SignBytes bytes;
  const uint32x4_t even = vdupq_n_u32(0x0000AAAA), odd = vdupq_n_u32(0x55550000);
  const uint8x16_t i0 = vld1q_u8(kLanes.index[0]), i1 = vld1q_u8(kLanes.index[1]),
                   i2 = vld1q_u8(kLanes.index[2]), i3 = vld1q_u8(kLanes.index[3]);
  asm volatile(
      "0:\n\t"
      // Highest bytes of the even blocks in v15..v12, of the odd ones in v7..v4.
      BMX_LOAD_BLOCK(12, 15) BMX_LOAD_BLOCK(4, 7) BMX_LOAD_BLOCK(11, 14) BMX_LOAD_BLOCK(3, 6)
      BMX_LOAD_BLOCK(10, 13) BMX_LOAD_BLOCK(2, 5) BMX_LOAD_BLOCK(9, 12) BMX_LOAD_BLOCK(1, 4)
      "sri v7.16b, v15.16b, #1\n\tsri v6.16b, v14.16b, #1\n\t"
      "sri v5.16b, v13.16b, #1\n\tsri v4.16b, v12.16b, #1\n\t"
      "tbl v0.16b, {v4.16b-v7.16b}, %[i0].16b\n\ttbl v1.16b, {v4.16b-v7.16b}, %[i1].16b\n\t"
      "tbl v2.16b, {v4.16b-v7.16b}, %[i2].16b\n\ttbl v3.16b, {v4.16b-v7.16b}, %[i3].16b\n\t"
      "sri v0.16b, v1.16b, #2\n\tsri v2.16b, v3.16b, #2\n\tsri v0.16b, v2.16b, #4\n\t"
      "mvn v0.16b, v0.16b\n\t"
      "ushr v1.4s, v0.4s, #15\n\tshl v2.4s, v0.4s, #15\n\t"
      "bit v0.16b, v1.16b, %[even].16b\n\tbit v0.16b, v2.16b, %[odd].16b\n\t"
      "subs %[pairs], %[pairs], #1\n\t"
      "str q0, [%[out]], #16\n\t"
      "b.ne 0b\n\t"
      : [x] "+r"(x), [out] "+r"(out), [pairs] "+r"(pairs), [least] "+w"(bytes.least), [most] "+w"(bytes.most)
      : [i0] "w"(i0), [i1] "w"(i1), [i2] "w"(i2), [i3] "w"(i3), [even] "w"(even), [odd] "w"(odd)
      : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "cc",
        "memory");
  return bytes;
}
#undef BMX_LOAD_BLOCK
// clang-format on
