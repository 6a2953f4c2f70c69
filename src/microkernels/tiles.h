// The interface of the microkernels: one register tile of a convolution or matrix product.
//
// A tile is a few output pixels times one panel of output channels. Lanes run across output channels. The
// reduction walks "units": the smallest stretch of channels that a microkernel handles at once (kBinary:
// unit_bits bits, expanded to unit_bytes; float: one value). For every pixel the tile is given the address of
// its first unit; the units of its window lie at the same offsets from there for every pixel, as a list of
// spans.
#pragma once

#include <cstdint>

namespace bmx {

inline constexpr int kMaxTilePixels = 16;
inline constexpr int kMaxPanelVectors = 4;
inline constexpr int kMaxPanelLanes = 128;

// Consecutive units: the taps of one kernel row, or one tap.
struct Span {
  int64_t offset = 0;  // bytes from the pixel's first unit
  int32_t units = 0;
  // 1: counters narrower than the sums must be widened after this span, as always after the last one of a
  // tile
  int32_t widen = 0;
};

// How the two operands of a binary product are combined before their bits are counted.
enum class BitProduct { kXor, kAnd };

// counts[p * lanes + o] = popcount of the combination of pixel p's window with the weights of output o, for
// the pixels of the tile and all lanes = vectors * binary.lanes of the panel. Overwrites counts. panel:
// [units in the order of the spans][lanes] elements of weight_bytes.
using BinaryTile = void (*)(const void* const* pixels, const Span* spans, int64_t span_count,
                            const void* panel, int32_t* counts);

struct BinaryTiles {
  int64_t unit_bits = 0;              // channels of one unit
  int64_t unit_bytes = 0;             // bytes of a unit of activations, as the tile reads it
  int64_t weight_bytes = 0;           // bytes of a unit of weights of one output
  int64_t lanes = 0;                  // outputs of one vector
  int max_vectors = 0;                // vectors of the widest panel
  int pixels[kMaxPanelVectors] = {};  // pixels of the largest tile, by vectors - 1
  // Units after which the narrow counters must be widened, and units that the wide sums can hold; 0: no
  // limit.
  int64_t narrow_units = 0;
  int64_t wide_units = 0;
  // [product][vectors - 1][pixels - 1], null beyond the limits above.
  BinaryTile tile[2][kMaxPanelVectors][kMaxTilePixels] = {};

  // count units of bits -> the form that tiles read. The bits of unit u are those at bit u * unit_bits of x;
  // x may be read up to the end of the word of the last bit. Null where the bits themselves are read
  // (unit_bytes * 8 == unit_bits).
  void (*expand)(const uint64_t* x, int64_t count, void* out) = nullptr;
};

// values[p * lanes + o] = init[o] + sum over the window of x * w, one chain of fused multiply-adds in the
// order of the spans. panel: [units][lanes].
using FloatTile = void (*)(const void* const* pixels, const Span* spans, int64_t span_count,
                           const float* panel, const float* init, float* values);

struct FloatTiles {
  int64_t lanes = 0;
  int max_vectors = 0;
  int pixels[kMaxPanelVectors] = {};
  FloatTile tile[kMaxPanelVectors][kMaxTilePixels] = {};
};

}  // namespace bmx
