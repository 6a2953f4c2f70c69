// Operators are found by name.
#include <gtest/gtest.h>

#include "ops/operator.h"
#include "support/ops_tester.h"

namespace bmx {
namespace {

using testing::FileBuilder;
using testing::OrderedJson;

TEST(Operator, AnUnknownOperatorIsRefusedWithTheListOfThoseKnown) {
  FileBuilder builder({4});
  builder.node("no_such_operator", "data", "f32", {4}, OrderedJson::object());
  const std::string bytes = builder.encode({"no_such_operator0"});
  const auto model = Model::from_memory(bytes.data(), bytes.size(), "scalar");
  std::string known;
  for (const std::string& name : operator_names()) known += (known.empty() ? "" : ", ") + name;
  EXPECT_EQ(model.status().message(),
            "node 'no_such_operator0' uses the operator 'no_such_operator', which this runtime does not "
            "have; it has " +
                known);
}

}  // namespace
}  // namespace bmx
