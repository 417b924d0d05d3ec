// Channel: one connection in pipeline mode; statements are queued, then run in one round trip.
//
// What is true:
// - The statements of one run() are one transaction unless BEGIN and COMMIT are among them: the
// server
//   commits at the end of the message and stops at the first error.
// - A statement is prepared on the connection when it is first queued, in the same round trip.
// - A lost connection is kUnavailable; connect() opens another one. A run() that was sent is never
// repeated
//   here: the server may have done it.
// - On a fiber, waiting for the server lets others run; the channel then belongs to that thread
//   until leave_thread().
// One thread (and fiber) at a time.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/fiber.h"
#include "target/postgres/connection.h"
#include "target/postgres/serve/params.h"

namespace offramp::target::postgres {

// SQL with the types of its parameters. Belongs to one channel.
struct Statement {
  std::string sql;
  std::vector<Oid> types;
  const char* doing = "use the table";  // for errors
  // Filled by the channel.
  std::string name;
  uint64_t prepared = 0;  // the connection's number; 0: on none
};

class Channel {
 public:
  // `lock_timeout`: how long a statement waits for a lock that someone holds, as PostgreSQL writes
  // it.
  Channel(std::string url, std::string lock_timeout)
      : url_(std::move(url)), lock_timeout_(std::move(lock_timeout)) {}

  // Connects unless a connection is there and alive, as far as this side has heard.
  Status connect();
  // Gives up the connection.
  void close();
  // Whether there is one, as far as this side has noticed.
  bool connected() const { return connection_.has_value(); }
  // Another thread may use it next.
  void leave_thread() { waiter_.reset(); }

  void queue(Statement& statement, Params& params);
  void queue(Statement& statement);
  // Sends what was queued and reads the results, one per queued statement. On an error nothing is
  // left queued and no transaction is open.
  Status run();
  // The results of the newest run(), by the order of queue(). They live until the next run().
  const QueryResult& result(size_t index) const { return results_[index]; }
  QueryResult take(size_t index) { return std::move(results_[index]); }
  size_t queued() const { return queued_; }

  // Of the newest error; "" when the connection was lost.
  const std::string& sqlstate() const { return sqlstate_; }
  const std::string& constraint() const { return constraint_; }
  // Takes back a statement that is no longer needed from the server, with the next run().
  void forget(Statement& statement);
  const std::string& where() const { return where_; }

 private:
  struct Entry {
    Statement* statement;
    bool prepare;  // its result is nobody's
  };
  Status open();
  Status lost(std::string_view doing);
  // Until the socket is ready for one of `events` (poll's).
  void wait(short events);
  // The next result, or null; as PQgetResult, which would block.
  PGresult* next_result();
  Status send();
  Status collect();
  void end_failed_transaction();

  const std::string url_, lock_timeout_;
  std::optional<Connection> connection_;
  std::unique_ptr<io::SocketWaiter> waiter_;  // of the connection's socket; goes before it
  uint64_t generation_ = 0;                   // of the connection
  uint64_t names_ = 0;
  std::vector<Entry> entries_;
  size_t queued_ = 0;
  bool send_failed_ = false;
  std::vector<QueryResult> results_;
  std::vector<std::string> forgotten_;  // names
  std::string sqlstate_, constraint_, where_;
  Params none_;
  Statement deallocate_{.doing = "give up a statement"};
};

}  // namespace offramp::target::postgres
