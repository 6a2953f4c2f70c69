// Files whose graphs compute on integers of 1 to 8 bits, and values for them.
#pragma once

#include <algorithm>
#include <functional>

#include "base/bits.h"
#include "support/ops_tester.h"
#include "support/tester.h"

namespace bmx::testing {

using Integers = std::vector<int>;
using Bytes = std::vector<uint8_t>;
using Tensors = std::map<std::string, std::string>;

inline const OrderedJson kNone = OrderedJson::object();

// "bits" for 0 bits, otherwise "u1" to "u8".
inline std::string type_name(int bits) { return bits == 0 ? "bits" : "u" + std::to_string(bits); }

inline Floats floats_of(const std::vector<int32_t>& values) { return {values.begin(), values.end()}; }

inline std::string error_of(const std::string& bytes) {
  const auto model = Model::from_memory(bytes.data(), bytes.size(), "scalar");
  return model.ok() ? "accepted" : model.status().message();
}

// Weights of `bits` bits: in two's complement, or sums of 2^i * (+-1).
struct WeightType {
  int bits;
  bool signs;

  int of_code(int64_t code) const {
    const int range = 1 << bits, value = static_cast<int>(code);
    return signs ? 2 * value - range + 1 : value < range / 2 ? value : value - range;
  }
};

inline Integers random_codes(Random& random, int64_t count, int bits) {
  Integers codes;
  for (int64_t i = 0; i < count; ++i)
    codes.push_back(static_cast<int>(random.integer(0, (int64_t{1} << bits) - 1)));
  return codes;
}

inline Bytes random_flip(Random& random, int64_t channels) {
  Floats signs;
  for (int64_t c = 0; c < channels; ++c) signs.push_back(static_cast<float>(random.integer(0, 1)));
  return packed(signs, channels);
}

// As a file stores them: [plane][row][bytes_for(channels)].
inline Bytes packed_planes(const Integers& codes, int64_t channels, int bits) {
  Bytes bytes;
  for (int plane = 0; plane < bits; ++plane) {
    Floats signs;
    for (int code : codes) signs.push_back((code >> plane & 1) != 0 ? 1.0F : -1.0F);
    const Bytes rows = packed(signs, channels);
    bytes.insert(bytes.end(), rows.begin(), rows.end());
  }
  return bytes;
}

inline FileBuilder bytes_file(const std::vector<int64_t>& shape) {
  FileBuilder builder(shape);
  builder.graph["inputs"][0]["dtype"] = "bytes";
  return builder;
}

// A file that reads floats 0 to 2^bits - 1 as unsigned values; for 0 bits, -1 and +1 as bits. add_long: adds
// tensors that stand before those of bytes.
struct CodeFile {
  CodeFile(
      const std::vector<int64_t>& shape, int bits,
      const std::function<void(FileBuilder&)>& add_long = [](FileBuilder&) {})
      : builder(shape) {
    const int64_t channels = shape.back(), levels = bits == 0 ? 1 : (int64_t{1} << bits) - 1;
    Floats limits;
    for (int64_t i = 0; i < levels * channels; ++i)
      limits.push_back(bits == 0 ? 0.0F : static_cast<float>(i / channels) + 0.5F);
    std::vector<int64_t> limits_shape{channels};
    if (bits != 0) limits_shape.insert(limits_shape.begin(), levels);
    builder.tensor("limits", "F32", limits_shape, limits);
    add_long(builder);
    builder.tensor("keep", "U8", {bytes_for(channels)}, Bytes(static_cast<size_t>(bytes_for(channels)), 0));
    const Tensors tensors = {{"threshold", "limits"}, {"flip", "keep"}};
    const OrderedJson attrs = bits == 0 ? kNone : OrderedJson{{"bits", bits}};
    value = builder.node(bits == 0 ? "threshold" : "quantize", "data", type_name(bits).c_str(), shape, attrs,
                         tensors);
  }

  FileBuilder builder;
  std::string value;
};

// What a CodeFile reads.
inline Integers random_inputs(Random& random, int64_t count, int bits) {
  Integers values = random_codes(random, count, std::max(bits, 1));
  for (int& value : values) value = bits == 0 ? 2 * value - 1 : value;
  return values;
}

// Bytes x [1][columns][C] times a weight of each channel: int32 values of both signs.
inline std::string products_node(FileBuilder& builder, int64_t columns, int64_t channels,
                                 const Bytes& weights) {
  builder.tensor("products", "U8", {2, channels, 1, 1, 1}, weights);
  const std::string planes = builder.node("to_planes", "data", "u8", {1, columns, channels});
  OrderedJson attrs = conv_attrs(1, 0, channels);
  attrs["weight_bits"] = 2;
  attrs["signs"] = false;
  return builder.node("integer_conv2d", planes, "i32", {1, columns, channels}, attrs,
                      {{"weight", "products"}});
}

}  // namespace bmx::testing
