// What this build is compiled for, and what the CPU that it runs on can execute.
//
// BMX_ON_X86_64(text), BMX_ON_AARCH64(text) and BMX_ON_ARMV7(text) are the text on that architecture, and
// nothing on others. BMX_CPU_HAS(feature): is it there, and does the operating system save its registers?
// Features are named as the architecture's compiler or kernel does: "avx2", HWCAP_NEON.
#pragma once

#define BMX_ON_X86_64(...)
#define BMX_ON_AARCH64(...)
#define BMX_ON_ARMV7(...)

#if defined(__x86_64__)

#undef BMX_ON_X86_64
#define BMX_ON_X86_64(...) __VA_ARGS__
// Reads CPUID and XGETBV, so a feature that the operating system does not save is absent.
#define BMX_CPU_HAS(feature) (__builtin_cpu_init(), __builtin_cpu_supports(feature) != 0)

#elif defined(__aarch64__)

#undef BMX_ON_AARCH64
#define BMX_ON_AARCH64(...) __VA_ARGS__

#elif defined(__arm__) && defined(__ARM_ARCH) && __ARM_ARCH >= 7

#undef BMX_ON_ARMV7
#define BMX_ON_ARMV7(...) __VA_ARGS__

#endif

#if (defined(__aarch64__) || defined(__arm__)) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#define BMX_CPU_HAS(features) ((getauxval(AT_HWCAP) & (features)) == (features))
#elif !defined(BMX_CPU_HAS)
#define BMX_CPU_HAS(feature) false
#endif
