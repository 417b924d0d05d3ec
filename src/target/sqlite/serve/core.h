// Core: what the store and its sessions share.
//
// Constant: path. The writing connection belongs to whoever leads the write queue; in memory it is
// the only connection, guarded by `shared` for readers and leaders alike. The reading connections
// that nobody uses are guarded by readers_mutex.
#pragma once

#include <mutex>
#include <vector>

#include "target/sqlite/serve/write_queue.h"

namespace offramp::target::sqlite::serve {

struct Core {
  explicit Core(std::string file, std::unique_ptr<Connection> connection)
      : path(std::move(file)),
        in_memory(path == ":memory:"),
        writer(std::move(connection)),
        writes(*writer, in_memory ? &shared : nullptr) {}

  const std::string path;
  const bool in_memory;
  std::mutex shared;
  const std::unique_ptr<Connection> writer;
  std::mutex readers_mutex;
  std::vector<std::unique_ptr<Connection>> readers;
  WriteQueue writes;
};

// A connection to read with, for one call: one of the idle ones, or in memory the only one. As many
// are opened as threads read at the same time.
class Reader {
 public:
  static Result<Reader> take(Core& core) {
    Reader out(core);
    if (core.in_memory) {
      out.lock_ = std::unique_lock(core.shared);
      return out;
    }
    {
      std::lock_guard lock(core.readers_mutex);
      if (!core.readers.empty()) {
        out.own_ = std::move(core.readers.back());
        core.readers.pop_back();
      }
    }
    if (!out.own_) out.own_ = TRY(open_store_connection(core.path, Use::kRead));
    return out;
  }
  ~Reader() {
    if (!own_) return;
    std::lock_guard lock(core_->readers_mutex);
    core_->readers.push_back(std::move(own_));
  }
  Reader(Reader&&) = default;
  Connection& connection() { return own_ ? *own_ : *core_->writer; }

 private:
  explicit Reader(Core& core) : core_(&core) {}
  Core* core_;
  std::unique_ptr<Connection> own_;
  std::unique_lock<std::mutex> lock_;
};

// `body` in one snapshot.
template <class Body>
Status in_snapshot(Connection& connection, Body body) {
  TRY(connection.begin.run());
  Status status = body();
  Status ended = connection.commit.run();
  return status.ok() ? std::move(ended) : std::move(status);
}

}  // namespace offramp::target::sqlite::serve
