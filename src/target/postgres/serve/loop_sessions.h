// LoopSessions: what the fibers of one event loop share of a database: few connections, and round
// trips.
//
// What is true:
// - Gets and writes of one item of a simple table go in batches: while one is under way, what
//   comes in waits for the next. Gets have a connection of their own, so have such writes.
// - When a batch takes long (someone holds a lock), and for everything else, a fiber takes one of a
//   few sessions for itself, and waits when none is idle. So does a write that has an origin.
// - All of it belongs to the loop's thread.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/fiber.h"
#include "target/postgres/serve/session.h"

namespace offramp::target::postgres {

// PointJobs of many fibers, batch by batch.
class PointQueue {
 public:
  PointQueue(std::string url, std::string schema, std::shared_ptr<LogHorizons> horizons);
  // Returns when the job has been run, or is to be done apart.
  void run(PointJob& job);

 private:
  struct Waiting {
    PointJob* job;
    io::Wakeup changed;
    bool leads = false;
  };
  void lead();

  Session session_;
  std::deque<Waiting*> waiting_;
  bool led_ = false;
  std::chrono::steady_clock::time_point began_;  // the batch under way
  std::vector<Waiting*> batch_;
  std::vector<PointJob*> jobs_;
};

class LoopSessions {
 public:
  // `sessions_max` is asked whenever one more could be opened.
  LoopSessions(std::string url, std::string schema, std::shared_ptr<LogHorizons> horizons,
               std::function<size_t()> sessions_max);

  PointQueue gets, writes;

  // A session for the calling fiber alone.
  class Lease {
   public:
    // `origin`: of what it writes.
    explicit Lease(LoopSessions& of, std::string_view origin = {});
    ~Lease();
    Lease(const Lease&) = delete;
    Session* operator->() const { return session_.get(); }

   private:
    LoopSessions& of_;
    std::unique_ptr<Session> session_;
  };

 private:
  const std::string url_, schema_;
  const std::shared_ptr<LogHorizons> horizons_;
  const std::function<size_t()> sessions_max_;
  std::vector<std::unique_ptr<Session>> idle_;
  size_t taken_ = 0;
  struct Waiting {
    std::unique_ptr<Session> session;
    io::Wakeup given;
  };
  std::deque<Waiting*> waiting_;
};

// The session that a fiber is given: it keeps nothing itself.
class LoopSession final : public StoreSession {
 public:
  // `find` gives the calling fiber's loop its sessions. On a plain thread `alone` is used.
  LoopSession(std::function<std::shared_ptr<LoopSessions>(io::FiberScheduler&)> find,
              std::unique_ptr<Session> alone)
      : find_(std::move(find)), alone_(std::move(alone)) {}

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
  LoopSessions* loop();
  Status write_one(LoopSessions& loop, const ItemRef& ref, const Decide& decide);

  const std::function<std::shared_ptr<LoopSessions>(io::FiberScheduler&)> find_;
  std::shared_ptr<LoopSessions> loop_;
  const std::unique_ptr<Session> alone_;
  std::string origin_;
  ddb::ItemBatch old_;
};

}  // namespace offramp::target::postgres
