// The limit of loading PostgreSQL: binary COPY of rows prepared beforehand, one thread and
// connection per plan.
//
//   bench_copy_limit CONNINFO TABLE=FILE[,TABLE=FILE…] [the next connection's list…]
// A FILE is what COPY … TO (FORMAT binary) wrote. Files are in memory before the clock starts.
// Prints JSON.
#include <libpq-fe.h>

#include <thread>
#include <vector>

#include "program.h"

namespace offramp::bench {
namespace {

struct Piece {
  std::string table, bytes;
};

std::vector<Piece> read_pieces(const std::string& list) {
  std::vector<Piece> pieces;
  for (size_t at = 0; at < list.size();) {
    size_t end = std::min(list.find(',', at), list.size());
    size_t equals = list.find('=', at);
    pieces.push_back(
        {list.substr(at, equals - at), read_file(list.substr(equals + 1, end - equals - 1))});
    at = end + 1;
  }
  return pieces;
}

void copy(PGconn* connection, const std::vector<Piece>& pieces) {
  constexpr size_t kChunk = 64 * 1024;
  for (const Piece& piece : pieces) {
    PGresult* result =
        PQexec(connection, ("COPY " + piece.table + " FROM STDIN (FORMAT binary)").c_str());
    if (PQresultStatus(result) != PGRES_COPY_IN) die(PQerrorMessage(connection));
    PQclear(result);
    for (size_t at = 0; at < piece.bytes.size(); at += kChunk) {
      size_t size = std::min(kChunk, piece.bytes.size() - at);
      if (PQputCopyData(connection, piece.bytes.data() + at, static_cast<int>(size)) != 1)
        die(PQerrorMessage(connection));
    }
    if (PQputCopyEnd(connection, nullptr) != 1) die(PQerrorMessage(connection));
    while ((result = PQgetResult(connection))) {
      if (PQresultStatus(result) != PGRES_COMMAND_OK) die(PQerrorMessage(connection));
      PQclear(result);
    }
  }
}

}  // namespace
}  // namespace offramp::bench

int main(int argc, char** argv) {
  using namespace offramp::bench;
  if (argc < 3) die("bench_copy_limit CONNINFO TABLE=FILE[,…]…");
  std::vector<PGconn*> connections;
  std::vector<std::vector<Piece>> plans;
  for (int i = 2; i < argc; ++i) {
    connections.push_back(PQconnectdb(argv[1]));
    if (PQstatus(connections.back()) != CONNECTION_OK) die(PQerrorMessage(connections.back()));
    plans.push_back(read_pieces(argv[i]));
  }
  Stopwatch watch;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < plans.size(); ++i)
    threads.emplace_back(copy, connections[i], std::cref(plans[i]));
  for (std::thread& thread : threads) thread.join();
  std::printf("{\"seconds\":%.6f}\n", watch.seconds());
  for (PGconn* connection : connections) PQfinish(connection);
}
