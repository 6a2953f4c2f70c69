// What the CPU that this process runs on can execute, and the operating system saves.
#pragma once

namespace bmx {

bool cpu_has_avx2();      // with FMA
bool cpu_has_avx512bw();  // F, BW, VL and DQ
bool cpu_has_avx512();    // these and VPOPCNTDQ
bool cpu_has_neon();      // part of the aarch64 baseline
bool cpu_has_neon32();    // 32-bit ARM: NEON and the fused multiply-add of VFPv4

}  // namespace bmx
