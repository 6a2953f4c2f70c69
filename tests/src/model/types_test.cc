// Names and sizes of the types of values.
#include <gtest/gtest.h>

#include "model/types.h"

namespace bmx {
namespace {

TEST(ValueTypes, HaveNamesAndSizes) {
  EXPECT_EQ(text_of(ValueType{DType::kU1, {2, 65}}), "u1 [2, 65]");
  EXPECT_EQ(text_of(ValueType{DType::kBytes, {3, 5}}), "bytes [3, 5]");
  EXPECT_EQ((ValueType{DType::kBytes, {3, 5}}).bytes(), 15);
  EXPECT_EQ((ValueType{DType::kBits, {3, 65}}).bytes(), 3 * 2 * 8);
  EXPECT_EQ((ValueType{DType::kU8, {3, 65}}).bytes(), 3 * 8 * 2 * 8);
  EXPECT_EQ((ValueType{DType::kI32, {3, 65}}).bytes(), 3 * 65 * 4);
  for (int bits = 1; bits <= 8; ++bits) EXPECT_EQ(planes_of(unsigned_of(bits)), bits);
  EXPECT_EQ(planes_of(DType::kBits), 1);
  for (DType dtype : {DType::kF32, DType::kI32, DType::kBytes}) EXPECT_EQ(planes_of(dtype), 0);
}

}  // namespace
}  // namespace bmx
