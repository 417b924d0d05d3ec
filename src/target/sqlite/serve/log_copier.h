// LogCopier: copies the write-ahead log into the file beside the writer, which goes on meanwhile.
//
// A thread and a connection of its own, made when they are first needed. Only tidiness: what cannot
// be done now is done by a later call, so errors are nobody's. It must end before the connection
// that writes is closed. wake() may be called by any thread; woken_ and the thread's beginning are
// guarded by mutex_, the rest belongs to the thread.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace offramp::target::sqlite::serve {

class LogCopier {
 public:
  explicit LogCopier(std::string path) : path_(std::move(path)) {}
  ~LogCopier();
  LogCopier(const LogCopier&) = delete;
  LogCopier& operator=(const LogCopier&) = delete;

  // Returns at once.
  void wake();

 private:
  void run(std::stop_token stop);

  const std::string path_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool woken_ = false;
  std::jthread thread_;
};

}  // namespace offramp::target::sqlite::serve
