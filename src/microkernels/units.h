// The ISA units and how one opens its region of wide instructions.
//
// A unit includes every header first, then opens the region and defines its primitives and the generic
// algorithms in a namespace of its own. Per-file compiler flags would also widen the inline functions of the
// included headers, and the linker may keep that copy for the whole program; a region cannot.
//
// BMX_UNROLL stands before the loops over a register tile: an array stays in registers only if all its
// indices are constants.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/aligned.h"
#include "base/bits.h"
#include "cpu/features.h"
#include "microkernels/bit_planes.h"
#include "microkernels/kernels.h"

#define BMX_NOINLINE __attribute__((noinline))
#define BMX_STRING_(text) #text
#if defined(__clang__)
#define BMX_TARGET_BEGIN(isa) \
  _Pragma(BMX_STRING_(clang attribute push(__attribute__((target(isa))), apply_to = function)))
#define BMX_TARGET_END _Pragma("clang attribute pop")
#define BMX_UNROLL _Pragma("clang loop unroll(full)")
#else
#define BMX_TARGET_BEGIN(isa) _Pragma("GCC push_options") _Pragma(BMX_STRING_(GCC target(isa)))
#define BMX_TARGET_END _Pragma("GCC pop_options")
#define BMX_UNROLL _Pragma("GCC unroll 16")
#endif

namespace bmx {

#if defined(__x86_64__)
extern const Kernels avx512_kernels;
extern const Kernels avx512bw_kernels;
extern const Kernels avx2_kernels;
#elif defined(__aarch64__)
extern const Kernels neon_kernels;
#elif defined(__arm__) && defined(__ARM_ARCH) && __ARM_ARCH >= 7
extern const Kernels neon32_kernels;
#endif
extern const Kernels scalar_kernels;

}  // namespace bmx
