#!/usr/bin/env bash
# What the aarch64 kernels cost without an ARM machine: executed instructions of whole convolutions under qemu-user, and a
# model of the inner loop's cycles (llvm-mca, Debian package llvm).
#
#   benchmarks/aarch64.sh INSNCOUNT
#
# INSNCOUNT is a program that runs `INSNCOUNT qemu-aarch64 ARGUMENTS...` and prints the number of executed guest
# instructions, for example on top of a qemu plugin. A convolution costs (count of 3 runs - count of 1 run) / 2; a step is 128
# multiply-accumulates of useful bits, or 128 floats that are packed.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "benchmarks/aarch64.sh: $*" >&2
  exit 1
}

[ $# = 1 ] || fail "expected the instruction counter as the only argument, found $# arguments"
insncount=$1
command -v "$insncount" >/dev/null || fail "the instruction counter '$insncount' was not found or is not executable"
for tool in cmake ninja qemu-aarch64 aarch64-linux-gnu-g++ aarch64-linux-gnu-objdump python3; do
  command -v "$tool" >/dev/null || fail "$tool is needed; see scripts/system-packages.sh"
done

build=build/aarch64-bench
cmake -S . -B "$build" -G Ninja -DCMAKE_TOOLCHAIN_FILE=cmake/aarch64.cmake ${BMX_JSON_INCLUDE:+-DBMX_JSON_INCLUDE="$BMX_JSON_INCLUDE"} \
  > "$build.log" 2>&1 || { cat "$build.log" >&2; fail "cmake failed"; }
cmake --build "$build" --target bmx-bench > "$build.log" 2>&1 || { cat "$build.log" >&2; fail "the build failed"; }

count() {
  "$insncount" qemu-aarch64 -cpu cortex-a72 "$build/bmx-bench" kernels --isa neon --only "$1" --repeat "$2"
}

echo "executed instructions per convolution, scale and shift to float32 included"
printf '%-28s %12s %10s\n' case instructions "per step"
while read -r name macs; do
  one=$(count "$name" 1) three=$(count "$name" 3)
  awk -v name="$name" -v n="$(((three - one) / 2))" -v macs="$macs" \
    'BEGIN { printf "%-28s %12d %10.3f\n", name, n, n * 128 / macs }'
done <<'CASES'
conv3x3_56x56x64 115605504
conv3x3_28x28x128 115605504
conv3x3_14x14x256 115605504
conv3x3_7x7x512 115605504
conv1x1_14x14x512 51380224
conv3x3s2_56x56x64_to128 57802752
conv3x3s2_28x28x128_to256 57802752
conv3x3s2_14x14x256_to512 57802752
conv3x3_7x7x64 1806336
conv3x3_13x13x96 14017536
conv3x3_13x13x160 38937600
conv3x3_13x13x224 76317696
conv3x3_13x13x544 450118656
pack_56x56x128 401408
CASES

command -v llvm-mca >/dev/null || fail "llvm-mca is needed for the model of the inner loop: apt-get install llvm"
echo
echo "inner loop of the tile of 4 pixels and 16 outputs, cycles per step by llvm-mca"
aarch64-linux-gnu-objdump -d -C --no-show-raw-insn "$build/bmx-bench" | python3 benchmarks/inner_loop.py > "$build-loop.s"
steps=$(grep -c '^cnt ' "$build-loop.s")
for cpu in cortex-a72 neoverse-n1 cortex-a53 cortex-a55; do
  llvm-mca -march=aarch64 -mcpu="$cpu" -iterations=100 "$build-loop.s" 2>/dev/null |
    awk -v cpu="$cpu" -v steps="$steps" '/^Total Cycles/ { printf "%-12s %.3f\n", cpu, $3 / 100 / steps }'
done
