// The inner loop of the tile of 4 pixels and 16 outputs on aarch64, scheduled by hand: four independent steps
// at a time keep in-order cores busy, one load of a pair of units serves two steps of every output, and no
// instruction but loads and the three of a step (eor, cnt, add) is in the loop. Included in neon.cc after
// generic/byte_tile.h.
//
// v0-v15 counters, [pixel][vector]; v16-v23 weights of two units; v24-v27 activations; v28-v31 temporaries.

// One unit of a pixel: register A against weights W.. into counters C..
#define BMX_COUNT(OP, A, W0, W1, W2, W3, C0, C1, C2, C3)                                                \
  OP " v28.16b, v" #A ".16b, v" #W0 ".16b\n\t" OP " v29.16b, v" #A ".16b, v" #W1 ".16b\n\t" OP          \
     " v30.16b, v" #A ".16b, v" #W2 ".16b\n\t" OP " v31.16b, v" #A ".16b, v" #W3                        \
     ".16b\n\t"                                                                                         \
     "cnt v28.16b, v28.16b\n\tcnt v29.16b, v29.16b\n\tcnt v30.16b, v30.16b\n\tcnt v31.16b, v31.16b\n\t" \
     "add v" #C0 ".16b, v" #C0 ".16b, v28.16b\n\tadd v" #C1 ".16b, v" #C1                               \
     ".16b, v29.16b\n\t"                                                                                \
     "add v" #C2 ".16b, v" #C2 ".16b, v30.16b\n\tadd v" #C3 ".16b, v" #C3 ".16b, v31.16b\n\t"
// The first unit of a pixel since the last widening: sets the counters.
#define BMX_SET(OP, A, W0, W1, W2, W3, C0, C1, C2, C3)                                                   \
  OP " v" #C0 ".16b, v" #A ".16b, v" #W0 ".16b\n\t" OP " v" #C1 ".16b, v" #A ".16b, v" #W1 ".16b\n\t" OP \
     " v" #C2 ".16b, v" #A ".16b, v" #W2 ".16b\n\t" OP " v" #C3 ".16b, v" #A ".16b, v" #W3               \
     ".16b\n\t"                                                                                          \
     "cnt v" #C0 ".16b, v" #C0 ".16b\n\tcnt v" #C1 ".16b, v" #C1                                         \
     ".16b\n\t"                                                                                          \
     "cnt v" #C2 ".16b, v" #C2 ".16b\n\tcnt v" #C3 ".16b, v" #C3 ".16b\n\t"

#define BMX_LOAD_WEIGHTS_OF_TWO                                \
  "ldp q16, q17, [%[w]], #32\n\tldp q18, q19, [%[w]], #32\n\t" \
  "ldp q20, q21, [%[w]], #32\n\tldp q22, q23, [%[w]], #32\n\t"

// Two units of four pixels; FIRST is BMX_COUNT or BMX_SET.
#define BMX_TWO_UNITS(OP, FIRST)                                                                    \
  "ldp q24, q25, [%[a0]], #32\n\t" BMX_LOAD_WEIGHTS_OF_TWO                                          \
  "ldp q26, q27, [%[a1]], #32\n\t" FIRST(OP, 24, 16, 17, 18, 19, 0, 1, 2, 3)                        \
      BMX_COUNT(OP, 25, 20, 21, 22, 23, 0, 1, 2, 3) "ldp q24, q25, [%[a2]], #32\n\t" FIRST(         \
          OP, 26, 16, 17, 18, 19, 4, 5, 6, 7)                                                       \
          BMX_COUNT(OP, 27, 20, 21, 22, 23, 4, 5, 6, 7) "ldp q26, q27, [%[a3]], #32\n\t" FIRST(     \
              OP, 24, 16, 17, 18, 19, 8, 9, 10, 11) BMX_COUNT(OP, 25, 20, 21, 22, 23, 8, 9, 10, 11) \
              FIRST(OP, 26, 16, 17, 18, 19, 12, 13, 14, 15)                                         \
                  BMX_COUNT(OP, 27, 20, 21, 22, 23, 12, 13, 14, 15)

#define BMX_ONE_UNIT(OP, FIRST)                                                         \
  "ldr q24, [%[a0]], #16\n\tldp q16, q17, [%[w]], #32\n\tldp q18, q19, [%[w]], #32\n\t" \
  "ldr q25, [%[a1]], #16\n\tldr q26, [%[a2]], #16\n\tldr q27, [%[a3]], #16\n\t" FIRST(  \
      OP, 24, 16, 17, 18, 19, 0, 1, 2, 3) FIRST(OP, 25, 16, 17, 18, 19, 4, 5, 6, 7)     \
      FIRST(OP, 26, 16, 17, 18, 19, 8, 9, 10, 11) FIRST(OP, 27, 16, 17, 18, 19, 12, 13, 14, 15)

// Into the next run: its addresses, its units, whether to widen after it.
#define BMX_ENTER_RUN                                                                                   \
  "ldr %[a3], [%[run]]\n\tldp %w[n], %w[widen], [%[run], #8]\n\tadd %[run], %[run], #16\n\t"            \
  "add %[a0], %[b0], %[a3]\n\tadd %[a1], %[b1], %[a3]\n\tadd %[a2], %[b2], %[a3]\n\tadd %[a3], %[b3], " \
  "%[a3]\n\t"

#define BMX_COUNT_RUNS(OP) \
  BMX_ENTER_RUN            \
  "subs %w[n], %w[n], #2\n\tb.ge 5f\n\t" BMX_ONE_UNIT(OP, BMX_SET) "b 4f\n\t"                                  \
  "5:\n\t" BMX_TWO_UNITS(OP, BMX_SET) "subs %w[n], %w[n], #2\n\tb.ge 1f\n\tb 2f\n\t"                           \
  "0:\n\t" BMX_ENTER_RUN "subs %w[n], %w[n], #2\n\tb.lt 2f\n\t"                                                \
  "1:\n\t" BMX_TWO_UNITS(OP, BMX_COUNT) "subs %w[n], %w[n], #2\n\tb.ge 1b\n\t"                                 \
  "2:\n\ttbz %w[n], #0, 4f\n\t" BMX_ONE_UNIT(OP, BMX_COUNT)                                                    \
  "4:\n\tcbnz %w[widen], 6f\n\tcmp %[run], %[end]\n\tb.ne 0b\n\t"                                              \
  "6:\n\tstp q0, q1, [%[out]]\n\tstp q2, q3, [%[out], #32]\n\tstp q4, q5, [%[out], #64]\n\t"                   \
  "stp q6, q7, [%[out], #96]\n\tstp q8, q9, [%[out], #128]\n\tstp q10, q11, [%[out], #160]\n\t"                \
  "stp q12, q13, [%[out], #192]\n\tstp q14, q15, [%[out], #224]\n\t"

template <BitProduct kProduct>
struct CountRuns<kProduct, 4, 4> {
  static inline void count(TilePosition& at, uint8_t* counters) {
    static_assert(sizeof(Run) == 16 && offsetof(Run, units) == 8 && offsetof(Run, widen) == 12);
    const void *a0, *a1, *a2, *a3;
    int64_t n, widen;
#define BMX_ASM(OP)                                                                                         \
  asm volatile(BMX_COUNT_RUNS(OP)                                                                           \
               : [a0] "=&r"(a0), [a1] "=&r"(a1), [a2] "=&r"(a2), [a3] "=&r"(a3), [n] "=&r"(n),              \
                 [widen] "=&r"(widen), [w] "+&r"(at.weights), [run] "+&r"(at.run)                           \
               : [b0] "r"(at.pixels[0]), [b1] "r"(at.pixels[1]), [b2] "r"(at.pixels[2]),                    \
                 [b3] "r"(at.pixels[3]), [end] "r"(at.end), [out] "r"(counters)                             \
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

#undef BMX_COUNT
#undef BMX_SET
#undef BMX_LOAD_WEIGHTS_OF_TWO
#undef BMX_TWO_UNITS
#undef BMX_ONE_UNIT
#undef BMX_ENTER_RUN
#undef BMX_COUNT_RUNS
