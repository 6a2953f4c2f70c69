// Operator attributes arrive from Python and from symbol.json as strings: "(3, 3)", "True", "det_sign".
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/status.h"

namespace bmx {

using Attributes = std::unordered_map<std::string, std::string>;

struct Pair {
  int64_t height = 1;
  int64_t width = 1;
};

// Reads attributes one by one. The first error wins and is kept until status(); what is read after it has no
// meaning. A value without a default is required.
class AttributeReader {
 public:
  AttributeReader(std::string op, const Attributes& attributes)
      : op_(std::move(op)), attributes_(attributes) {}

  int64_t integer(const char* key, int64_t low, std::optional<int64_t> fallback = std::nullopt);
  Pair pair(const char* key, int64_t low, std::optional<Pair> fallback = std::nullopt);
  bool boolean(const char* key, bool fallback);
  float non_negative(const char* key, float fallback);  // "inf" is a number
  // Index of the value in `choices`; the first one is the default.
  int choice(const char* key, std::initializer_list<const char*> choices);

  // The first error, or a complaint about an attribute that nobody read. MXNet's own attributes start with
  // "__".
  Status status();

 private:
  const std::string* find(const char* key);
  void fail(const char* key, const std::string& expected);

  std::string op_;
  const Attributes& attributes_;
  std::unordered_set<std::string> known_;
  Status status_;
};

}  // namespace bmx
