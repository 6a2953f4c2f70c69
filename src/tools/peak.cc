#include "tools/peak.h"

// Chains are written in assembly, so that no compiler can shorten them: eight independent ones, enough to
// hide every latency. Registers 0 to 7 are sums, 8 to 15 temporaries; what they hold does not matter.
#define BMX_EIGHT(step) \
  step(0, 8) step(1, 9) step(2, 10) step(3, 11) step(4, 12) step(5, 13) step(6, 14) step(7, 15)

namespace bmx {
namespace {

constexpr int kChains = 8;

#if defined(__x86_64__)

#define BMX_AVX512_CLOBBERS                                                                                  \
  "zmm0", "zmm1", "zmm2", "zmm3", "zmm4", "zmm5", "zmm6", "zmm7", "zmm8", "zmm9", "zmm10", "zmm11", "zmm12", \
      "zmm13", "zmm14", "zmm15", "zmm16", "zmm17"
#define BMX_AVX2_CLOBBERS                                                                                    \
  "ymm0", "ymm1", "ymm2", "ymm3", "ymm4", "ymm5", "ymm6", "ymm7", "ymm8", "ymm9", "ymm10", "ymm11", "ymm12", \
      "ymm13", "ymm14", "ymm15"

#define BMX_STEP(s, t)                                                                           \
  "vpxord %%zmm16, %%zmm17, %%zmm" #t "\n\tvpopcntd %%zmm" #t ", %%zmm" #t "\n\tvpaddd %%zmm" #t \
  ", %%zmm" #s ", %%zmm" #s "\n\t"
__attribute__((target("avx512f,avx512vpopcntdq"))) void avx512_popcount(int64_t rounds) {
  for (int64_t i = 0; i < rounds; ++i) asm volatile(BMX_EIGHT(BMX_STEP)::: BMX_AVX512_CLOBBERS);
}
#undef BMX_STEP

#define BMX_STEP(s, t) \
  "vpshufb %%zmm16, %%zmm17, %%zmm" #t "\n\tvpaddb %%zmm" #t ", %%zmm" #s ", %%zmm" #s "\n\t"
__attribute__((target("avx512f,avx512bw"))) void avx512_lookup(int64_t rounds) {
  for (int64_t i = 0; i < rounds; ++i) asm volatile(BMX_EIGHT(BMX_STEP)::: BMX_AVX512_CLOBBERS);
}
#undef BMX_STEP

#define BMX_STEP(s, t) \
  "vfmadd231ps %%zmm16, %%zmm17, %%zmm" #s "\n\tvfmadd231ps %%zmm16, %%zmm17, %%zmm" #t "\n\t"
__attribute__((target("avx512f"))) void avx512_float(int64_t rounds) {
  asm volatile("vpxord %%zmm16, %%zmm16, %%zmm16\n\tvpxord %%zmm17, %%zmm17, %%zmm17" ::: "zmm16", "zmm17");
  for (int64_t i = 0; i < rounds; ++i) asm volatile(BMX_EIGHT(BMX_STEP)::: BMX_AVX512_CLOBBERS);
}
#undef BMX_STEP

// The nibbles of x = a xor b index a table of their bit counts.
#define BMX_STEP(s, t)                    \
  "vpxor %%ymm8, %%ymm9, %%ymm12"         \
  "\n\tvpand %%ymm12, %%ymm10, %%ymm13"   \
  "\n\tvpsrlw $4, %%ymm12, %%ymm14"       \
  "\n\tvpand %%ymm14, %%ymm10, %%ymm14"   \
  "\n\tvpshufb %%ymm13, %%ymm11, %%ymm13" \
  "\n\tvpshufb %%ymm14, %%ymm11, %%ymm14" \
  "\n\tvpaddb %%ymm13, %%ymm14, %%ymm14"  \
  "\n\tvpaddb %%ymm14, %%ymm" #s ", %%ymm" #s "\n\t"
__attribute__((target("avx2"))) void avx2_popcount(int64_t rounds) {
  for (int64_t i = 0; i < rounds; ++i) asm volatile(BMX_EIGHT(BMX_STEP)::: BMX_AVX2_CLOBBERS);
}
#undef BMX_STEP

#define BMX_STEP(s, t) \
  "vpshufb %%ymm8, %%ymm9, %%ymm" #t "\n\tvpaddb %%ymm" #t ", %%ymm" #s ", %%ymm" #s "\n\t"
#define BMX_EIGHT_AVX2(step) \
  step(0, 10) step(1, 11) step(2, 12) step(3, 13) step(4, 14) step(5, 15) step(6, 10) step(7, 11)
__attribute__((target("avx2"))) void avx2_lookup(int64_t rounds) {
  for (int64_t i = 0; i < rounds; ++i) asm volatile(BMX_EIGHT_AVX2(BMX_STEP)::: BMX_AVX2_CLOBBERS);
}
#undef BMX_STEP

#define BMX_STEP(s, t) "vfmadd231ps %%ymm14, %%ymm15, %%ymm" #s "\n\t"
#define BMX_TWELVE(step) \
  BMX_EIGHT(step)        \
  step(8, 0) step(9, 0) step(10, 0) step(11, 0)
__attribute__((target("avx2,fma"))) void avx2_float(int64_t rounds) {
  asm volatile("vpxor %%ymm14, %%ymm14, %%ymm14\n\tvpxor %%ymm15, %%ymm15, %%ymm15" ::: "ymm14", "ymm15");
  for (int64_t i = 0; i < rounds; ++i) asm volatile(BMX_TWELVE(BMX_STEP)::: BMX_AVX2_CLOBBERS);
}
#undef BMX_STEP

#elif defined(__aarch64__)

#define BMX_NEON_CLOBBERS                                                                               \
  "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", \
      "v16", "v17"
#define BMX_STEP(s, t)                                                                                      \
  "eor v" #t ".16b, v16.16b, v17.16b\n\tcnt v" #t ".16b, v" #t ".16b\n\tadd v" #s ".16b, v" #s ".16b, v" #t \
  ".16b\n\t"
void neon_popcount(int64_t rounds) {
  for (int64_t i = 0; i < rounds; ++i) asm volatile(BMX_EIGHT(BMX_STEP)::: BMX_NEON_CLOBBERS);
}
#undef BMX_STEP

#define BMX_STEP(s, t) "fmla v" #s ".4s, v16.4s, v17.4s\n\tfmla v" #t ".4s, v16.4s, v17.4s\n\t"
void neon_float(int64_t rounds) {
  asm volatile("movi v16.4s, #0\n\tmovi v17.4s, #0" ::: "v16", "v17");
  for (int64_t i = 0; i < rounds; ++i) asm volatile(BMX_EIGHT(BMX_STEP)::: BMX_NEON_CLOBBERS);
}
#undef BMX_STEP

#elif defined(__arm__)

#define BMX_NEON32_CLOBBERS \
  "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8", "q9", "q10", "q11", "q12", "q13", "q14", "q15"
// Registers 14 and 15 are the operands, 8 to 13 temporaries.
#define BMX_EIGHT_NEON32(step) \
  step(0, 8) step(1, 9) step(2, 10) step(3, 11) step(4, 12) step(5, 13) step(6, 8) step(7, 9)
#define BMX_STEP(s, t) \
  "veor q" #t ", q14, q15\n\tvcnt.8 q" #t ", q" #t "\n\tvadd.i8 q" #s ", q" #s ", q" #t "\n\t"
__attribute__((target("fpu=neon-vfpv4"))) void neon32_popcount(int64_t rounds) {
  for (int64_t i = 0; i < rounds; ++i) asm volatile(BMX_EIGHT_NEON32(BMX_STEP)::: BMX_NEON32_CLOBBERS);
}
#undef BMX_STEP

#define BMX_STEP(s, t) "vfma.f32 q" #s ", q14, q15\n\tvfma.f32 q" #t ", q14, q15\n\t"
__attribute__((target("fpu=neon-vfpv4"))) void neon32_float(int64_t rounds) {
  asm volatile("vmov.i32 q14, #0\n\tvmov.i32 q15, #0" ::: "q14", "q15");
  for (int64_t i = 0; i < rounds; ++i) asm volatile(BMX_EIGHT_NEON32(BMX_STEP)::: BMX_NEON32_CLOBBERS);
}
#undef BMX_STEP

#endif

struct Peak {
  std::string_view isa;
  PeakKind kind;
  void (*run)(int64_t rounds);
  int64_t macs;  // multiply-accumulates of a round
};

constexpr Peak kPeaks[] = {
    {"scalar", PeakKind::kPopcount, [](int64_t) {}, 0},  // no limit of its own
#if defined(__x86_64__)
    {"avx512", PeakKind::kPopcount, avx512_popcount, kChains * 512},
    {"avx512", PeakKind::kFloat, avx512_float, 2 * kChains * 16},
    {"avx512bw", PeakKind::kLookup, avx512_lookup, kChains * 256},
    {"avx512bw", PeakKind::kFloat, avx512_float, 2 * kChains * 16},
    {"avx2", PeakKind::kPopcount, avx2_popcount, kChains * 256},
    {"avx2", PeakKind::kLookup, avx2_lookup, kChains * 128},
    {"avx2", PeakKind::kFloat, avx2_float, 12 * 8},
#elif defined(__aarch64__)
    {"neon", PeakKind::kPopcount, neon_popcount, kChains * 128},
    {"neon", PeakKind::kFloat, neon_float, 2 * kChains * 4},
#elif defined(__arm__)
    {"neon32", PeakKind::kPopcount, neon32_popcount, kChains * 128},
    {"neon32", PeakKind::kFloat, neon32_float, 2 * kChains * 4},
#endif
};

}  // namespace

double run_peak(std::string_view isa, PeakKind kind, int64_t rounds) {
  for (const Peak& peak : kPeaks) {
    if (peak.isa != isa || peak.kind != kind || peak.macs == 0) continue;
    peak.run(rounds);
    return static_cast<double>(rounds) * static_cast<double>(peak.macs);
  }
  return 0;
}

}  // namespace bmx
