// Lookout: whether it pays for a thread to look for the next event for a while before it sleeps.
//
// To be woken takes tens of microseconds, which is most of what a client with one request at a time
// waits for. So where the last waits were shorter than that, the thread looks on; where they were
// not, it sleeps at once, and a server with little to do costs nothing.
#pragma once

#include <algorithm>
#include <chrono>

namespace offramp::io::http {

class Lookout {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // How long it looks at most: about what being woken takes.
  static constexpr std::chrono::microseconds kLength{100};

  // A wait begins.
  void begin(Time at = now()) {
    begin_ = at;
    waits_ = true;
  }
  bool worth_it() const { return balance_ >= kEnough; }
  bool goes_on(Time at = now()) const { return at - begin_ < kLength; }
  // It looked in vain, and sleeps now.
  void missed() { balance_ -= kMissed; }
  // What it waited for is there. (Nothing when it did not wait.)
  void woken(Time at = now()) {
    if (!waits_) return;
    waits_ = false;
    balance_ = std::clamp(balance_ + (goes_on(at) ? 1 : -1), 0, kMost);
  }

 private:
  static Time now() { return std::chrono::steady_clock::now(); }

  static constexpr int kEnough = 8, kMost = 16, kMissed = 4;
  Time begin_;
  bool waits_ = false;
  int balance_ = 0;  // of short waits over others, of late
};

}  // namespace offramp::io::http
