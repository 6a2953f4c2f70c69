// The inner loop of the tile of 4 pixels and 16 outputs on aarch64, scheduled by hand: no instruction but
// loads and the three of a step (eor, cnt, add) is in the loop, one load of a pair of units serves two steps
// of every output, and steps overlap, so that in-order cores find work while a result is on its way. Included
// in neon.cc after generic/byte_tile.h.
//
// v0-v15 counters, [pixel][vector]; v16-v23 weights of two units; v24-v28 temporaries of five steps; v29-v31
// activations, in turns: the pair of the next pixel is loaded into those that the current one has finished
// with. Their addresses move once, at the end: cores that write results in program order (Cortex-A53) hold a
// load that also moves its address back until all earlier results are there.

// clang-format off
#define BMX_E(OP, T, A, W) OP " v" #T ".16b, v" #A ".16b, v" #W ".16b\n\t"
#define BMX_C(T) "cnt v" #T ".16b, v" #T ".16b\n\t"
#define BMX_A(C, T) "add v" #C ".16b, v" #C ".16b, v" #T ".16b\n\t"
#define BMX_LOAD_WEIGHTS(A, B, C, D) \
  "ld1 {v" #A ".16b, v" #B ".16b, v" #C ".16b, v" #D ".16b}, [%[w]], #64\n\t"
#define BMX_LOAD_ACTIVATIONS(A, B, X, AT) "ldp q" #A ", q" #B ", [%[" #X "], #" #AT "]\n\t"
#define BMX_MOVE(BYTES) \
  "add %[a0], %[a0], #" #BYTES "\n\tadd %[a1], %[a1], #" #BYTES "\n\t" \
  "add %[a2], %[a2], #" #BYTES "\n\tadd %[a3], %[a3], #" #BYTES "\n\t"

// Four units of four pixels. A row: the first operation of a step, the second of the step two before, the
// third of the step four before.
#define BMX_FOUR_UNITS(OP) \
  BMX_LOAD_ACTIVATIONS(29, 30, a0, 0)           \
  BMX_LOAD_WEIGHTS(16, 17, 18, 19)              \
  BMX_LOAD_WEIGHTS(20, 21, 22, 23)              \
  BMX_E(OP, 24, 29, 16)                         \
  BMX_E(OP, 25, 29, 17)                         \
  BMX_E(OP, 26, 29, 18) BMX_C(24)               \
  BMX_E(OP, 27, 29, 19) BMX_C(25)               \
  BMX_E(OP, 28, 30, 20) BMX_C(26) BMX_A(0, 24)  \
  BMX_LOAD_ACTIVATIONS(31, 29, a1, 0)           \
  BMX_E(OP, 24, 30, 21) BMX_C(27) BMX_A(1, 25)  \
  BMX_E(OP, 25, 30, 22) BMX_C(28) BMX_A(2, 26)  \
  BMX_E(OP, 26, 30, 23) BMX_C(24) BMX_A(3, 27)  \
  BMX_E(OP, 27, 31, 16) BMX_C(25) BMX_A(0, 28)  \
  BMX_E(OP, 28, 31, 17) BMX_C(26) BMX_A(1, 24)  \
  BMX_E(OP, 24, 31, 18) BMX_C(27) BMX_A(2, 25)  \
  BMX_E(OP, 25, 31, 19) BMX_C(28) BMX_A(3, 26)  \
  BMX_E(OP, 26, 29, 20) BMX_C(24) BMX_A(4, 27)  \
  BMX_LOAD_ACTIVATIONS(30, 31, a2, 0)           \
  BMX_E(OP, 27, 29, 21) BMX_C(25) BMX_A(5, 28)  \
  BMX_E(OP, 28, 29, 22) BMX_C(26) BMX_A(6, 24)  \
  BMX_E(OP, 24, 29, 23) BMX_C(27) BMX_A(7, 25)  \
  BMX_E(OP, 25, 30, 16) BMX_C(28) BMX_A(4, 26)  \
  BMX_E(OP, 26, 30, 17) BMX_C(24) BMX_A(5, 27)  \
  BMX_E(OP, 27, 30, 18) BMX_C(25) BMX_A(6, 28)  \
  BMX_E(OP, 28, 30, 19) BMX_C(26) BMX_A(7, 24)  \
  BMX_E(OP, 24, 31, 20) BMX_C(27) BMX_A(8, 25)  \
  BMX_LOAD_ACTIVATIONS(29, 30, a3, 0)           \
  BMX_E(OP, 25, 31, 21) BMX_C(28) BMX_A(9, 26)  \
  BMX_E(OP, 26, 31, 22) BMX_C(24) BMX_A(10, 27) \
  BMX_E(OP, 27, 31, 23) BMX_C(25) BMX_A(11, 28) \
  BMX_E(OP, 28, 29, 16) BMX_C(26) BMX_A(8, 24)  \
  BMX_E(OP, 24, 29, 17) BMX_C(27) BMX_A(9, 25)  \
  BMX_E(OP, 25, 29, 18) BMX_C(28) BMX_A(10, 26) \
  BMX_E(OP, 26, 29, 19) BMX_C(24) BMX_A(11, 27) \
  BMX_LOAD_WEIGHTS(16, 17, 18, 19)              \
  BMX_E(OP, 27, 30, 20) BMX_C(25) BMX_A(12, 28) \
  BMX_LOAD_ACTIVATIONS(31, 29, a0, 32)          \
  BMX_E(OP, 28, 30, 21) BMX_C(26) BMX_A(13, 24) \
  BMX_E(OP, 24, 30, 22) BMX_C(27) BMX_A(14, 25) \
  BMX_E(OP, 25, 30, 23) BMX_C(28) BMX_A(15, 26) \
  BMX_LOAD_WEIGHTS(20, 21, 22, 23)              \
  BMX_E(OP, 26, 31, 16) BMX_C(24) BMX_A(12, 27) \
  BMX_E(OP, 27, 31, 17) BMX_C(25) BMX_A(13, 28) \
  BMX_E(OP, 28, 31, 18) BMX_C(26) BMX_A(14, 24) \
  BMX_E(OP, 24, 31, 19) BMX_C(27) BMX_A(15, 25) \
  BMX_E(OP, 25, 29, 20) BMX_C(28) BMX_A(0, 26)  \
  BMX_LOAD_ACTIVATIONS(30, 31, a1, 32)          \
  BMX_E(OP, 26, 29, 21) BMX_C(24) BMX_A(1, 27)  \
  BMX_E(OP, 27, 29, 22) BMX_C(25) BMX_A(2, 28)  \
  BMX_E(OP, 28, 29, 23) BMX_C(26) BMX_A(3, 24)  \
  BMX_E(OP, 24, 30, 16) BMX_C(27) BMX_A(0, 25)  \
  BMX_E(OP, 25, 30, 17) BMX_C(28) BMX_A(1, 26)  \
  BMX_E(OP, 26, 30, 18) BMX_C(24) BMX_A(2, 27)  \
  BMX_E(OP, 27, 30, 19) BMX_C(25) BMX_A(3, 28)  \
  BMX_E(OP, 28, 31, 20) BMX_C(26) BMX_A(4, 24)  \
  BMX_LOAD_ACTIVATIONS(29, 30, a2, 32)          \
  BMX_E(OP, 24, 31, 21) BMX_C(27) BMX_A(5, 25)  \
  BMX_E(OP, 25, 31, 22) BMX_C(28) BMX_A(6, 26)  \
  BMX_E(OP, 26, 31, 23) BMX_C(24) BMX_A(7, 27)  \
  BMX_E(OP, 27, 29, 16) BMX_C(25) BMX_A(4, 28)  \
  BMX_E(OP, 28, 29, 17) BMX_C(26) BMX_A(5, 24)  \
  BMX_E(OP, 24, 29, 18) BMX_C(27) BMX_A(6, 25)  \
  BMX_E(OP, 25, 29, 19) BMX_C(28) BMX_A(7, 26)  \
  BMX_E(OP, 26, 30, 20) BMX_C(24) BMX_A(8, 27)  \
  BMX_LOAD_ACTIVATIONS(31, 29, a3, 32)          \
  BMX_E(OP, 27, 30, 21) BMX_C(25) BMX_A(9, 28)  \
  BMX_E(OP, 28, 30, 22) BMX_C(26) BMX_A(10, 24) \
  BMX_E(OP, 24, 30, 23) BMX_C(27) BMX_A(11, 25) \
  BMX_E(OP, 25, 31, 16) BMX_C(28) BMX_A(8, 26)  \
  BMX_E(OP, 26, 31, 17) BMX_C(24) BMX_A(9, 27)  \
  BMX_E(OP, 27, 31, 18) BMX_C(25) BMX_A(10, 28) \
  BMX_E(OP, 28, 31, 19) BMX_C(26) BMX_A(11, 24) \
  BMX_E(OP, 24, 29, 20) BMX_C(27) BMX_A(12, 25) \
  BMX_E(OP, 25, 29, 21) BMX_C(28) BMX_A(13, 26) \
  BMX_E(OP, 26, 29, 22) BMX_C(24) BMX_A(14, 27) \
  BMX_E(OP, 27, 29, 23) BMX_C(25) BMX_A(15, 28) \
                        BMX_C(26) BMX_A(12, 24) \
                        BMX_C(27) BMX_A(13, 25) \
                                  BMX_A(14, 26) \
                                  BMX_A(15, 27) \
  BMX_MOVE(64)

// One unit of a pixel, four steps: activations A, weights W0.., counters C0..
#define BMX_COUNT(OP, A, W0, W1, W2, W3, C0, C1, C2, C3) \
  BMX_E(OP, 24, A, W0) BMX_E(OP, 25, A, W1) BMX_E(OP, 26, A, W2) BMX_E(OP, 27, A, W3) \
  BMX_C(24) BMX_C(25) BMX_C(26) BMX_C(27) \
  BMX_A(C0, 24) BMX_A(C1, 25) BMX_A(C2, 26) BMX_A(C3, 27)
// The first unit of a pixel since the last widening: sets the counters.
#define BMX_SET(OP, A, W0, W1, W2, W3, C0, C1, C2, C3) \
  BMX_E(OP, C0, A, W0) BMX_E(OP, C1, A, W1) BMX_E(OP, C2, A, W2) BMX_E(OP, C3, A, W3) \
  BMX_C(C0) BMX_C(C1) BMX_C(C2) BMX_C(C3)

// What remains of a span, and its beginning; FIRST is BMX_COUNT or BMX_SET.
#define BMX_TWO_UNITS_OF(OP, FIRST, X, C0, C1, C2, C3) \
  "ldp q29, q30, [%[" #X "]], #32\n\t" \
  FIRST(OP, 29, 16, 17, 18, 19, C0, C1, C2, C3) BMX_COUNT(OP, 30, 20, 21, 22, 23, C0, C1, C2, C3)
#define BMX_TWO_UNITS(OP, FIRST) \
  BMX_LOAD_WEIGHTS(16, 17, 18, 19) BMX_LOAD_WEIGHTS(20, 21, 22, 23) \
  BMX_TWO_UNITS_OF(OP, FIRST, a0, 0, 1, 2, 3) BMX_TWO_UNITS_OF(OP, FIRST, a1, 4, 5, 6, 7) \
  BMX_TWO_UNITS_OF(OP, FIRST, a2, 8, 9, 10, 11) BMX_TWO_UNITS_OF(OP, FIRST, a3, 12, 13, 14, 15)
#define BMX_ONE_UNIT(OP, FIRST) \
  BMX_LOAD_WEIGHTS(16, 17, 18, 19) \
  "ldr q28, [%[a0]]\n\tldr q29, [%[a1]]\n\tldr q30, [%[a2]]\n\tldr q31, [%[a3]]\n\t" \
  FIRST(OP, 28, 16, 17, 18, 19, 0, 1, 2, 3) FIRST(OP, 29, 16, 17, 18, 19, 4, 5, 6, 7) \
  FIRST(OP, 30, 16, 17, 18, 19, 8, 9, 10, 11) FIRST(OP, 31, 16, 17, 18, 19, 12, 13, 14, 15)

// Into the next span: addresses of its pixels; `span` holds its units and, in the upper half, whether to widen
// after it.
#define BMX_ENTER_SPAN \
  "ldp %[a3], %[span], [%[spans]], #16\n\t" \
  "add %[a0], %[b0], %[a3]\n\tadd %[a1], %[b1], %[a3]\n\tadd %[a2], %[b2], %[a3]\n\tadd %[a3], %[b3], %[a3]\n\t"

#define BMX_COUNT_SPANS(OP) \
  BMX_ENTER_SPAN \
  "subs %w[n], %w[span], #2\n\tb.ge 5f\n\t" BMX_ONE_UNIT(OP, BMX_SET) "b 4f\n\t" \
  "5:\n\t" BMX_TWO_UNITS(OP, BMX_SET) "subs %w[n], %w[n], #4\n\tb.ge 1f\n\tb 2f\n\t" \
  "0:\n\t" BMX_ENTER_SPAN "subs %w[n], %w[span], #4\n\tb.lt 2f\n\t" \
  "1:\n\t" BMX_FOUR_UNITS(OP) "subs %w[n], %w[n], #4\n\tb.ge 1b\n\t" \
  "2:\n\ttbz %w[n], #1, 3f\n\t" BMX_TWO_UNITS(OP, BMX_COUNT) \
  "3:\n\ttbz %w[n], #0, 4f\n\t" BMX_ONE_UNIT(OP, BMX_COUNT) \
  "4:\n\ttbz %[span], #32, 0b\n\t" \
  "stp q0, q1, [%[out]]\n\tstp q2, q3, [%[out], #32]\n\tstp q4, q5, [%[out], #64]\n\t" \
  "stp q6, q7, [%[out], #96]\n\tstp q8, q9, [%[out], #128]\n\tstp q10, q11, [%[out], #160]\n\t" \
  "stp q12, q13, [%[out], #192]\n\tstp q14, q15, [%[out], #224]\n\t"
// clang-format on

template <BitProduct kProduct>
struct CountSpans<kProduct, 4, 4> {
  static inline void count(TilePosition& at, uint8_t* counters) {
    static_assert(sizeof(Span) == 16 && offsetof(Span, units) == 8 && offsetof(Span, widen) == 12);
    const void *a0, *a1, *a2, *a3;
    int64_t n, span;
#define BMX_ASM(OP)                                                                                         \
  asm volatile(BMX_COUNT_SPANS(OP)                                                                          \
               : [a0] "=&r"(a0), [a1] "=&r"(a1), [a2] "=&r"(a2), [a3] "=&r"(a3), [n] "=&r"(n),              \
                 [span] "=&r"(span), [w] "+&r"(at.weights), [spans] "+&r"(at.span)                          \
               : [b0] "r"(at.pixels[0]), [b1] "r"(at.pixels[1]), [b2] "r"(at.pixels[2]),                    \
                 [b3] "r"(at.pixels[3]), [out] "r"(counters)                                                \
               : "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11",  \
                 "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", \
                 "v25", "v26", "v27", "v28", "v29", "v30", "v31")
    if constexpr (kProduct == BitProduct::kXor) {
      BMX_ASM("eor");
    } else {
      BMX_ASM("and");
    }
#undef BMX_ASM
  }
};

#undef BMX_E
#undef BMX_C
#undef BMX_A
#undef BMX_LOAD_WEIGHTS
#undef BMX_LOAD_ACTIVATIONS
#undef BMX_MOVE
#undef BMX_FOUR_UNITS
#undef BMX_COUNT
#undef BMX_SET
#undef BMX_TWO_UNITS_OF
#undef BMX_TWO_UNITS
#undef BMX_ONE_UNIT
#undef BMX_ENTER_SPAN
#undef BMX_COUNT_SPANS
