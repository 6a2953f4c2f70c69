#include "base/bits.h"

#include <gtest/gtest.h>

#include <vector>

#include "support/tester.h"

namespace bmx {
namespace {

constexpr int64_t kChannels[] = {1, 3, 7, 8, 9, 31, 32, 33, 63, 64, 65, 127, 128, 160};

TEST(Bits, SizesRoundUp) {
  EXPECT_EQ(words_for(0), 0);
  EXPECT_EQ(words_for(64), 1);
  EXPECT_EQ(words_for(65), 2);
  EXPECT_EQ(bytes_for(8), 1);
  EXPECT_EQ(bytes_for(9), 2);
}

TEST(Bits, TailMaskHasTheBitsOfTheLastWord) {
  for (int64_t channels : kChannels) {
    const int64_t bits = channels - (words_for(channels) - 1) * kWordBits;
    EXPECT_EQ(__builtin_popcountll(tail_mask(channels)), bits);
    EXPECT_EQ(tail_mask(channels) & 1, 1U);
  }
}

TEST(Bits, ChannelIsLeastSignificantFirst) {
  const uint8_t bytes[] = {0x01, 0x80, 0, 0, 0, 0, 0, 0, 0x02};
  uint64_t words[2];
  words_from_bytes(bytes, 66, words);
  for (int64_t c = 0; c < 66; ++c) EXPECT_EQ(get_bit(words, c), c == 0 || c == 15 || c == 65) << c;
}

TEST(Bits, BytesAndWordsRoundTrip) {
  testing::Random random(1);
  for (int64_t channels : kChannels) {
    const std::vector<uint64_t> words = random.bits(1, channels);
    std::vector<uint8_t> bytes(static_cast<size_t>(bytes_for(channels)));
    bytes_from_words(words.data(), channels, bytes.data());
    for (int64_t c = 0; c < channels; ++c) {
      EXPECT_EQ((bytes[static_cast<size_t>(c / 8)] >> (c % 8)) & 1, get_bit(words.data(), c))
          << channels << " " << c;
    }
    std::vector<uint64_t> back(words.size(), ~uint64_t{0});
    words_from_bytes(bytes.data(), channels, back.data());
    EXPECT_EQ(back, words) << channels;
  }
}

TEST(Bits, WordsDropBitsPastTheChannels) {
  const uint8_t bytes[] = {0xFF, 0xFF};
  uint64_t word = 0;
  words_from_bytes(bytes, 11, &word);
  EXPECT_EQ(word, 0x7FFU);
}

}  // namespace
}  // namespace bmx
