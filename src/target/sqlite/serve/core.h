// Core: what the store and its sessions share.
//
// Constant: path, limits. The writing connection belongs to the leader of the write queue; in
// memory it is the only connection, guarded by `shared` for readers and leaders alike.
#pragma once

#include <mutex>

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
  WriteQueue writes;
};

// A connection to read with: the session's own, or the shared one with its lock.
class Reader {
 public:
  static Result<Reader> open(std::shared_ptr<Core> core) {
    Reader out(std::move(core));
    if (!out.core_->in_memory) out.own_ = TRY(open_store_connection(out.core_->path, Use::kRead));
    return out;
  }
  struct Locked {
    Connection& connection;
    std::unique_lock<std::mutex> lock;
  };
  Locked use() {
    if (own_) return {*own_, {}};
    return {*core_->writer, std::unique_lock(core_->shared)};
  }

 private:
  explicit Reader(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  std::shared_ptr<Core> core_;
  std::unique_ptr<Connection> own_;
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
