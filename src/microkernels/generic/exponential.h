// exp and its relatives, once for all ISAs: a fixed order of correctly rounded operations, so every ISA
// returns the same bits. Included inside the namespace of an ISA unit, after its `Floats` and elementwise.h.

// x = k * ln 2 + r with |r| <= ln 2 / 2. Adding kRound puts the rounded k into the low bits of the sum.
constexpr float kRound = 0x1.8p23f;

struct Reduced {
  Floats::Vector biased_k;  // kRound + k
  Floats::Vector expm1;     // e^r - 1
};

// Taylor series to r^7: the next term is below 1.3e-8 of the result.
inline Floats::Vector expm1_series(Floats::Vector r) {
  Floats::Vector sum = Floats::broadcast(1.0F / 5040);
  for (const float term : {1.0F / 720, 1.0F / 120, 1.0F / 24, 1.0F / 6, 0.5F}) {
    sum = Floats::fma(sum, r, Floats::broadcast(term));
  }
  return Floats::fma(Floats::mul(r, r), sum, r);
}

inline Reduced reduce(Floats::Vector x) {
  const Floats::Vector biased_k =
      Floats::fma(x, Floats::broadcast(0x1.715476p0f), Floats::broadcast(kRound));  // x / ln 2
  const Floats::Vector k = Floats::sub(biased_k, Floats::broadcast(kRound));
  // ln 2 in two parts (Cody-Waite): k times the first is exact.
  Floats::Vector r = Floats::fma(k, Floats::broadcast(-0x1.62e4p-1f), x);
  r = Floats::fma(k, Floats::broadcast(-0x1.7f7d1cp-20f), r);
  return {biased_k, expm1_series(r)};
}

// Within 2 ulp; 0 below -104, infinity above 88.73.
inline Floats::Vector exp_of(Floats::Vector x) {
  // Beyond these limits the result is 0 or infinity, and k would leave the exponent's range.
  x = Floats::max(Floats::broadcast(-104.0F), Floats::min(Floats::broadcast(89.0F), x));
  const Reduced reduced = reduce(x);
  // 2^k may be out of range where the result is not: multiply by 2^half and 2^(k - half).
  const Floats::Vector round = Floats::broadcast(kRound);
  const Floats::Vector k = Floats::sub(reduced.biased_k, round);
  const Floats::Vector biased_half = Floats::fma(k, Floats::broadcast(0.5F), round);
  const Floats::Vector biased_rest = Floats::add(round, Floats::sub(k, Floats::sub(biased_half, round)));
  const Floats::Vector mantissa = Floats::add(reduced.expm1, Floats::broadcast(1.0F));
  return Floats::mul(Floats::mul(mantissa, Floats::power_of_two(biased_half)),
                     Floats::power_of_two(biased_rest));
}

// e^x - 1 = 2^k (e^r - 1) + (2^k - 1) for -87 <= x <= 0, without cancellation near 0.
inline Floats::Vector expm1_of_negative(Floats::Vector x) {
  const Reduced reduced = reduce(x);
  const Floats::Vector power = Floats::power_of_two(reduced.biased_k);
  return Floats::fma(power, reduced.expm1, Floats::sub(power, Floats::broadcast(1.0F)));
}

// tanh(a) = -m / (m + 2) with m = e^(-2a) - 1. As a grows -m rises while m + 2 falls, so rounding keeps the
// quotient monotone. tanh(10) rounds to 1. Within 4 ulp, odd, +-1 beyond +-10.
inline Floats::Vector tanh_of(Floats::Vector x) {
  const Floats::Vector magnitude = Floats::min(Floats::broadcast(10.0F), Floats::abs(x));
  const Floats::Vector m = expm1_of_negative(Floats::mul(magnitude, Floats::broadcast(-2.0F)));
  const Floats::Vector y = Floats::div(m, Floats::add(m, Floats::broadcast(2.0F)));
  return Floats::copy_sign(y, x);
}

// 1 / (1 + e^-x). Each step is monotone, so the whole is. An infinite power of e gives 0. Within 3 ulp, 0
// below -88.73, 1 above 17.4.
inline Floats::Vector sigmoid_of(Floats::Vector x) {
  const Floats::Vector one = Floats::broadcast(1.0F);
  const Floats::Vector power = exp_of(Floats::sub(Floats::broadcast(0.0F), x));
  return Floats::div(one, Floats::add(one, power));
}

// x > 0 or NaN ? x : (e^x - 1) * slope, within 4 ulp.
inline Floats::Vector elu_of(Floats::Vector x, Floats::Vector slope) {
  // e^-20 - 1 rounds to -1. What the limits do to a positive x or a NaN is not used.
  const Floats::Vector limited =
      Floats::max(Floats::broadcast(-20.0F), Floats::min(Floats::broadcast(0.0F), x));
  return Floats::positive_or(x, Floats::mul(expm1_of_negative(limited), slope));
}

void exp(const float* x, int64_t count, float* y) {
  map(x, count, y, [&](Floats::Vector value) { return exp_of(value); });
}
