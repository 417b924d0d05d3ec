// LogHorizons: up to which number each change log is complete.
//
// A transaction may log a number and end after one with a higher number has ended. So the last
// number that was given out is noted, and with it the number of the next transaction: whoever has
// got one of the numbers up to there is an older transaction, because a row's trigger runs after
// its transaction got its number. Once the oldest transaction under way is as new as the one noted,
// no number up to the noted one can appear any more. With each number goes the moment of the look:
// whatever was logged before it has one of the numbers up to there. Any thread; all is guarded by
// one mutex, which is held for no longer than it takes to look.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace offramp::target::postgres {

class LogHorizons {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // What a look at the server found: `last` first, then the transactions, of one moment or later
  // ones.
  struct Look {
    uint64_t last;              // the last number that was given out
    uint64_t oldest;            // the oldest transaction under way, or the next one to begin
    uint32_t next_transaction;  // the lower half of the next one's number
    Time at{};                  // not after it
  };
  // All changes up to `number` are known; those logged before `at` are among them.
  struct Known {
    uint64_t number = 0;
    Time at = Time::min();
  };

  Known known(const std::string& name);
  // The same after the look.
  Known looked(const std::string& name, const Look& look);
  void forget(const std::string& name);

 private:
  struct Note {
    uint64_t last, transaction;
    Time at;
  };
  struct Log {
    Known known;
    std::vector<Note> notes;  // all members grow
  };
  std::mutex mutex_;
  std::unordered_map<std::string, Log> logs_;
};

}  // namespace offramp::target::postgres
