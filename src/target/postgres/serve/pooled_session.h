// PooledSession: what requests share of a database: few connections, and round trips.
//
// What is true:
// - Gets and writes of one item of a simple table that come from the fibers of one event loop go in
//   batches: while one is under way, what comes in waits for the next. A loop's gets are one queue,
//   and such writes another.
// - When a batch takes long (someone holds a lock) or has no connection, and for everything else, a
//   session of the pool is taken. So it is for a write that has an origin, and on a plain thread.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/fiber.h"
#include "target/postgres/serve/session_pool.h"

namespace offramp::target::postgres {

// PointJobs of many fibers, batch by batch.
class PointQueue {
 public:
  explicit PointQueue(std::shared_ptr<SessionPool> pool) : pool_(std::move(pool)) {}
  // Returns when the job has been run, or is to be done apart.
  void run(PointJob& job);

 private:
  struct Waiting {
    PointJob* job;
    io::Wakeup changed;
    bool leads = false;
  };
  void lead();

  const std::shared_ptr<SessionPool> pool_;
  std::deque<Waiting*> waiting_;
  bool led_ = false;
  std::chrono::steady_clock::time_point began_;  // the batch under way
  std::vector<Waiting*> batch_;
  std::vector<PointJob*> jobs_;
};

// The queues of one loop. They belong to its thread.
struct PointQueues {
  PointQueue gets, writes;
};

// The queues of all loops. Any thread.
class LoopQueues {
 public:
  explicit LoopQueues(std::shared_ptr<SessionPool> pool) : pool_(std::move(pool)) {}
  // They live while somebody keeps them.
  std::shared_ptr<PointQueues> of(io::FiberScheduler& loop);

 private:
  const std::shared_ptr<SessionPool> pool_;
  std::mutex mutex_;  // guards `known_`
  std::unordered_map<io::FiberScheduler*, std::weak_ptr<PointQueues>> known_;
};

// What callers are given: it keeps no connection of its own.
class PooledSession final : public StoreSession {
 public:
  PooledSession(std::shared_ptr<SessionPool> pool, std::shared_ptr<LoopQueues> queues)
      : pool_(std::move(pool)), queues_(std::move(queues)) {}

  Status get(std::span<const ItemRef> refs, ddb::ItemBatch& batch,
             std::vector<ddb::ItemView>& found) override;
  Status read(const PageRequest& request, Page& page) override;
  Status write(std::span<const ItemRef> refs, const Decide& decide) override;
  Status write_blind(std::span<const ItemRef> refs, std::span<const Decision> decisions) override;
  Status set_origin(std::string_view origin) override;
  Status changes(const ServedTable& table, const ChangeLogName& log, uint64_t after, uint64_t until,
                 size_t changes_max, size_t bytes_max, ChangePage& page) override;

 private:
  // Null on a plain thread.
  PointQueues* queues();
  Status write_one(PointQueues& queues, const ItemRef& ref, const Decide& decide);

  const std::shared_ptr<SessionPool> pool_;
  const std::shared_ptr<LoopQueues> queues_;
  std::shared_ptr<PointQueues> mine_;
  std::string origin_;
  ddb::ItemBatch old_;
};

}  // namespace offramp::target::postgres
