#include "target/sqlite/serve/write_queue.h"

#include <pthread.h>

#include "target/sqlite/serve/errors.h"

namespace offramp::target::sqlite::serve {

namespace {

// Jobs in one transaction: bounds the time that the first of them waits for its answer.
constexpr size_t kJobsMax = 256;

}  // namespace

WriteQueue::~WriteQueue() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

Status WriteQueue::run(WriteJob& job) {
  io::Fiber* fiber = io::Fiber::current();
  bool leads = false;
  {
    std::lock_guard lock(mutex_);
    waiting_.push_back(&job);
    if (!led_) {
      led_ = true;
      leads = !fiber || fiber->scheduler().alone();
      if (!leads) hand_over();
    }
  }
  if (leads) lead();
  job.done_.wait();
  return std::move(job.status_);
}

void WriteQueue::hand_over() {
  thread_leads_ = true;
  if (!thread_.joinable())
    thread_ = std::jthread([this](std::stop_token stop) { run_thread(std::move(stop)); });
  handed_over_.notify_one();
}

void WriteQueue::run_thread(std::stop_token stop) {
  ::pthread_setname_np(::pthread_self(), "sqlite");
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (!handed_over_.wait(lock, stop, [&] { return thread_leads_; })) return;
      thread_leads_ = false;
    }
    lead();
  }
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
  {
    std::lock_guard lock(mutex_);
    led_ = !waiting_.empty();
    if (led_) hand_over();
  }
  // Once it is notified a job's owner may destroy it: nothing of it is touched afterwards.
  for (WriteJob* job : ran) job->done_.notify();
}

}  // namespace offramp::target::sqlite::serve
