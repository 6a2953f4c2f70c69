// The ISA units and how one opens its region of wide instructions.
//
// A unit includes every header first, then opens the region and defines its primitives and the generic
// algorithms in a namespace of its own; BMX_DEFINE_KERNELS at its end gives it the name of isa_list.inc.
// Per-file compiler flags would also widen the inline functions of the included headers, and the linker may
// keep that copy for the whole program; a region cannot.
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

// The AVX-512 units' region. GCC's own _mm512_undefined_ps() and its like trip these warnings (GCC bug
// 105593).
#if defined(__GNUC__) && !defined(__clang__)
#define BMX_AVX512_BEGIN(isa)                                 \
  _Pragma("GCC diagnostic ignored \"-Wmaybe-uninitialized\"") \
      _Pragma("GCC diagnostic ignored \"-Wuninitialized\"") BMX_TARGET_BEGIN(isa)
#else
#define BMX_AVX512_BEGIN(isa) BMX_TARGET_BEGIN(isa)
#endif

#define BMX_DEFINE_KERNELS(isa)                                           \
  namespace bmx {                                                         \
  const Kernels isa##_kernels = isa::make_kernels(#isa, isa##_supported); \
  }

namespace bmx {

#define BMX_ISA(name, ...)             \
  extern const Kernels name##_kernels; \
  bool name##_supported();
#include "microkernels/isa_list.inc"

}  // namespace bmx
