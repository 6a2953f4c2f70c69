// Bits to floats, once for all ISAs. Included inside the namespace of an ISA unit.

// y[i] = +1 where bit i is 1, -1 where it is 0.
void unpack_signs(const uint64_t* bits, int64_t count, float* y) {
  constexpr int kHalf = 32;  // as many bits as a lane of floats has, so that lanes shift by themselves
  for (int64_t i = 0; i < count; i += kHalf) {
    const auto half = static_cast<uint32_t>(bits[i / kWordBits] >> (i % kWordBits));
    const auto sign = [half](int j) { return (half >> j & 1) != 0 ? 1.0F : -1.0F; };
    if (count - i >= kHalf) {
      for (int j = 0; j < kHalf; ++j) y[i + j] = sign(j);
    } else {
      for (int j = 0; j < count - i; ++j) y[i + j] = sign(j);
    }
  }
}
