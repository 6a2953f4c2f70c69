// A Status or a Result carries what went wrong.
#include <gtest/gtest.h>

#include "base/status.h"

namespace bmx {
namespace {

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
