// Products and sums that fit, and those that do not.
#include <gtest/gtest.h>

#include <limits>

#include "base/checked.h"

namespace bmx {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST(Checked, ProductsThatFit) {
  EXPECT_EQ(checked_product({}), 1);
  EXPECT_EQ(checked_product({3, 5, 7}), 105);
  EXPECT_EQ(checked_product({kMax, 0}), 0);
  EXPECT_EQ(checked_product({kMax, 1}), kMax);
}

TEST(Checked, ProductsThatDoNot) {
  EXPECT_FALSE(checked_product({kMax, 2}));
  EXPECT_FALSE(checked_product({int64_t{1} << 32, int64_t{1} << 31}));
  EXPECT_FALSE(checked_product({-1, 2}));
  EXPECT_FALSE(checked_product({2, -1}));
}

TEST(Checked, Sums) {
  EXPECT_EQ(checked_sum(2, 3), 5);
  EXPECT_EQ(checked_sum(kMax, -1), kMax - 1);
  EXPECT_FALSE(checked_sum(kMax, 1));
}

}  // namespace
}  // namespace bmx
