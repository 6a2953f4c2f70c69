// bmx-run: a packed model on a device without Python.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <numeric>
#include <string>
#include <vector>

#include "runtime/profile.h"
#include "runtime/session.h"
#include "tools/npy.h"
#include "tools/run_options.h"

namespace bmx {
namespace {

constexpr int kFailure = 1, kUsage = 2;

struct Timing {
  double median_ms = 0, min_ms = 0;
};

struct Candidate {
  int64_t index;
  double value;
};

// Gives the array the batch axis that the model expects, if it has none.
void add_batch_axis(const Graph& graph, NpyArray* array) {
  if (array->shape.size() == graph.inputs[0].type.shape.size()) array->shape.insert(array->shape.begin(), 1);
}

Status run_repeatedly(Session* session, const NpyArray& array, int64_t repeat, Timing* timing) {
  const InputArray input{array.bytes.data(), array.type, array.shape.data(), array.shape.size()};
  if (repeat == 0) return session->run(&input, 1);
  Result<std::vector<double>> times = time_runs(session, &input, 1, repeat);
  if (!times.ok()) return times.status();
  std::sort(times->begin(), times->end());
  *timing = {(*times)[times->size() / 2], times->front()};
  return {};
}

double element(const OutputArray& output, int64_t index) {
  if (output.type == TensorType::kI32) return static_cast<const int32_t*>(output.data)[index];
  return static_cast<const float*>(output.data)[index];
}

// The k largest entries of a sample, largest first; of equal ones the smaller index comes first.
std::vector<Candidate> top_of(const OutputArray& output, int64_t sample, int64_t k) {
  const int64_t classes = output.shape[1];
  std::vector<Candidate> candidates;
  for (int64_t c = 0; c < classes; ++c) candidates.push_back({c, element(output, sample * classes + c)});
  // Largest value first, NaN last, equal values by index: an order that sorting can rely on.
  const auto larger = [](const Candidate& a, const Candidate& b) {
    const bool a_nan = std::isnan(a.value), b_nan = std::isnan(b.value);
    if (a_nan || b_nan) return a_nan != b_nan ? b_nan : a.index < b.index;
    return a.value != b.value ? a.value > b.value : a.index < b.index;
  };
  const auto end = candidates.begin() + std::min(k, classes);
  std::partial_sort(candidates.begin(), end, candidates.end(), larger);
  candidates.erase(end, candidates.end());
  return candidates;
}

std::string label_of(const Graph& graph, int64_t index) {
  const auto i = static_cast<size_t>(index);
  return i < graph.classes.size() ? graph.classes[i] : std::to_string(index);
}

// JSON string. Labels come from the file, so nothing may pass that would end the string.
std::string quoted(const std::string& text) {
  std::string json = "\"";
  for (char c : text) {
    if (is_control_character(c)) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      json += escape;
    } else {
      if (c == '"' || c == '\\') json += '\\';
      json += c;
    }
  }
  return json + "\"";
}

std::string printable(std::string text) {
  std::replace_if(text.begin(), text.end(), is_control_character, '?');
  return text;
}

// JSON has no NaN and no infinity.
std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.9g", value);
  return value - value == 0 ? text : "null";
}

void print_lines(const RunOptions& options, const Session& session, const Timing& timing) {
  const OutputArray output = session.output(0);
  for (int64_t n = 0; options.top > 0 && n < output.shape[0]; ++n) {
    for (const Candidate& candidate : top_of(output, n, options.top)) {
      std::printf("%lld\t%s\t%.6g\n", static_cast<long long>(n),
                  printable(label_of(session.model().graph(), candidate.index)).c_str(), candidate.value);
    }
  }
  if (options.repeat > 0) std::printf("median %.4f ms, min %.4f ms\n", timing.median_ms, timing.min_ms);
}

std::string top_json(const Session& session, int64_t sample, int64_t k) {
  std::string json;
  for (const Candidate& candidate : top_of(session.output(0), sample, k)) {
    json += std::string(json.empty() ? "" : ", ") + "{\"index\": " + std::to_string(candidate.index) +
            ", \"label\": " + quoted(label_of(session.model().graph(), candidate.index)) +
            ", \"value\": " + number(candidate.value) + "}";
  }
  return "[" + json + "]";
}

void print_json(const RunOptions& options, const Session& session, const Timing& timing) {
  const OutputArray output = session.output(0);
  std::string json = "{\"model\": " + quoted(options.model) +
                     ", \"isa\": " + quoted(session.model().kernels().name) +
                     ", \"batch\": " + std::to_string(output.shape[0]) +
                     ", \"threads\": " + std::to_string(session.threads());
  if (!options.output.empty()) json += ", \"output\": " + quoted(options.output);
  if (options.top > 0) {
    json += ", \"top\": [";
    for (int64_t n = 0; n < output.shape[0]; ++n) json += (n ? ", " : "") + top_json(session, n, options.top);
    json += "]";
  }
  if (options.repeat > 0) {
    json += ", \"repeat\": " + std::to_string(options.repeat) +
            ", \"median_ms\": " + number(timing.median_ms) + ", \"min_ms\": " + number(timing.min_ms);
  }
  std::printf("%s}\n", json.c_str());
}

Status execute(const RunOptions& options) {
  Result<std::shared_ptr<const Model>> model = Model::open(options.model, options.isa);
  if (!model.ok()) return model.status();
  const Graph& graph = (*model)->graph();
  if (graph.inputs.size() != 1) {
    return unsupported(options.model + ": the model has " + std::to_string(graph.inputs.size()) +
                       " inputs, bmx-run gives it one; use the C API or bmx.runtime");
  }
  if (options.top > 0 && graph.value_type(graph.outputs[0]).shape.size() != 1) {
    return unsupported(options.model +
                       ": the first output is not a list of classes; use --output instead of --top");
  }
  Result<NpyArray> array = read_npy(options.input);
  if (!array.ok()) return array.status();
  add_batch_axis(graph, &*array);

  Session session(*model, static_cast<int>(options.threads));
  Timing timing;
  BMX_RETURN_IF_ERROR(run_repeatedly(&session, *array, options.repeat, &timing));
  const OutputArray output = session.output(0);
  if (!options.output.empty()) {
    const Shape shape(output.shape, output.shape + output.rank);
    BMX_RETURN_IF_ERROR(write_npy(options.output, output.data, output.type, shape));
  }
  options.json ? print_json(options, session, timing) : print_lines(options, session, timing);
  return {};
}

int fail(const std::string& message, int exit_status) {
  std::fprintf(stderr, "bmx-run: %s\n", message.c_str());
  return exit_status;
}

int run_command(const std::vector<std::string>& arguments) {
  const Result<RunOptions> options = parse_run_options(arguments, std::getenv("BMX_ISA"));
  if (!options.ok()) return fail(options.status().message(), kUsage);
  if (options.value().help) {
    std::fputs(run_usage().c_str(), stdout);
    return 0;
  }
  const Status status = execute(options.value());
  if (!status.ok()) return fail(status.message(), kFailure);
  return std::fflush(stdout) == 0 ? 0 : fail("cannot write to the standard output", kFailure);
}

}  // namespace
}  // namespace bmx

int main(int argc, char** argv) {
  try {
    return bmx::run_command(std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
  } catch (const std::exception& error) {  // out of memory: the library itself throws nothing
    return bmx::fail(error.what(), bmx::kFailure);
  }
}
