// The one table from error kind to name and exit code.
#include "base/error.h"

namespace offramp::base {

std::string_view error_kind_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kRetry:
      return "retry";
    case ErrorKind::kThrottled:
      return "throttled";
    case ErrorKind::kBadItem:
      return "bad_item";
    case ErrorKind::kConflict:
      return "conflict";
    case ErrorKind::kConfig:
      return "config";
    case ErrorKind::kUnsupported:
      return "unsupported";
    case ErrorKind::kCorrupt:
      return "corrupt";
    case ErrorKind::kUnavailable:
      return "unavailable";
    case ErrorKind::kGap:
      return "gap";
    case ErrorKind::kCancelled:
      return "cancelled";
    case ErrorKind::kInternal:
      return "internal";
  }
  return "internal";
}

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kBadItem:
      return 1;
    case ErrorKind::kConfig:
    case ErrorKind::kConflict:
    case ErrorKind::kUnsupported:
      return 2;
    case ErrorKind::kRetry:
    case ErrorKind::kThrottled:
    case ErrorKind::kCorrupt:
    case ErrorKind::kUnavailable:
    case ErrorKind::kGap:
    case ErrorKind::kCancelled:
      return 3;
    case ErrorKind::kInternal:
      return 4;
  }
  return 4;
}

}  // namespace offramp::base
