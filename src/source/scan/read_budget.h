// ReadBudget: how fast all that share it together may read, segments and lookups: read units per
// second, items per hour, hours of the day.
//
// A request reserves what its predecessor cost and settles the difference when its real cost is
// known, so that the average holds whatever the pages weigh; unused time is kept for at most a
// second. Pages are made small enough (page_limit) that one page is about a second of the budget.
// Thread-safe: everything that changes is guarded by mutex_, which is never held while waiting.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>

#include "base/result.h"
#include "io/clock.h"
#include "source/scan/daily_window.h"

namespace offramp::source::scan {

struct PageCost {
  double units = 0;
  uint64_t items = 0;
};

// Of lookups by key nothing is learnt about pages: an item costs a unit at least there.
enum class ReadKind { kPage, kLookup };

class ReadBudget {
 public:
  // 0 means without limit.
  ReadBudget(double units_per_second, uint64_t items_per_hour, std::optional<DailyWindow> window,
             io::Clock& clock);

  // Waits until a page of about `estimate` may be read. kCancelled when `stop` was requested.
  Status acquire(const PageCost& estimate, std::stop_token stop);
  void settle(const PageCost& estimate, const PageCost& actual, ReadKind kind = ReadKind::kPage);
  // The most items that the next page should have, or nothing.
  std::optional<uint64_t> page_limit();
  // 0: without limit.
  double units_per_second() const { return units_per_second_; }

 private:
  // A point in time up to which the budget has been given away.
  struct Pace {
    double per_second = 0;
    io::Clock::Steady spent_until;
  };
  std::chrono::nanoseconds reserve(Pace& pace, double amount, io::Clock::Steady now);
  void correct(Pace& pace, double amount);

  const double units_per_second_;
  const std::optional<DailyWindow> window_;
  io::Clock& clock_;
  std::mutex mutex_;
  Pace units_, items_;         // guarded by mutex_
  double units_per_item_ = 0;  // guarded by mutex_; 0: not known yet
};

}  // namespace offramp::source::scan
