// Arrays are aligned and zero, or empty.
#include <gtest/gtest.h>

#include "base/aligned.h"

namespace bmx {
namespace {

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

}  // namespace
}  // namespace bmx
