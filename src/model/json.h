// JSON from an untrusted source. Private to .cc files: the library's own headers do not show nlohmann/json.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace bmx {

using Json = nlohmann::json;

inline constexpr int kMaxJsonDepth = 32;

// An object, without repeated keys and nested at most kMaxJsonDepth deep. `what` names the text in errors.
Result<Json> parse_json_object(std::string_view text, const std::string& what);

// Reads the members of an object. The first thing that is wrong is kept in `status`, and reading continues
// with empty values, so that a caller states what it expects and checks once. `where` begins every message:
// "node 'conv0'".
class ObjectReader {
 public:
  ObjectReader(const Json& object, std::string where, Status* status);

  bool has(const char* key);
  std::string string(const char* key);
  double number(const char* key);
  std::vector<std::string> strings(const char* key);
  std::vector<int64_t> integers(const char* key);
  std::vector<double> numbers(const char* key);
  const Json& object(const char* key);
  const Json& array(const char* key);

  // Refuses members that nobody has read.
  void refuse_unread();
  void fail(const std::string& message);

 private:
  const Json& member(const char* key, bool (*accepts)(const Json&), const char* expected);

  const Json& object_;
  std::string where_;
  Status* status_;
  std::set<std::string> known_;
};

// What keeps 64-bit integers, booleans and so on apart: true only for integers that fit.
bool is_int64(const Json& value);

}  // namespace bmx
