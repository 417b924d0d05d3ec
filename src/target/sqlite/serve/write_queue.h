// WriteQueue: many threads' writes in few transactions (group commit).
//
// A commit of a file costs an fsync, so whoever leads runs all jobs that have come in meanwhile in
// one transaction, a savepoint for each that needs it, and commits once. A caller that finds nobody
// leading does it itself, unless it is a fiber whose thread has other things to do; what came in
// while it led is left to the queue's own thread. A job's result is given out after the commit that
// makes it durable. `connection` belongs to the leader (led_) and, where readers share it, is used
// under `shared`.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "io/fiber.h"
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
  io::Wakeup done_;
};

class WriteQueue {
 public:
  // `shared` is null when nobody else uses the connection.
  WriteQueue(Connection& connection, std::mutex* shared)
      : connection_(connection), shared_(shared) {}

  // No more run() then.
  ~WriteQueue();

  Status run(WriteJob& job);

 private:
  // One transaction of waiting jobs; then whoever came meanwhile is the thread's.
  void lead();
  // The queue's own thread: leads whenever that is handed over.
  void run_thread(std::stop_token stop);
  void hand_over();  // under mutex_
  void run_jobs(std::vector<WriteJob*>& ran);
  WriteJob* next(size_t ran);

  Connection& connection_;
  std::mutex* const shared_;
  std::mutex mutex_;
  std::condition_variable_any handed_over_;
  std::deque<WriteJob*> waiting_;  // guarded by mutex_
  bool led_ = false;               // guarded by mutex_: someone leads, or is to
  bool thread_leads_ = false;      // guarded by mutex_: the thread is to
  std::jthread thread_;            // begun when it is first needed; guarded by mutex_
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
