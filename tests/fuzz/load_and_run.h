// What the fuzzer does with one file, and what the C++ tests do again with every file it has kept.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bmx::testing {

// Puts the right checksum into the bytes, loads them, plans and runs every ISA of this machine, with a batch
// of 2, two threads, inputs made from the bytes, and float and uint8 images where the file takes both. Files
// whose run would take too long are only loaded and planned.
//
// Aborts if an ISA's results are not those of the scalar one, bit for bit. Returns whether the file was run.
bool load_and_run(const uint8_t* data, size_t size);

}  // namespace bmx::testing
