// SessionPool: the sessions of a store, few, each lent to one caller at a time.
//
// What is true:
// - Who comes when all are lent waits; on a fiber, others run meanwhile.
// - Batches of points have sessions beside those, never wait for one, and give theirs up when a
//   caller has none: one connection in all is enough.
// - That the server has no further connection to give is no error while there is a session to wait
//   for. Without any, the caller hears of it after kConnectionPatience: a server counts those that
//   it is about to refuse, or that have just ended, too.
// - A session whose connection was lost is given up when it comes back.
// Any thread.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "io/fiber.h"
#include "target/postgres/serve/retry.h"
#include "target/postgres/serve/session.h"

namespace offramp::target::postgres {

class SessionPool {
 public:
  SessionPool(std::string url, std::string schema, std::shared_ptr<LogHorizons> horizons)
      : url_(std::move(url)), schema_(std::move(schema)), horizons_(std::move(horizons)) {}

  // Runs `call(Session&)`, which returns a Status, with a session for it alone. `origin`: of what
  // it writes. A call fails for want of a connection before it has done anything: it is run again
  // with the next session.
  template <class Call>
  Status run(std::string_view origin, Call call) {
    for (;;) {
      Lease session(*this, origin);
      Status status = call(*session);
      bool again = !status.ok() && is_no_connection_left(status.error()) &&
                   !(*session).connected() && !session.refused();
      if (!again) return status;
    }
  }

  // A session for a batch of points, or null; on the thread that gives it back.
  std::unique_ptr<Session> take_for_points();
  void give_back_from_points(std::unique_ptr<Session> session);

  // A connection beside the sessions, for what the store cannot do without: while the server has
  // none to give, sessions are given up for it. One caller at a time; blocks its thread.
  Result<Connection> open_beside();

 private:
  class Lease {
   public:
    Lease(SessionPool& pool, std::string_view origin);
    ~Lease() { pool_.give_back(std::move(session_)); }
    Lease(const Lease&) = delete;
    Session& operator*() const { return *session_; }
    // Whether the server has no connection for it, and there is no other to wait for.
    bool refused() const { return refused_; }

   private:
    SessionPool& pool_;
    bool refused_ = false;
    std::unique_ptr<Session> session_;
  };
  struct Waiting {
    std::unique_ptr<Session> session;  // null: there is room for another one
    io::Wakeup woken;
  };
  using Clock = std::chrono::steady_clock;

  std::unique_ptr<Session> take(bool& refused);
  void give_back(std::unique_ptr<Session> session);
  // Closes an idle session, or the next one that comes back.
  void make_room();
  // A new session, which counts already. Null when the server has no connection for it while there
  // are others to wait for; then it no longer counts.
  std::unique_ptr<Session> connect(bool& refused);

  const std::string url_, schema_;
  const std::shared_ptr<LogHorizons> horizons_;
  std::mutex mutex_;                             // guards all below
  std::vector<std::unique_ptr<Session>> idle_;   // the newest last
  std::vector<std::unique_ptr<Session>> point_;  // idle ones for batches of points
  size_t sessions_ = 0;                          // lent, idle, and being connected; not for points
  Clock::time_point full_until_;
  bool room_wanted_ = false;  // the next session that comes back is closed
  std::optional<Clock::time_point>
      without_since_;  // a caller has no connection, nor another to wait for
  std::deque<Waiting*> waiting_;
};

}  // namespace offramp::target::postgres
