// Health: whether one table's migration makes progress, told from samples over time. Health is
// progress, not being alive.
//
// Two things must move, each within the limit: what is read (answers of the stream, empty ones too)
// and what is written (batches of the load, applied changes; a table that is proved idle moves
// `applied until`). Not asked for: reading outside the plan's hours, and what cannot be seen from
// here: a source that is being opened (an export's windows are put together first), the target's
// own statements after the load (keys, indexes), the repair of a gap. Pure; one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "io/clock.h"
#include "migrate/metrics/sample.h"

namespace offramp::migrate::metrics {

class Health {
 public:
  explicit Health(std::chrono::seconds limit) : limit_(limit) {}

  // To be called every few seconds: what changed since the last call has happened since then.
  void observe(const Sample& sample, io::Clock::Steady now);
  // Empty while there is progress, else one sentence that says what does not move.
  std::string complaint(io::Clock::Steady now) const;

 private:
  // A value and when it last changed.
  struct Watched {
    uint64_t value = 0;
    std::optional<io::Clock::Steady> at;
    void see(uint64_t now_value, io::Clock::Steady now) {
      if (at && value == now_value) return;
      value = now_value;
      at = now;
    }
  };
  // Seconds since it changed when that is longer than the limit.
  std::optional<int64_t> overdue(const Watched& watched, io::Clock::Steady now) const;

  const std::chrono::seconds limit_;
  Sample last_;
  Watched answers_, written_, phase_;
  std::optional<io::Clock::Steady> target_away_since_;
};

}  // namespace offramp::migrate::metrics
