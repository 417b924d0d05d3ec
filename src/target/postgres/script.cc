#include "target/postgres/script.h"

#include "target/postgres/connection.h"

namespace offramp::target::postgres {

Result<std::vector<QueryResult>> Connection::run(const Script& script, size_t& at) {
  std::vector<QueryResult> results;
  std::optional<Error> failed;
  at = 0;
  auto doing = [&]() -> std::string_view {
    return at < script.steps.size() ? std::string_view(script.steps[at].doing) : "end a script";
  };
  if (!PQsendQuery(connection_.get(), script.sql.c_str())) return lost(doing());
  bool asked = false;  // the COPY at this step has had its bytes
  while (PGresult* raw = PQgetResult(connection_.get())) {
    QueryResult result(raw);
    ExecStatusType state = PQresultStatus(raw);
    if (failed) {
      if (state == PGRES_COPY_IN) return std::move(*failed);  // only on a lost connection
      continue;
    }
    switch (state) {
      case PGRES_COPY_IN: {
        // Asked twice: the connection was lost, and libpq would go on for ever.
        if (asked || at >= script.steps.size()) return lost(doing());
        asked = true;
        for (std::string_view rest = script.steps[at].copy; !rest.empty();) {
          constexpr size_t kPieceBytes = 64 * 1024;  // keeps libpq's own buffer small
          std::string_view piece = rest.substr(0, kPieceBytes);
          if (PQputCopyData(connection_.get(), piece.data(), static_cast<int>(piece.size())) != 1)
            break;  // the next result says why
          rest.remove_prefix(piece.size());
        }
        static_cast<void>(PQputCopyEnd(connection_.get(), nullptr));
        break;
      }
      case PGRES_COMMAND_OK:
      case PGRES_TUPLES_OK:
      case PGRES_EMPTY_QUERY:
        results.push_back(std::move(result));
        ++at;
        asked = false;
        break;
      default:
        failed = result_error(raw, doing());
    }
  }
  if (failed) return std::move(*failed);
  if (results.size() != script.steps.size()) return lost(doing());
  return results;
}

}  // namespace offramp::target::postgres
