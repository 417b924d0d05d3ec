// Error: what went wrong, to which object, and what to do next.
//
// The kind is chosen by what the caller should do, not by where the error arose; kind → exit code
// is the one table in error.cc. A code is stable text such as "export.md5_mismatch". Messages may
// show keys, never other item content or a secret (C12).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace offramp::base {

enum class ErrorKind {
  kRetry,        // a passing fault: the same call may succeed
  kThrottled,    // the other side asks us to slow down
  kBadItem,      // this one item cannot be used; the rest can
  kConflict,     // the other side holds something that must not be overwritten
  kConfig,       // wrong use or plan; nothing was touched
  kUnsupported,  // asked for something this side cannot do
  kCorrupt,      // bytes from outside contradict themselves or their checksum
  kUnavailable,  // a side failed or vanished; resumable
  kGap,          // something may be missing (C6)
  kCancelled,    // a signal or a caller asked to stop
  kInternal,     // a defect of ours
};

// The name used in JSON output, e.g. "bad_item".
std::string_view error_kind_name(ErrorKind kind);

// 0 done, 1 differences or refused items, 2 wrong use, 3 a side failed or a gap, 4 our defect.
int exit_code(ErrorKind kind);

class [[nodiscard]] Error {
 public:
  Error(ErrorKind kind, std::string code, std::string message)
      : state_(std::make_unique<State>(State{kind, std::move(code), std::move(message)})) {}
  Error(Error&&) noexcept = default;
  Error& operator=(Error&&) noexcept = default;
  Error(const Error& other) : state_(std::make_unique<State>(*other.state_)) {}
  Error& operator=(const Error& other) {
    state_ = std::make_unique<State>(*other.state_);
    return *this;
  }

  ErrorKind kind() const { return state_->kind; }
  const std::string& code() const { return state_->code; }
  const std::string& message() const { return state_->message; }

  // Puts "what: " before the message: the object that the error passed through, e.g. a file name.
  Error with_context(std::string_view what) && {
    state_->message = std::string(what) + ": " + state_->message;
    return std::move(*this);
  }

 private:
  struct State {
    ErrorKind kind;
    std::string code;
    std::string message;
  };
  std::unique_ptr<State> state_;
};

}  // namespace offramp::base

namespace offramp {
using base::Error;
using base::ErrorKind;
}  // namespace offramp
