#include "target/sqlite/serve/write_queue.h"

#include "base/assert.h"
#include "target/sqlite/serve/errors.h"

namespace offramp::target::sqlite::serve {

namespace {

// Jobs in one transaction: bounds the time that the first of them waits for its answer.
constexpr size_t kJobsMax = 256;

}  // namespace

Status WriteQueue::run(WriteJob& job) {
  {
    std::unique_lock lock(mutex_);
    job.done_ = job.leads_ = false;
    waiting_.push_back(&job);
    if (!led_) {
      led_ = true;
      job.leads_ = true;
    }
    job.changed_.wait(lock, [&] { return job.done_ || job.leads_; });
    if (job.done_) return std::move(job.status_);
  }
  lead();
  ASSERT(job.done_);
  return std::move(job.status_);
}

// Null when this transaction has enough.
WriteJob* WriteQueue::next(size_t ran) {
  std::lock_guard lock(mutex_);
  if (waiting_.empty() || ran >= kJobsMax) return nullptr;
  WriteJob* job = waiting_.front();
  waiting_.pop_front();
  return job;
}

void WriteQueue::run_jobs(std::vector<WriteJob*>& ran) {
  io::SqliteDb& db = connection_.db;
  Status failed = connection_.begin_writing.run();
  while (WriteJob* job = next(ran.size())) {
    ran.push_back(job);
    if (!failed.ok()) continue;
    job->status_ = job->run(connection_);
    // A full disk and the like take back the whole transaction, the jobs before this one too.
    if (sqlite3_get_autocommit(db.get()))
      failed = Error(ErrorKind::kUnavailable, "sqlite.rolled_back",
                     job->status_.ok() ? "SQLite rolled the transaction back"
                                       : job->status_.error().message());
  }
  if (failed.ok()) failed = connection_.commit.run();
  if (failed.ok()) return;
  if (!sqlite3_get_autocommit(db.get())) (void)db.execute("ROLLBACK");
  for (WriteJob* job : ran)
    if (job->status_.ok()) job->status_ = store_error(failed.error());
}

void WriteQueue::lead() {
  std::vector<WriteJob*> ran;
  {
    std::unique_lock<std::mutex> shared;
    if (shared_) shared = std::unique_lock(*shared_);
    run_jobs(ran);
  }
  std::lock_guard lock(mutex_);
  // Once done_ is seen the job's owner may destroy it: nothing of it is touched afterwards.
  for (WriteJob* job : ran) {
    job->done_ = true;
    job->changed_.notify_one();
  }
  if (waiting_.empty()) {
    led_ = false;
  } else {
    waiting_.front()->leads_ = true;
    waiting_.front()->changed_.notify_one();
  }
}

}  // namespace offramp::target::sqlite::serve
