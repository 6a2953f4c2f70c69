#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "base/aligned.h"
#include "base/checked.h"
#include "base/status.h"

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

TEST(AlignedArray, IsAlignedAndZero) {
  for (size_t size : {1, 15, 16, 17, 1000}) {
    AlignedArray<int32_t> array(size);
    ASSERT_EQ(array.size(), size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(array.data()) % kAlignment, 0U);
    for (size_t i = 0; i < size; ++i) EXPECT_EQ(array[i], 0);
  }
}

TEST(AlignedArray, IsEmptyWhenThereIsNothingToAllocate) {
  EXPECT_EQ(AlignedArray<int32_t>(0).data(), nullptr);
  EXPECT_EQ(AlignedArray<int32_t>(SIZE_MAX / 2).data(), nullptr);
}

TEST(Status, CarriesCodeAndMessage) {
  EXPECT_TRUE(Status().ok());
  const Status status = invalid_argument("expected 3, found 4");
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_EQ(status.message(), "expected 3, found 4");
}

Result<int> positive(int value) {
  if (value <= 0) return invalid_argument("not positive");
  return value;
}

Status forward(int value) {
  BMX_RETURN_IF_ERROR(positive(value).status());
  return unsupported("reached the end");
}

TEST(Result, HoldsAValueOrAStatus) {
  EXPECT_EQ(*positive(3), 3);
  EXPECT_TRUE(positive(3).status().ok());
  EXPECT_EQ(positive(-3).status().message(), "not positive");
}

TEST(Result, ReturnIfErrorStopsAtTheFirstError) {
  EXPECT_EQ(forward(0).code(), Code::kInvalidArgument);
  EXPECT_EQ(forward(1).code(), Code::kUnsupported);
}

}  // namespace
}  // namespace bmx
