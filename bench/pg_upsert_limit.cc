// The limit of applying changes to PostgreSQL: rows prepared beforehand, COPY into a temporary
// table and INSERT … ON CONFLICT DO UPDATE, one thread per connection.
//
//   bench_pg_upsert_limit CONNINFO TABLE KEY QUERY CONNECTIONS ROWS_PER_TRANSACTION
// QUERY gives the new rows of TABLE, with all its columns, in the order in which they are written;
// KEY is the column that they conflict on. They are in memory before the clock starts. Prints JSON.
#include <arpa/inet.h>
#include <libpq-fe.h>

#include <cstring>
#include <thread>
#include <vector>

#include "program.h"

namespace offramp::bench {
namespace {

constexpr size_t kHeaderBytes = 19;  // signature, flags, size of the extension
constexpr size_t kChunk = 64 * 1024;

using Batches = std::vector<std::string>;  // each a whole binary COPY

PGconn* connect(const char* conninfo) {
  PGconn* connection = PQconnectdb(conninfo);
  if (PQstatus(connection) != CONNECTION_OK) die(PQerrorMessage(connection));
  return connection;
}

void expect(PGconn* connection, PGresult* result, ExecStatusType status) {
  if (PQresultStatus(result) != status) die(PQerrorMessage(connection));
  PQclear(result);
}

void execute(PGconn* connection, const std::string& sql) {
  expect(connection, PQexec(connection, sql.c_str()), PGRES_COMMAND_OK);
}

// Cuts the rows into transactions and deals these out, as if each connection had its own keys.
std::vector<Batches> read_rows(PGconn* connection, const std::string& query, size_t connections,
                               size_t rows_max, uint64_t& count) {
  std::vector<Batches> out(connections);
  std::vector<size_t> rows(connections, rows_max);
  std::string header;
  expect(connection, PQexec(connection, ("COPY (" + query + ") TO STDOUT (FORMAT binary)").c_str()),
         PGRES_COPY_OUT);
  char* bytes = nullptr;
  for (int size; (size = PQgetCopyData(connection, &bytes, 0)) > 0; PQfreemem(bytes)) {
    std::string_view row(bytes, static_cast<size_t>(size));
    if (header.empty()) {
      if (row.size() < kHeaderBytes) die("a short header");
      header = row.substr(0, kHeaderBytes);
      row.remove_prefix(kHeaderBytes);
    }
    // What is left is a row, or the mark of the end: two bytes.
    if (row.size() <= 2) continue;
    size_t of = count++ % connections;
    if (rows[of] == rows_max) {
      out[of].push_back(header);
      rows[of] = 0;
    }
    out[of].back().append(row);
    ++rows[of];
  }
  expect(connection, PQgetResult(connection), PGRES_COMMAND_OK);
  while (PGresult* rest = PQgetResult(connection)) PQclear(rest);
  for (Batches& batches : out)
    for (std::string& batch : batches) batch.append("\xff\xff", 2);
  return out;
}

struct Statements {
  std::string make, copy, upsert;
};

Statements statements(PGconn* connection, const std::string& table, const std::string& key) {
  PGresult* none = PQexec(connection, ("SELECT * FROM " + table + " LIMIT 0").c_str());
  if (PQresultStatus(none) != PGRES_TUPLES_OK) die(PQerrorMessage(connection));
  std::string set;
  for (int i = 0; i < PQnfields(none); ++i) {
    std::string name = PQfname(none, i);
    if (name != key) set += (set.empty() ? "" : ", ") + name + " = EXCLUDED." + name;
  }
  PQclear(none);
  return {
      "SET enable_seqscan = off; SET jit = off; SET temp_buffers = '32MB'; CREATE TEMP TABLE stage "
      "ON COMMIT "
      "DELETE ROWS AS SELECT * FROM " +
          table + " LIMIT 0",
      "BEGIN; COPY stage FROM STDIN (FORMAT binary)",
      "INSERT INTO " + table + " SELECT * FROM stage ON CONFLICT (" + key + ") DO UPDATE SET " +
          set + "; COMMIT"};
}

void upsert(PGconn* connection, const Statements& sql, const Batches& batches) {
  for (const std::string& batch : batches) {
    expect(connection, PQexec(connection, sql.copy.c_str()), PGRES_COPY_IN);
    for (size_t at = 0; at < batch.size(); at += kChunk)
      if (PQputCopyData(connection, batch.data() + at,
                        static_cast<int>(std::min(kChunk, batch.size() - at))) != 1)
        die(PQerrorMessage(connection));
    if (PQputCopyEnd(connection, nullptr) != 1) die(PQerrorMessage(connection));
    while (PGresult* result = PQgetResult(connection)) expect(connection, result, PGRES_COMMAND_OK);
    execute(connection, sql.upsert);
  }
}

}  // namespace
}  // namespace offramp::bench

int main(int argc, char** argv) {
  using namespace offramp::bench;
  if (argc != 7)
    die("bench_pg_upsert_limit CONNINFO TABLE KEY QUERY CONNECTIONS ROWS_PER_TRANSACTION");
  std::vector<PGconn*> connections;
  for (size_t i = 0; i < std::stoul(argv[5]); ++i) connections.push_back(connect(argv[1]));
  uint64_t rows = 0;
  auto work = read_rows(connections[0], argv[4], connections.size(), std::stoul(argv[6]), rows);
  Statements sql = statements(connections[0], argv[2], argv[3]);
  for (PGconn* connection : connections) execute(connection, sql.make);
  Stopwatch watch;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < connections.size(); ++i)
    threads.emplace_back([&, i] { upsert(connections[i], sql, work[i]); });
  for (std::thread& thread : threads) thread.join();
  std::printf("{\"seconds\":%.6f,\"rows\":%lu}\n", watch.seconds(), rows);
  for (PGconn* connection : connections) PQfinish(connection);
}
