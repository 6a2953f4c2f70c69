// The graph of a file: one test per thing that can be wrong with it, on one small file with one change.
#include <gtest/gtest.h>

#include "support/model_files.h"

namespace bmx {
namespace {

using testing::affine_file;
using testing::FileBuilder;
using testing::metadata_of;
using testing::OrderedJson;
using testing::reading_error;

struct GraphCase {
  const char* pointer;  // what is replaced, or erased if the value is empty
  const char* value;
  const char* error;
};

class GraphErrors : public ::testing::TestWithParam<GraphCase> {};

TEST_P(GraphErrors, AreSentences) {
  FileBuilder builder = affine_file();
  builder.graph["outputs"] = {"affine0"};
  const OrderedJson::json_pointer pointer(GetParam().pointer);
  if (*GetParam().value) {
    builder.graph[pointer] = OrderedJson::parse(GetParam().value);
  } else {
    builder.graph[pointer.parent_pointer()].erase(pointer.back());
  }
  const std::string error = reading_error(builder.encode_with(metadata_of(builder.graph.dump())));
  EXPECT_NE(error.find(GetParam().error), std::string::npos) << error;
}

INSTANTIATE_TEST_SUITE_P(
    All, GraphErrors,
    ::testing::Values(
        GraphCase{"/name", "", "the graph: 'name' is missing"},
        GraphCase{"/nodes", "3", "'nodes' must be a list"}, GraphCase{"/inputs", "[]", "it has no inputs"},
        GraphCase{"/outputs", "[]", "it has no outputs"},
        GraphCase{"/outputs", R"(["data","data"])", "output 'data' is named twice"},
        GraphCase{"/outputs", R"(["end"])", "'end' is neither an input of the graph nor a node"},
        GraphCase{"/classes", R"(["a"])", "'classes' has 1 labels, the first output has 3"},
        GraphCase{"/version", "1", "'version' is not a key of format version 1"},
        GraphCase{"/inputs/0/dtype", R"("i32")", "input 'data': dtype must be f32 or bytes"},
        GraphCase{"/inputs/0/dtype", R"("u8")", "input 'data': dtype must be f32 or bytes"},
        GraphCase{"/inputs/0",
                  R"({"name":"data","dtype":"bytes","shape":[3],)"
                  R"("preprocessing":{"scale":1,"mean":[0],"std":[1]}})",
                  "input 'data': bytes are taken as they are: 'preprocessing' is for f32 inputs"},
        GraphCase{"/inputs/0/shape", "[]", "outside the limits"},
        GraphCase{"/inputs/0/shape", "[65536,65536]", "outside the limits"},
        GraphCase{"/inputs/0/preprocessing", "1", "'preprocessing' must be an object"},
        GraphCase{"/inputs/0/preprocessing", R"({"scale":1,"mean":[0,0],"std":[1]})",
                  "for each of the 1 channels"},
        GraphCase{"/inputs/0/preprocessing", R"({"scale":1,"mean":[0],"std":[0]})", "'std' must not hold 0"},
        GraphCase{"/inputs/0/preprocessing", R"({"scale":"1","mean":[0],"std":[1]})",
                  "'scale' must be a finite number"},
        GraphCase{"/nodes/0", "7", "node 0: an object is expected"},
        GraphCase{"/nodes/0/name", R"("data")", "the name 'data' is used twice"},
        GraphCase{"/nodes/0/name", R"("a\u0007")", "must not hold control characters"},
        GraphCase{"/nodes/0/op", "", "node 'affine0': 'op' is missing"},
        GraphCase{"/nodes/0/dtype", R"("f64")", "dtype 'f64' is not one of f32, i32, bits, u1 to u8, bytes"},
        GraphCase{"/nodes/0/dtype", R"("u9")", "dtype 'u9' is not one of"},
        GraphCase{"/nodes/0/inputs", R"(["affine0"])",
                  "'affine0' is neither an input of the graph nor a node before"},
        GraphCase{"/nodes/0/attrs", R"({"a":1.5})", "attribute 'a' is neither a boolean, an integer nor"},
        GraphCase{"/nodes/0/tensors/scale", R"("none")",
                  "'scale' names a tensor that the file does not hold"},
        GraphCase{"/nodes/0/tensors/scale", R"("t")", "tensor 's' is used by no node"}));

}  // namespace
}  // namespace bmx
