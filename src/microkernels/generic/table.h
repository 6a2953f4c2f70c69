// The Kernels of an ISA unit. Included last inside its namespace.

template <BitProduct kProduct, int kVectors, int kPixels>
constexpr void fill_binary_tiles(BinaryTiles& tiles) {
  if constexpr (kPixels > 0) {
    tiles.tile[static_cast<int>(kProduct)][kVectors - 1][kPixels - 1] =
        binary_tile<kProduct, kPixels, kVectors>;
    fill_binary_tiles<kProduct, kVectors, kPixels - 1>(tiles);
  }
}

template <int kVectors>
constexpr void fill_binary_panels(BinaryTiles& tiles) {
  if constexpr (kVectors > 0) {
    constexpr int kPixels = BinaryFormat::pixels(kVectors);
    static_assert(kPixels <= kMaxTilePixels && kVectors <= kMaxPanelVectors);
    tiles.pixels[kVectors - 1] = kPixels;
    fill_binary_tiles<BitProduct::kXor, kVectors, kPixels>(tiles);
    fill_binary_tiles<BitProduct::kAnd, kVectors, kPixels>(tiles);
    fill_binary_panels<kVectors - 1>(tiles);
  }
}

constexpr BinaryTiles make_binary_tiles() {
  static_assert(BinaryFormat::lanes * BinaryFormat::max_vectors <= kMaxPanelLanes);
  BinaryTiles tiles{};
  tiles.unit_bits = BinaryFormat::unit_bits;
  tiles.unit_bytes = BinaryFormat::unit_bytes;
  tiles.weight_bytes = BinaryFormat::weight_bytes;
  tiles.lanes = BinaryFormat::lanes;
  tiles.max_vectors = BinaryFormat::max_vectors;
  tiles.narrow_units = BinaryFormat::narrow_units;
  tiles.wide_units = BinaryFormat::wide_units;
  tiles.expand = expand_units;
  fill_binary_panels<BinaryFormat::max_vectors>(tiles);
  return tiles;
}

template <int kVectors, int kPixels>
constexpr void fill_float_tiles(FloatTiles& tiles) {
  if constexpr (kPixels > 0) {
    tiles.tile[kVectors - 1][kPixels - 1] = float_tile<kPixels, kVectors>;
    fill_float_tiles<kVectors, kPixels - 1>(tiles);
  }
}

template <int kVectors>
constexpr void fill_float_panels(FloatTiles& tiles) {
  if constexpr (kVectors > 0) {
    constexpr int kPixels = Floats::tile_pixels(kVectors);
    static_assert(kPixels <= kMaxTilePixels && kVectors <= kMaxPanelVectors);
    tiles.pixels[kVectors - 1] = kPixels;
    fill_float_tiles<kVectors, kPixels>(tiles);
    fill_float_panels<kVectors - 1>(tiles);
  }
}

constexpr FloatTiles make_float_tiles() {
  static_assert(Floats::kLanes * Floats::kMaxVectors <= kMaxPanelLanes);
  FloatTiles tiles{};
  tiles.lanes = Floats::kLanes;
  tiles.max_vectors = Floats::kMaxVectors;
  fill_float_panels<Floats::kMaxVectors>(tiles);
  return tiles;
}

template <int kVectors, int kPixels>
constexpr void fill_depthwise_tiles(FloatTiles& tiles) {
  if constexpr (kPixels > 0) {
    tiles.tile[kVectors - 1][kPixels - 1] = depthwise_float_tile<kPixels, kVectors>;
    fill_depthwise_tiles<kVectors, kPixels - 1>(tiles);
  }
}

constexpr FloatTiles make_depthwise_float_tiles() {
  FloatTiles tiles{};
  tiles.lanes = Floats::kLanes;
  tiles.max_vectors = 2;
  tiles.pixels[0] = tiles.pixels[1] = 4;
  fill_depthwise_tiles<1, 4>(tiles);
  fill_depthwise_tiles<2, 4>(tiles);
  return tiles;
}

template <int kPixels>
constexpr void fill_depthwise_bit_tiles(BinaryTiles& tiles) {
  if constexpr (kPixels > 0) {
    tiles.tile[static_cast<int>(BitProduct::kXor)][0][kPixels - 1] =
        depthwise_bit_tile<BitProduct::kXor, kPixels>;
    tiles.tile[static_cast<int>(BitProduct::kAnd)][0][kPixels - 1] =
        depthwise_bit_tile<BitProduct::kAnd, kPixels>;
    fill_depthwise_bit_tiles<kPixels - 1>(tiles);
  }
}

constexpr BinaryTiles make_depthwise_bit_tiles() {
  BinaryTiles tiles{};
  tiles.unit_bits = kWordBits;
  tiles.unit_bytes = tiles.weight_bytes = sizeof(uint64_t);
  tiles.lanes = kDepthwiseLanes;
  tiles.max_vectors = 1;
  tiles.pixels[0] = kDepthwisePixels;
  fill_depthwise_bit_tiles<kDepthwisePixels>(tiles);
  return tiles;
}

constexpr Kernels make_kernels(const char* name, bool (*supported)()) {
  Kernels kernels{};
  kernels.name = name;
  kernels.supported = supported;
  kernels.pack_f32 = pack<float>;
  kernels.pack_i32 = pack<int32_t>;
  kernels.pack_planar_f32 = pack_planar<float>;
  kernels.pack_planar_i32 = pack_planar<int32_t>;
  kernels.pack_planes_f32 = pack_planes<float>;
  kernels.pack_planes_i32 = pack_planes<int32_t>;
  kernels.unpack_signs = unpack_signs;
  kernels.binary = make_binary_tiles();
  kernels.floats = make_float_tiles();
  kernels.depthwise_binary = make_depthwise_bit_tiles();
  kernels.depthwise_floats = make_depthwise_float_tiles();
  kernels.add_shifted = add_shifted;
  kernels.epilogue_i32 = epilogue_i32;
  kernels.epilogue_f32 = epilogue_f32;
  kernels.affine_i32 = affine<int32_t>;
  kernels.affine_f32 = affine<float>;
  kernels.cast_i32 = cast_i32;
  kernels.activations = kActivations;
  kernels.exp = exp;
  kernels.max_f32 = max_f32;
  kernels.add_f32 = add_f32;
  return kernels;
}
