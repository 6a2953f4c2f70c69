// Baseline instructions only: one lane.
#include <cmath>

#include "microkernels/units.h"

namespace bmx::scalar {
namespace {

struct Words {
  using Unit = uint64_t;
  using Vector = uint64_t;
  static constexpr int kLanes = 1;
  static constexpr int kMaxVectors = 4;
  static constexpr int tile_pixels(int) { return 2; }

  static void keep(Vector& x) { asm volatile("" : "+r"(x)); }
  static Vector zero() { return 0; }
  static Vector broadcast(const char* unit) {
    uint64_t value;
    std::memcpy(&value, unit, sizeof(value));
    return value;
  }
  static Vector load(const Unit* units) { return *units; }
  static Vector exclusive_or(Vector a, Vector b) { return a ^ b; }
  static Vector both(Vector a, Vector b) { return a & b; }
  // Bits are summed in pairs, fours and bytes; the multiplication adds the bytes into the highest one. The
  // x86 baseline has no popcount instruction, and the compiler's builtin would be a call.
  static Vector popcount(Vector x) {
    x -= (x >> 1) & 0x5555555555555555;
    x = (x & 0x3333333333333333) + ((x >> 2) & 0x3333333333333333);
    x = (x + (x >> 4)) & 0x0F0F0F0F0F0F0F0F;
    return (x * 0x0101010101010101) >> 56;
  }
  static Vector add(Vector a, Vector b) { return a + b; }
  static void store(int32_t* y, Vector sums) { *y = static_cast<int32_t>(sums); }
};

struct Floats {
  using Vector = float;
  using Integers = int32_t;
  static constexpr int kLanes = 1;
  static constexpr int kMaxVectors = 4;
  // Sums, the panel's vectors and one value share the registers.
  static constexpr int tile_pixels(int vectors) {
    constexpr int kPixels[] = {4, 2, 2, 2};
    return kPixels[vectors - 1];
  }

  static Integers load_integers(const int32_t* x) { return *x; }
  static void store(int32_t* y, Integers value) { *y = value; }
  static Integers broadcast(int32_t value) { return value; }
  static Integers multiply_add(Integers offset, Integers x, Integers factor) { return offset + x * factor; }
  static Vector to_float(Integers x) { return static_cast<float>(x); }

  static Vector broadcast(float value) { return value; }
  static Vector load(const float* x) { return *x; }
  // A cast may work in place, so neither access may assume a type.
  static Vector load(const int32_t* x) {
    int32_t value = 0;
    std::memcpy(&value, x, sizeof(value));
    return static_cast<float>(value);
  }
  static void store(float* y, Vector value) { std::memcpy(y, &value, sizeof(value)); }

  static Vector fma(Vector a, Vector b, Vector c) { return std::fma(a, b, c); }
  static Vector add(Vector a, Vector b) { return a + b; }
  static Vector sub(Vector a, Vector b) { return a - b; }
  static Vector mul(Vector a, Vector b) { return a * b; }
  static Vector div(Vector a, Vector b) { return a / b; }
  // The second operand where either is NaN.
  static Vector min(Vector a, Vector b) { return a < b ? a : b; }
  static Vector max(Vector a, Vector b) { return a > b ? a : b; }
  static Vector relu(Vector x) { return x <= 0 ? 0 : x; }
  // x > 0 or NaN ? x : other
  static Vector positive_or(Vector x, Vector other) { return x <= 0 ? other : x; }
  static Vector abs(Vector x) { return std::fabs(x); }
  static Vector copy_sign(Vector magnitude, Vector sign) { return std::copysign(magnitude, sign); }

  // 2^k from kRound + k: the low bits of the sum become the exponent.
  static Vector power_of_two(Vector biased_k) {
    uint32_t bits = 0;
    std::memcpy(&bits, &biased_k, sizeof(bits));
    bits = (bits << 23) + 0x3F800000;
    std::memcpy(&biased_k, &bits, sizeof(bits));
    return biased_k;
  }

  template <class T>
  static uint32_t not_less(T x, T threshold) {
    return !(x < threshold);
  }
  template <class T>
  static uint32_t not_greater(T x, T threshold) {
    return !(x > threshold);
  }
};

// Eight bytes that count single bits.
struct BitBytes {
  using Vector = uint64_t;
  static constexpr int kLanes = 8;
  static Vector zero() { return 0; }
  // Every byte gets a copy of the eight bits and keeps its own; adding 0x7F carries it to the highest bit.
  static Vector add_bits(Vector counts, uint64_t bits) {
    const uint64_t own = ((bits & 0xFF) * 0x0101010101010101) & 0x8040201008040201;
    return counts + (((own + 0x007F7F7F7F7F7F7F) >> 7) & 0x0101010101010101);
  }
  static void store(uint8_t* y, Vector x) { std::memcpy(y, &x, sizeof(x)); }
};

#include "microkernels/generic/word_tile.h"

#include "microkernels/generic/algorithms.h"

}  // namespace
}  // namespace bmx::scalar

BMX_DEFINE_KERNELS(scalar)
