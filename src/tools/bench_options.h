// The command line of bmx-bench.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/status.h"

namespace bmx {

inline constexpr const char* kBenchUsage = R"(Usage: bmx-bench kernels [options]

Times the kernels on the layers of docs/performance.md, each with its float epilogue, and compares them with the
registers-only peak of the instruction set, measured in the same run.

  --isa NAME     instruction set to use (default: BMX_ISA, otherwise auto)
  --threads N    threads to use, 1 to 256 (default 1)
  --only NAME    one case
  --repeat N     only run the cases N times, without timing: for instruction counts
  --json         print one JSON object instead of a table
  --help         this text

Exit status: 0 success, 1 the run failed, 2 the command line is wrong.
)";

struct BenchOptions {
  std::string isa = "auto", only;
  int64_t threads = 1;
  int64_t repeat = 0;
  bool json = false, help = false;
};

inline Status set_bench_number(const std::string& name, const std::string& text, int64_t most,
                               int64_t* value) {
  char* end = nullptr;
  *value = std::strtoll(text.c_str(), &end, 10);
  if (!text.empty() && *end == '\0' && *value >= 1 && *value <= most) return {};
  return invalid_argument(name + " needs a number from 1 to " + std::to_string(most) + ", found '" + text +
                          "'");
}

inline Result<BenchOptions> parse_bench_options(const std::vector<std::string>& arguments) {
  BenchOptions options;
  if (const char* isa = std::getenv("BMX_ISA")) options.isa = isa;
  bool kernels = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& name = arguments[i];
    if (name == "--help" || name == "-h") {
      options.help = true;
      return options;
    }
    if (name == "kernels" && !kernels) {
      kernels = true;
    } else if (name == "--json") {
      options.json = true;
    } else if (name == "--isa" || name == "--only" || name == "--threads" || name == "--repeat") {
      if (++i == arguments.size()) return invalid_argument(name + " needs a value");
      if (name == "--isa") options.isa = arguments[i];
      if (name == "--only") options.only = arguments[i];
      if (name == "--threads")
        BMX_RETURN_IF_ERROR(set_bench_number(name, arguments[i], 256, &options.threads));
      if (name == "--repeat")
        BMX_RETURN_IF_ERROR(set_bench_number(name, arguments[i], 1000000, &options.repeat));
    } else {
      return invalid_argument("unknown argument '" + name + "'; see bmx-bench --help");
    }
  }
  if (!kernels) return invalid_argument("say what to measure: bmx-bench kernels; see bmx-bench --help");
  return options;
}

}  // namespace bmx
