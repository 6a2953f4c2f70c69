// How functions of the library report failure. Nothing in src/ throws across the C API, prints or aborts.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace bmx {

enum class Code {
  kOk = 0,
  kInvalidArgument,  // the caller's values do not fit: shape, dtype, name, size
  kUnsupported,      // well formed, but this build or this CPU has no implementation
  kCorruptFile,      // the bytes are not a valid .bmx file
  kIo,               // the operating system refused
  kOutOfMemory,
};

// Messages are one sentence: what was expected, what was found, what to do.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  Code code_ = Code::kOk;
  std::string message_;
};

inline Status invalid_argument(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }
inline Status unsupported(std::string message) { return {Code::kUnsupported, std::move(message)}; }
inline Status corrupt_file(std::string message) { return {Code::kCorruptFile, std::move(message)}; }

// A value or the Status that explains why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT: conversions are the point
  Result(Status status) : value_(std::move(status)) {}  // NOLINT

  bool ok() const { return std::holds_alternative<T>(value_); }
  Status status() const { return ok() ? Status() : std::get<Status>(value_); }
  T& value() { return std::get<T>(value_); }
  const T& value() const { return std::get<T>(value_); }
  T& operator*() { return value(); }
  T* operator->() { return &value(); }

 private:
  std::variant<Status, T> value_;
};

}  // namespace bmx

#define BMX_RETURN_IF_ERROR(expression)        \
  do {                                         \
    ::bmx::Status bmx_status_ = (expression);  \
    if (!bmx_status_.ok()) return bmx_status_; \
  } while (0)
