#include "mxnet/attributes.h"

#include <cerrno>
#include <cstdlib>
#include <vector>

namespace bmx {

namespace {

std::optional<int64_t> parse_integer(const char*& text) {
  errno = 0;
  char* end = nullptr;
  const int64_t value = std::strtoll(text, &end, 10);
  if (end == text || errno != 0) return std::nullopt;
  text = end;
  return value;
}

// "3", "(3, 5)" or "[3, 5]"; empty if it is none of them.
std::vector<int64_t> parse_integers(const std::string& text) {
  std::vector<int64_t> values;
  bool expects_value = true;
  for (const char* at = text.c_str(); *at != '\0';) {
    const char c = *at;
    if (c == ' ' || c == '(' || c == ')' || c == '[' || c == ']') {
      ++at;
    } else if (c == ',' && !expects_value) {
      expects_value = true;
      ++at;
    } else {
      const auto value = expects_value ? parse_integer(at) : std::nullopt;
      if (!value) return {};
      values.push_back(*value);
      expects_value = false;
    }
  }
  return values;
}

}  // namespace

const std::string* AttributeReader::find(const char* key) {
  known_.insert(key);
  const auto it = attributes_.find(key);
  return it == attributes_.end() ? nullptr : &it->second;
}

void AttributeReader::fail(const char* key, const std::string& expected) {
  if (!status_.ok()) return;
  const auto it = attributes_.find(key);
  const std::string found = it == attributes_.end() ? "nothing" : "'" + it->second + "'";
  status_ = invalid_argument(op_ + ": expected " + key + " to be " + expected + ", found " + found);
}

int64_t AttributeReader::integer(const char* key, int64_t low, std::optional<int64_t> fallback) {
  const std::string* text = find(key);
  if (text == nullptr && fallback) return *fallback;
  const std::vector<int64_t> values = text == nullptr ? std::vector<int64_t>() : parse_integers(*text);
  if (values.size() == 1 && values[0] >= low) return values[0];
  fail(key, "an integer of at least " + std::to_string(low));
  return low;
}

Pair AttributeReader::pair(const char* key, int64_t low, std::optional<Pair> fallback) {
  const std::string* text = find(key);
  if (text == nullptr && fallback) return *fallback;
  const std::vector<int64_t> values = text == nullptr ? std::vector<int64_t>() : parse_integers(*text);
  if (values.size() == 2 && values[0] >= low && values[1] >= low) return {values[0], values[1]};
  fail(key, "two integers (height, width) of at least " + std::to_string(low));
  return {};
}

bool AttributeReader::boolean(const char* key, bool fallback) {
  const std::string* text = find(key);
  if (text == nullptr) return fallback;
  if (*text == "True" || *text == "true" || *text == "1") return true;
  if (*text != "False" && *text != "false" && *text != "0") fail(key, "True or False");
  return false;
}

float AttributeReader::non_negative(const char* key, float fallback) {
  const std::string* text = find(key);
  if (text == nullptr) return fallback;
  char* end = nullptr;
  const float value = std::strtof(text->c_str(), &end);
  if (end != text->c_str() && *end == '\0' && value >= 0) return value;
  fail(key, "a number of at least 0, or inf");
  return fallback;
}

int AttributeReader::choice(const char* key, std::initializer_list<const char*> choices) {
  const std::string* text = find(key);
  if (text == nullptr) return 0;
  std::string names;
  int index = 0;
  for (const char* name : choices) {
    if (*text == name) return index;
    names += std::string(index++ == 0 ? "'" : " or '") + name + "'";
  }
  fail(key, names);
  return 0;
}

Status AttributeReader::status() {
  if (!status_.ok()) return status_;
  for (const auto& [key, value] : attributes_) {
    if (key.compare(0, 2, "__") != 0 && known_.count(key) == 0) {
      return invalid_argument(op_ + ": found attribute " + key + "='" + value +
                              "', which this operator does not have; remove it");
    }
  }
  return {};
}

}  // namespace bmx
