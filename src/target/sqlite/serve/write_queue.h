// WriteQueue: many threads' writes in few transactions (group commit).
//
// A commit of a file costs an fsync, so whoever finds nobody writing leads: it runs its own job and
// all that came in meanwhile in one transaction, a savepoint for each that needs it, and commits
// once; then the next waiting thread leads. A job's result is given out after the commit that makes
// it durable. `connection` is used under leading_ (one leader at a time) and, where readers share
// it, under `shared`.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>

#include "target/sqlite/serve/connection.h"

namespace offramp::target::sqlite::serve {

class WriteJob {
 public:
  virtual ~WriteJob() = default;
  // On the leader's thread, inside its transaction. An error must leave the transaction as it was.
  virtual Status run(Connection& connection) = 0;

 private:
  friend class WriteQueue;
  Status status_;
  bool done_ = false, leads_ = false;
  std::condition_variable changed_;
};

class WriteQueue {
 public:
  // `shared` is null when nobody else uses the connection.
  WriteQueue(Connection& connection, std::mutex* shared)
      : connection_(connection), shared_(shared) {}

  Status run(WriteJob& job);

 private:
  // One transaction of waiting jobs.
  void lead();
  void run_jobs(std::vector<WriteJob*>& ran);
  WriteJob* next(size_t ran);

  Connection& connection_;
  std::mutex* const shared_;
  std::mutex mutex_;
  std::deque<WriteJob*> waiting_;  // guarded by mutex_
  bool led_ = false;               // guarded by mutex_: some thread leads
};

// Runs `body` in a savepoint: its error takes back what it did.
template <class Body>
Status in_savepoint(Connection& connection, Body body) {
  TRY(connection.save.run());
  Status status = body();
  if (status.ok()) return connection.release.run();
  // Some errors have rolled back everything already.
  if (!sqlite3_get_autocommit(connection.db.get()))
    TRY(connection.db.execute("ROLLBACK TO job; RELEASE job"));
  return status;
}

}  // namespace offramp::target::sqlite::serve
