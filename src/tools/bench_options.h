// The command line of bmx-bench.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/status.h"
#include "runtime/profile.h"
#include "tools/options.h"

namespace bmx {

inline std::string bench_usage() {
  return with_isa_names(R"(Usage: bmx-bench kernels [options]

Times the kernels on the layers of docs/performance.md, each with its float epilogue, and compares them with the
registers-only peak of the instruction set, measured in the same run.

  --isa NAME     instruction set to use: auto, or one of this build: ISAS (default: BMX_ISA, otherwise auto)
  --threads N    threads to use, 1 to 256 (default 1)
  --only NAME    one case
  --repeat N     only run the cases N times, without timing: for instruction counts
  --json         print one JSON object instead of a table
  --help         this text

Exit status: 0 success, 1 the run failed, 2 the command line is wrong.
)");
}

struct BenchOptions {
  std::string isa = "auto", only;
  int64_t threads = 1;
  int64_t repeat = 0;
  bool json = false, help = false;
};

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
        BMX_RETURN_IF_ERROR(set_count(name, arguments[i], kMaxThreads, &options.threads));
      if (name == "--repeat")
        BMX_RETURN_IF_ERROR(set_count(name, arguments[i], kMaxTimedRuns, &options.repeat));
    } else {
      return invalid_argument("unknown argument '" + name + "'; see bmx-bench --help");
    }
  }
  if (!kernels) return invalid_argument("say what to measure: bmx-bench kernels; see bmx-bench --help");
  return options;
}

}  // namespace bmx
