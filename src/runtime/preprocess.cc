#include "runtime/preprocess.h"

namespace bmx {

PreprocessTable make_preprocess_table(const GraphInput& input) {
  if (!input.preprocessing) return {};
  const Preprocessing& rule = *input.preprocessing;
  PreprocessTable table(rule.mean.size());
  for (size_t c = 0; c < table.size(); ++c) {
    for (size_t u8 = 0; u8 < 256; ++u8) {
      table[c][u8] = static_cast<float>((static_cast<double>(u8) * rule.scale - rule.mean[c]) / rule.std[c]);
    }
  }
  return table;
}

void preprocess(const PreprocessTable& table, const uint8_t* image, int64_t batch, int64_t elements,
                float* out) {
  const int64_t plane = elements / static_cast<int64_t>(table.size());
  for (int64_t n = 0; n < batch; ++n) {
    for (const std::array<float, 256>& values : table) {
      for (int64_t i = 0; i < plane; ++i) *out++ = values[*image++];
    }
  }
}

}  // namespace bmx
