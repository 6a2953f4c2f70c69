// The checksum against the standard's check value and its bitwise definition.
#include <gtest/gtest.h>

#include "model/crc32.h"
#include "support/file_builder.h"

namespace bmx {
namespace {

TEST(Crc32, HasTheCheckValueOfTheStandard) {
  const std::string text = "123456789";
  EXPECT_EQ(crc32(reinterpret_cast<const uint8_t*>(text.data()), text.size()), 0xcbf43926U);
}

TEST(Crc32, ContinuesAndMatchesTheBitwiseDefinition) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += static_cast<char>(i * 37 % 251);
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  for (size_t split : {0, 1, 7, 8, 9, 500, 1000}) {
    EXPECT_EQ(crc32(bytes + split, text.size() - split, crc32(bytes, split)),
              testing::crc32_bit_by_bit(text));
  }
}

}  // namespace
}  // namespace bmx
