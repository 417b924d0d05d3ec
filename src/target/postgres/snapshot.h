// Snapshot: one state of the database that many connections read at once (pg_export_snapshot).
//
// It lives as long as the object: its connection keeps the exporting transaction open. No locks are
// held, but the server cannot clean up rows deleted since. open_reader() may be called by any
// thread; the rest by one.
#pragma once

#include <string>

#include "target/postgres/connection.h"

namespace offramp::target::postgres {

class Snapshot {
 public:
  static Result<Snapshot> take(const std::string& url);
  // A new connection in a read-only transaction that sees this snapshot.
  Result<Connection> open_reader() const;
  // The connection that holds the snapshot; it sees the same state.
  Connection& connection() { return connection_; }

 private:
  Snapshot(std::string url, Connection connection, std::string id)
      : url_(std::move(url)), connection_(std::move(connection)), id_(std::move(id)) {}

  std::string url_;
  Connection connection_;
  std::string id_;
};

}  // namespace offramp::target::postgres
