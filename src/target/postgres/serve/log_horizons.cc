#include "target/postgres/serve/log_horizons.h"

#include <algorithm>

namespace offramp::target::postgres {

namespace {
constexpr size_t kNotesMax = 64;
constexpr size_t kLogsMax = 10'000;
}  // namespace

LogHorizons::Known LogHorizons::known(const std::string& name) {
  std::lock_guard lock(mutex_);
  auto found = logs_.find(name);
  return found == logs_.end() ? Known() : found->second.known;
}

LogHorizons::Known LogHorizons::looked(const std::string& name, const Look& look) {
  std::lock_guard lock(mutex_);
  // Logs that other processes have dropped; the others are looked at anew.
  if (logs_.size() > kLogsMax) logs_.clear();
  Log& log = logs_[name];
  // A server that stands in for another one may have lost the end.
  if (look.last < log.known.number) log = {};
  uint64_t next = look.oldest + (look.next_transaction - static_cast<uint32_t>(look.oldest));
  uint64_t noted = log.notes.empty() ? log.known.number : log.notes.back().last;
  if (look.last > noted) {
    // Looks of several threads may come in another order than they were made.
    if (!log.notes.empty()) next = std::max(next, log.notes.back().transaction);
    if (log.notes.size() == kNotesMax) log.notes.pop_back();
    Time at = std::max(look.at, log.notes.empty() ? log.known.at : log.notes.back().at);
    log.notes.push_back({look.last, next, at});
  } else if (look.last == noted) {
    // No number was given out since.
    Time& at = log.notes.empty() ? log.known.at : log.notes.back().at;
    at = std::max(at, look.at);
  }
  auto open = std::find_if(log.notes.begin(), log.notes.end(),
                           [&](const Note& note) { return note.transaction > look.oldest; });
  if (open != log.notes.begin()) log.known = {(open - 1)->last, (open - 1)->at};
  log.notes.erase(log.notes.begin(), open);
  return log.known;
}

void LogHorizons::forget(const std::string& name) {
  std::lock_guard lock(mutex_);
  logs_.erase(name);
}

}  // namespace offramp::target::postgres
