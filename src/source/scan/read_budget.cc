#include "source/scan/read_budget.h"

#include <algorithm>

namespace offramp::source::scan {
namespace {

using std::chrono::nanoseconds;

constexpr auto kCarryMax = std::chrono::seconds(1);
// Long waits are cut, so that a change of the wall clock is noticed.
constexpr auto kSleepMax = std::chrono::minutes(1);
constexpr uint64_t kFirstPageItems = 100;
constexpr uint64_t kPageItemsMin = 16;

nanoseconds seconds(double value) { return nanoseconds(static_cast<int64_t>(value * 1e9)); }

}  // namespace

ReadBudget::ReadBudget(double units_per_second, uint64_t items_per_hour,
                       std::optional<DailyWindow> window, io::Clock& clock)
    : units_per_second_(units_per_second),
      window_(std::move(window)),
      clock_(clock),
      units_{units_per_second, clock.now()},
      items_{static_cast<double>(items_per_hour) / 3600, clock.now()} {}

nanoseconds ReadBudget::reserve(Pace& pace, double amount, io::Clock::Steady now) {
  if (pace.per_second <= 0) return nanoseconds(0);
  pace.spent_until = std::max(pace.spent_until, now - kCarryMax);
  nanoseconds wait = pace.spent_until - now;
  pace.spent_until += seconds(amount / pace.per_second);
  return std::max(wait, nanoseconds(0));
}

void ReadBudget::correct(Pace& pace, double amount) {
  if (pace.per_second > 0) pace.spent_until += seconds(amount / pace.per_second);
}

Status ReadBudget::acquire(const PageCost& estimate, std::stop_token stop) {
  nanoseconds wait;
  {
    std::lock_guard lock(mutex_);
    auto now = clock_.now();
    wait = std::max(reserve(units_, estimate.units, now),
                    reserve(items_, static_cast<double>(estimate.items), now));
  }
  auto cancelled = [] {
    return Error(ErrorKind::kCancelled, "scan.cancelled", "the scan was cancelled");
  };
  while (wait > nanoseconds(0)) {
    nanoseconds part = std::min<nanoseconds>(wait, kSleepMax);
    if (!clock_.sleep(part, stop)) return cancelled();
    wait -= part;
  }
  while (window_) {
    auto closed_for = window_->until_open(clock_.wall());
    if (closed_for.count() == 0) break;
    if (!clock_.sleep(std::min<nanoseconds>(closed_for, kSleepMax), stop)) return cancelled();
  }
  if (stop.stop_requested()) return cancelled();
  return {};
}

void ReadBudget::settle(const PageCost& estimate, const PageCost& actual, ReadKind kind) {
  std::lock_guard lock(mutex_);
  correct(units_, actual.units - estimate.units);
  correct(items_, static_cast<double>(actual.items) - static_cast<double>(estimate.items));
  if (kind == ReadKind::kPage && actual.items > 0) {
    double cost = actual.units / static_cast<double>(actual.items);
    units_per_item_ = units_per_item_ > 0 ? (units_per_item_ * 3 + cost) / 4 : cost;
  }
}

std::optional<uint64_t> ReadBudget::page_limit() {
  std::lock_guard lock(mutex_);
  std::optional<uint64_t> limit;
  if (units_.per_second > 0) {
    limit = kFirstPageItems;
    if (units_per_item_ > 0)
      limit = static_cast<uint64_t>(
          std::clamp(units_.per_second / units_per_item_, double{kPageItemsMin}, 1e6));
  }
  if (items_.per_second > 0) {
    auto a_minute = static_cast<uint64_t>(std::max(1.0, items_.per_second * 60));
    limit = std::min(limit.value_or(a_minute), a_minute);
  }
  return limit;
}

}  // namespace offramp::source::scan
