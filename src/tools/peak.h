// The speed limit of an instruction set: its arithmetic on registers only, without loads, stores or loop
// overhead.
#pragma once

#include <cstdint>
#include <string_view>

namespace bmx {

enum class PeakKind {
  kPopcount,  // xor, population count, add: one step of a binary product
  kLookup,    // byte shuffle and add: the same step by table lookup; 0 where the ISA has no such method
  kFloat,     // fused multiply-add on float32
};

// Does `rounds` rounds on the named ISA and returns the multiply-accumulates they stand for; 0 if it has none
// of them.
double run_peak(std::string_view isa, PeakKind kind, int64_t rounds);

}  // namespace bmx
