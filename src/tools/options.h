// What the command lines of bmx-run and bmx-bench share.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/status.h"
#include "microkernels/kernels.h"

namespace bmx {

// The text with each "ISAS" replaced by the names of this build's instruction sets.
inline std::string with_isa_names(std::string text) {
  const std::string mark = "ISAS";
  for (size_t at = 0; (at = text.find(mark, at)) != std::string::npos;)
    text.replace(at, mark.size(), isa_names());
  return text;
}

inline bool parse_count(const std::string& text, int64_t most, int64_t* value) {
  if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string::npos)
    return false;
  *value = std::strtoll(text.c_str(), nullptr, 10);
  return *value > 0 && *value <= most;
}

inline Status set_count(const std::string& name, const std::string& text, int64_t most, int64_t* value) {
  if (parse_count(text, most, value)) return {};
  return invalid_argument(name + " needs a number from 1 to " + std::to_string(most) + ", found '" + text +
                          "'");
}

}  // namespace bmx
