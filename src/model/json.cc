#include "model/json.h"

#include <cmath>
#include <functional>
#include <limits>

namespace bmx {
namespace {

// Watches the parser: nlohmann/json itself accepts any depth and lets the last of several equal keys win.
struct Guard {
  std::vector<std::set<std::string>> keys;
  std::string problem;

  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    const bool opens = event == Event::object_start || event == Event::array_start;
    if (opens && depth >= kMaxJsonDepth) {
      problem = "is nested deeper than " + std::to_string(kMaxJsonDepth) + " levels";
    }
    if (!problem.empty()) return false;
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(parsed.get_ref<const std::string&>()).second) {
      problem = "has the key '" + parsed.get<std::string>() + "' twice in one object";
    }
    return true;
  }
};

bool is_string(const Json& value) { return value.is_string(); }
bool is_object(const Json& value) { return value.is_object(); }
bool is_array(const Json& value) { return value.is_array(); }
bool is_finite(const Json& value) { return value.is_number() && std::isfinite(value.get<double>()); }

template <bool (*accepts)(const Json&)>
bool is_list(const Json& value) {
  if (!value.is_array()) return false;
  for (const Json& item : value) {
    if (!accepts(item)) return false;
  }
  return true;
}

const Json kNothing;

}  // namespace

bool is_int64(const Json& value) {
  if (value.is_number_unsigned())
    return value.get<uint64_t>() <= uint64_t{std::numeric_limits<int64_t>::max()};
  return value.is_number_integer();
}

Result<Json> parse_json_object(std::string_view text, const std::string& what) {
  Guard guard;
  Json value = Json::parse(text.begin(), text.end(), std::ref(guard), /*allow_exceptions=*/false);
  if (!guard.problem.empty()) return corrupt_file(what + " " + guard.problem);
  if (value.is_discarded()) return corrupt_file(what + " is not valid JSON");
  if (!value.is_object()) return corrupt_file(what + " is not a JSON object");
  return value;
}

ObjectReader::ObjectReader(const Json& object, std::string where, Status* status)
    : object_(object), where_(std::move(where)), status_(status) {
  if (!object.is_object()) fail("an object is expected");
}

bool ObjectReader::has(const char* key) {
  known_.insert(key);
  return object_.is_object() && object_.contains(key);
}

const Json& ObjectReader::member(const char* key, bool (*accepts)(const Json&), const char* expected) {
  if (!has(key)) {
    fail("'" + std::string(key) + "' is missing");
    return kNothing;
  }
  const Json& value = *object_.find(key);
  if (accepts(value)) return value;
  fail("'" + std::string(key) + "' must be " + expected);
  return kNothing;
}

std::string ObjectReader::string(const char* key) {
  const Json& value = member(key, is_string, "a string");
  return value.is_null() ? std::string() : value.get<std::string>();
}

double ObjectReader::number(const char* key) {
  const Json& value = member(key, is_finite, "a finite number");
  return value.is_null() ? 0 : value.get<double>();
}

std::vector<std::string> ObjectReader::strings(const char* key) {
  const Json& value = member(key, is_list<is_string>, "a list of strings");
  return value.is_null() ? std::vector<std::string>() : value.get<std::vector<std::string>>();
}

std::vector<int64_t> ObjectReader::integers(const char* key) {
  const Json& value = member(key, is_list<is_int64>, "a list of integers");
  return value.is_null() ? std::vector<int64_t>() : value.get<std::vector<int64_t>>();
}

std::vector<double> ObjectReader::numbers(const char* key) {
  const Json& value = member(key, is_list<is_finite>, "a list of finite numbers");
  return value.is_null() ? std::vector<double>() : value.get<std::vector<double>>();
}

const Json& ObjectReader::object(const char* key) { return member(key, is_object, "an object"); }
const Json& ObjectReader::array(const char* key) { return member(key, is_array, "a list"); }

void ObjectReader::refuse_unread() {
  if (!object_.is_object()) return;
  for (const auto& item : object_.items()) {
    if (known_.count(item.key()) == 0) fail("'" + item.key() + "' is not a key of format version 1");
  }
}

void ObjectReader::fail(const std::string& message) {
  if (status_->ok()) *status_ = corrupt_file(where_ + ": " + message);
}

}  // namespace bmx
