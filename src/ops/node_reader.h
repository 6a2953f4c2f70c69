// How an operator reads its node. The first thing that is wrong is kept, and reading continues with harmless
// values, so that a create function states everything it expects and then checks once.
#pragma once

#include <array>
#include <initializer_list>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/aligned.h"
#include "base/status.h"
#include "convolution/convolution.h"
#include "model/graph.h"

namespace bmx {

// What integer layers multiply.
inline constexpr std::initializer_list<DType> kPlaneTypes = {DType::kBits, DType::kU1, DType::kU2,
                                                             DType::kU3,   DType::kU4, DType::kU5,
                                                             DType::kU6,   DType::kU7, DType::kU8};

// Packed rows as words: those of the file where its bytes are words already, else a copy.
class PackedWords {
 public:
  explicit PackedWords(const uint64_t* in_file) : in_file_(in_file) {}
  explicit PackedWords(AlignedArray<uint64_t> copy) : copy_(std::move(copy)) {}

  const uint64_t* data() const { return in_file_ != nullptr ? in_file_ : copy_.data(); }

 private:
  const uint64_t* in_file_ = nullptr;
  AlignedArray<uint64_t> copy_;
};

// How many numbers of a graph may be repeated, so that a small file cannot ask for a lot of memory.
struct RepeatBudget {
  int64_t left = int64_t{1} << 24;
};

class NodeReader {
 public:
  NodeReader(const Graph& graph, const Node& node, RepeatBudget* budget);

  // The type of the single input, which must have one of these dtypes and, if rank is not 0, that rank.
  const ValueType& input(std::initializer_list<DType> dtypes, size_t rank = 0);
  // The types of `count` inputs (0: any number), each with one of these dtypes.
  std::vector<ValueType> inputs(size_t count, std::initializer_list<DType> dtypes);

  // Attributes; all are required.
  int64_t integer(const char* name);
  bool flag(const char* name);
  std::vector<int64_t> integers(const char* name);
  // [height, width], both at least `minimum`.
  std::array<int64_t, 2> pair(const char* name, int64_t minimum);

  // Tensors. A dimension of 0 in `shape` fits any size.
  bool has_tensor(const char* role);
  const Tensor& tensor(const char* role, TensorType type, const Shape& shape);
  const Tensor& tensor(const char* role, std::initializer_list<TensorType> types, const Shape& shape);
  // Numbers for each channel, the last axis of `shape`: as many, or one that stands for all of them.
  const Tensor& channel_tensor(const char* role, std::initializer_list<TensorType> types, const Shape& shape);
  // Whether that many numbers may be repeated.
  bool may_repeat(const char* role, int64_t count);
  // Packed rows [.., ceil(channels / 8)] as words [.., words_for(channels)]; refuses set bits past
  // `channels`.
  AlignedArray<uint64_t> packed(const char* role, Shape rows, int64_t channels);
  // The same, for words that are read while the operator is created and not kept: large weights are not
  // copied in vain.
  PackedWords packed_words(const char* role, Shape rows, int64_t channels);

  // What the node declares about its result must be this. Operators that build large tables check it before.
  void expect_output(const ValueType& computed);

  void fail(const std::string& message);
  // There is no memory for a copy of the tensor.
  void fail_memory(const char* role);
  // Is nothing wrong so far?
  bool ok() const { return status_.ok(); }
  // The first thing that is wrong: in what was read, then an attribute or a tensor that nobody has read.
  Status status();

 private:
  const ValueType& checked_input(int id, std::initializer_list<DType> dtypes, size_t rank);
  const Attribute* attribute(const char* name);
  const Tensor& tensor_of(const char* role, std::initializer_list<TensorType> types,
                          std::initializer_list<Shape> shapes);

  const Graph& graph_;
  const Node& node_;
  RepeatBudget* budget_;
  Status status_;
  std::set<std::string> known_attributes_, known_tensors_;
};

}  // namespace bmx
