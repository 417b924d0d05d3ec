// What the connections of one server share: its options, counts, and the watch over their
// deadlines.
//
// Threads: options are constant; counts are atomics; the registry of connections is guarded by
// mutex_.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "io/http/answer.h"
#include "io/http/server.h"

namespace offramp::io::http {

// Milliseconds of a clock that only goes forward; some ms coarse, and cheap.
int64_t now_ms();

// What the watch sees of a connection.
class Watched {
 public:
  enum class Phase : uint8_t { kIdle, kBusy };
  virtual ~Watched() = default;

  std::atomic<int64_t> deadline_ms{INT64_MAX};
  std::atomic<Phase> phase{Phase::kIdle};
  // Any thread, while a reference is held: the socket is closed only with the connection's end.
  void cut() const;           // whatever it does
  void take_no_more() const;  // what has arrived is still answered

 protected:
  int fd_ = -1;  // constant once the connection runs
};

class Core {
 public:
  explicit Core(ServerOptions options) : options(std::move(options)) {}

  const ServerOptions options;
  std::atomic<uint64_t> connections{0}, requests{0}, refused{0}, bytes_in{0}, bytes_out{0};
  std::atomic<size_t> held_bytes{0};
  std::atomic<bool> draining{false};

  void add(const std::shared_ptr<Watched>& connection);
  void remove(Watched* connection);
  size_t open() const;
  // Cuts the connections that are overdue.
  void sweep();
  // No request after this one: idle connections end now.
  void drain();
  // Waits until no connection is open; false when `grace` has passed.
  bool wait_closed(std::chrono::milliseconds grace);
  void cut_all();

 private:
  std::vector<std::shared_ptr<Watched>> all() const;

  mutable std::mutex mutex_;
  std::condition_variable closed_;
  std::unordered_map<Watched*, std::weak_ptr<Watched>> watched_;  // guarded by mutex_
};

}  // namespace offramp::io::http
