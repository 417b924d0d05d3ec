// Sample: what is known of one table's migration at one moment, as plain numbers; what /metrics and
// /healthz are made of.
//
// Counters are since the process began: a reader of counters (rate(), increase()) knows how to take
// a restart. Holds no item content and no keys (C12).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "migrate/journal.h"
#include "migrate/live_state.h"

namespace offramp::migrate::metrics {

// The newest comparison of both sides; may be an earlier process's.
struct Verdict {
  bool equal = false;
  uint64_t missing = 0, extra = 0, different = 0, refused = 0, waived = 0, unsettled = 0;
  int64_t at_s = 0;           // Unix seconds
  int64_t equal_until_s = 0;  // 0: not said
};

struct Sample {
  std::string phase = "starting";  // one of kPhases (families.h)
  // The load.
  uint64_t records = 0, source_bytes = 0, stored = 0, overflow = 0, skipped = 0, refused = 0;
  // Grows whenever a step reads or writes something; only its changing means anything.
  uint64_t steps = 0;
  bool window_closed = false;  // the load waits for the plan's hours of reading
  // With `capture: streams`, once the capture has begun.
  std::optional<LiveState> live;
  uint64_t stream_answers = 0;
  bool following = false;      // changes are being applied
  std::string target_waiting;  // why the target is waited for; empty when it is not
  uint64_t source_retries = 0, source_throttles = 0;

  Journal::LetterCounts letters;
  std::optional<Verdict> verdict;
};

}  // namespace offramp::migrate::metrics
