// LiveState: what a process that captures and follows says about itself once a second, in
// PLAN.offramp/live.json.
//
// For people and `status`; nothing is derived from it when a run goes on. Holds no item content
// (C12).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace offramp::migrate {

struct LiveState {
  int64_t at_ms = 0;  // when it was written, Unix ms
  std::string phase;  // "capturing", "loading", "catching up", "in sync", "repairing", "verifying"
  int64_t captured_until_ms = 0;  // every change up to here is in the spool; 0: not known yet
  int64_t applied_until_ms = 0;   // every change up to here is at the target; 0: not known yet
  uint64_t shards = 0, shards_open = 0;
  std::string expiring_shard;  // the shard that is farthest behind
  int64_t expires_at_ms =
      0;  // when a record that it has not read yet could begin to expire; 0: nothing could
  uint64_t spool_bytes = 0, spool_changes = 0, spool_keys = 0;
  // Since the process began.
  uint64_t captured = 0, deletions = 0, ttl_deletions = 0, applied = 0, bytes = 0, retries = 0;
  std::string
      waiting;  // why something waits: the target or the source is away; empty when nothing does

  // now − applied_until, or nothing while that is not known.
  std::optional<int64_t> lag_ms() const {
    if (applied_until_ms == 0) return std::nullopt;
    return at_ms > applied_until_ms ? at_ms - applied_until_ms : 0;
  }
};

std::string live_state_json(const LiveState& state);
// kCorrupt when the text is not ours.
Result<LiveState> parse_live_state(const std::string& json);

// Replaces PLAN.offramp/live.json (0600).
Status write_live_state(const std::string& folder, const LiveState& state);
// Nothing when there is none.
std::optional<LiveState> read_live_state(const std::string& folder);

}  // namespace offramp::migrate
