// Float primitives and bytes that count bits, which both AVX-512 units share. Included inside the namespace
// of a unit.

// Bytes that count single bits.
struct BitBytes {
  using Vector = __m512i;
  static constexpr int kLanes = 64;
  static Vector zero() { return _mm512_setzero_si512(); }
  static Vector add_bits(Vector counts, uint64_t bits) {
    return _mm512_sub_epi8(counts, _mm512_movm_epi8(bits));  // a set bit is a byte of ones, -1
  }
  static void store(uint8_t* y, Vector x) { _mm512_storeu_si512(y, x); }
};

struct Floats {
  using Vector = __m512;
  using Integers = __m512i;
  static constexpr int kLanes = 16;
  static constexpr int kMaxVectors = 2;
  // Sums, the panel's vectors and one value share the registers.
  static constexpr int tile_pixels(int vectors) {
    constexpr int kPixels[] = {14, 12};
    return kPixels[vectors - 1];
  }

  static Integers load_integers(const int32_t* x) { return _mm512_loadu_si512(x); }
  static void store(int32_t* y, Integers value) { _mm512_storeu_si512(y, value); }
  static Integers broadcast(int32_t value) { return _mm512_set1_epi32(value); }
  static Integers multiply_add(Integers offset, Integers x, Integers factor) {
    return _mm512_add_epi32(offset, _mm512_mullo_epi32(x, factor));
  }
  static Vector to_float(Integers x) { return _mm512_cvtepi32_ps(x); }

  static Vector broadcast(float value) { return _mm512_set1_ps(value); }
  static Vector load(const float* x) { return _mm512_loadu_ps(x); }
  static Vector load(const int32_t* x) { return _mm512_cvtepi32_ps(_mm512_loadu_si512(x)); }
  static void store(float* y, Vector value) { _mm512_storeu_ps(y, value); }

  static Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
  static Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
  static Vector sub(Vector a, Vector b) { return _mm512_sub_ps(a, b); }
  static Vector mul(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
  static Vector div(Vector a, Vector b) { return _mm512_div_ps(a, b); }
  // The second operand where either is NaN.
  static Vector min(Vector a, Vector b) { return _mm512_min_ps(a, b); }
  static Vector max(Vector a, Vector b) { return _mm512_max_ps(a, b); }
  static Vector relu(Vector x) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NLE_UQ), x);
  }
  static Vector positive_or(Vector x, Vector other) {  // x > 0 or NaN ? x : other
    return _mm512_mask_mov_ps(other, _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NLE_UQ), x);
  }
  static Vector abs(Vector x) { return _mm512_abs_ps(x); }
  static Vector copy_sign(Vector magnitude, Vector sign) {
    const __m512 mask = _mm512_set1_ps(-0.0F);
    return _mm512_or_ps(_mm512_andnot_ps(mask, magnitude), _mm512_and_ps(mask, sign));
  }
  static Vector power_of_two(Vector biased_k) {
    const __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(biased_k), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(exponent, _mm512_set1_epi32(0x3F800000)));
  }

  static uint64_t not_less(Vector x, Vector threshold) {
    return _mm512_cmp_ps_mask(x, threshold, _CMP_NLT_UQ);
  }
  static uint64_t not_greater(Vector x, Vector threshold) {
    return _mm512_cmp_ps_mask(x, threshold, _CMP_NGT_UQ);
  }
  static uint64_t not_less(Integers x, Integers threshold) { return _mm512_cmpge_epi32_mask(x, threshold); }
  static uint64_t not_greater(Integers x, Integers threshold) {
    return _mm512_cmple_epi32_mask(x, threshold);
  }
};
