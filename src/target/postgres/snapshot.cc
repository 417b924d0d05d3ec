#include "target/postgres/snapshot.h"

#include "target/postgres/ddl.h"

namespace offramp::target::postgres {
namespace {
constexpr const char* kBegin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
}

Result<Snapshot> Snapshot::take(const std::string& url) {
  Connection connection = TRY(Connection::open(url));
  TRY(connection.execute(kBegin, "begin to read"));
  QueryResult id = TRY(connection.query("SELECT pg_export_snapshot()", {}, "take a snapshot"));
  std::string text(id.text(0, 0));
  return Snapshot(url, std::move(connection), std::move(text));
}

Result<Connection> Snapshot::open_reader() const {
  Connection connection = TRY(Connection::open(url_));
  TRY(connection.execute(kBegin, "begin to read"));
  Status status =
      connection.execute("SET TRANSACTION SNAPSHOT " + quote_literal(id_), "read a snapshot");
  // The server speaks of an invalid parameter when the exporting session has ended.
  if (!status.ok())
    return Error(ErrorKind::kUnavailable, "postgres.snapshot",
                 connection.where() +
                     ": the snapshot that is being read has ended (the server or its connection "
                     "was restarted); run "
                     "the same command again");
  return connection;
}

}  // namespace offramp::target::postgres
