#include "target/sqlite/serve/log_copier.h"

#include <pthread.h>

#include <optional>

#include "io/sqlite_db.h"

namespace offramp::target::sqlite::serve {

LogCopier::~LogCopier() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void LogCopier::wake() {
  std::lock_guard lock(mutex_);
  woken_ = true;
  if (!thread_.joinable())
    thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
  changed_.notify_one();
}

void LogCopier::run(std::stop_token stop) {
  ::pthread_setname_np(::pthread_self(), "sqlite log");
  std::optional<io::SqliteDb> db;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return woken_; })) return;
      woken_ = false;
    }
    if (!db) {
      auto opened = io::SqliteDb::open(path_, io::SqliteDb::Mode::kReadWrite);
      if (!opened.ok() || !opened->execute("PRAGMA synchronous = FULL").ok()) continue;
      db = std::move(opened).value();
    }
    sqlite3_wal_checkpoint_v2(db->get(), "main", SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  }
}

}  // namespace offramp::target::sqlite::serve
