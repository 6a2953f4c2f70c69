// The command line of bmx-run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "runtime/profile.h"
#include "tools/options.h"

namespace bmx {

inline std::string run_usage() {
  return with_isa_names(R"(Usage: bmx-run FILE --input X.npy [options]

Runs a packed model (.bmx) on an array and prints the best classes or writes the result.

  --input X.npy    float32 as in training, or uint8 if the file stores its preprocessing or takes bytes; with or without a batch axis
  --output Y.npy   write the first output (with its batch axis) instead of printing classes
  --top K          print the K largest entries of the first output for each sample (default 5 without --output)
  --isa NAME       instruction set to use: auto, or one of this build: ISAS (default: BMX_ISA, otherwise auto)
  --threads N      threads to use, 1 to 256 (default 1); the result does not depend on it
  --repeat N       run N times and print the median and the shortest time
  --json           print one JSON object instead of lines
  --help           this text

Example: bmx-run lenet.bmx --input digits.npy --top 3
Exit status: 0 success, 1 the run failed, 2 the command line is wrong.
)");
}

struct RunOptions {
  std::string model, input, output, isa = "auto";
  int64_t top = 0;
  int64_t threads = 1;
  int64_t repeat = 0;  // 0: run once, without timing
  bool json = false;
  bool help = false;
};

namespace run_options {

inline constexpr int64_t kMostClasses = 999999999;

inline Status set_value(const std::string& name, const std::string& value, RunOptions* options) {
  if (name == "--top") return set_count(name, value, kMostClasses, &options->top);
  if (name == "--repeat") return set_count(name, value, kMaxTimedRuns, &options->repeat);
  if (name == "--threads") return set_count(name, value, kMaxThreads, &options->threads);
  std::string* text = name == "--input"    ? &options->input
                      : name == "--output" ? &options->output
                      : name == "--isa"    ? &options->isa
                                           : nullptr;
  if (!text) return invalid_argument("unknown option '" + name + "'; see bmx-run --help");
  if (value.empty()) return invalid_argument(name + " needs a value");
  *text = value;
  return {};
}

}  // namespace run_options

// environment_isa: the value of BMX_ISA, or null.
inline Result<RunOptions> parse_run_options(const std::vector<std::string>& arguments,
                                            const char* environment_isa) {
  RunOptions options;
  if (environment_isa && *environment_isa) options.isa = environment_isa;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--help") {
      options.help = true;
      return options;
    }
    if (argument == "--json") {
      options.json = true;
    } else if (argument.rfind("-", 0) == 0 && argument.size() > 1) {
      const size_t equals = argument.find('=');
      const std::string name = argument.substr(0, equals);
      const bool separate = equals == std::string::npos && i + 1 < arguments.size();
      const std::string value = separate                      ? arguments[++i]
                                : equals == std::string::npos ? ""
                                                              : argument.substr(equals + 1);
      BMX_RETURN_IF_ERROR(run_options::set_value(name, value, &options));
    } else if (options.model.empty()) {
      options.model = argument;
    } else {
      return invalid_argument("one model file is expected, found also '" + argument + "'");
    }
  }
  if (options.model.empty()) return invalid_argument("no model file was given; see bmx-run --help");
  if (options.input.empty()) return invalid_argument("--input is missing; see bmx-run --help");
  if (options.top == 0 && options.output.empty()) options.top = 5;
  return options;
}

}  // namespace bmx
