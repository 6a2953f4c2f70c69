#include "cpu/features.h"

#if defined(__arm__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace bmx {

#if defined(__x86_64__)

// __builtin_cpu_supports reads CPUID and XGETBV, so a feature that the operating system does not save is
// absent.
bool cpu_has_avx2() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

bool cpu_has_avx512bw() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

bool cpu_has_avx512() { return cpu_has_avx512bw() && __builtin_cpu_supports("avx512vpopcntdq"); }

#else

bool cpu_has_avx2() { return false; }
bool cpu_has_avx512() { return false; }
bool cpu_has_avx512bw() { return false; }

#endif

bool cpu_has_neon() {
#if defined(__aarch64__)
  return true;
#else
  return false;
#endif
}

bool cpu_has_neon32() {
#if defined(__arm__) && defined(__linux__)
  const unsigned long wanted = HWCAP_NEON | HWCAP_VFPv4;
  return (getauxval(AT_HWCAP) & wanted) == wanted;
#else
  return false;
#endif
}

}  // namespace bmx
