#include "target/postgres/serve/index_build.h"

#include <fmt/format.h>
#include <xxhash.h>

#include "target/postgres/connection.h"
#include "target/postgres/ddl.h"
#include "target/postgres/serve/attach.h"
#include "target/postgres/serve/retry.h"
#include "target/served_mapping.h"

namespace offramp::target::postgres {
namespace {

enum class Found { kNone, kValid, kInvalid };

// The SQL indexes of one that was added: its entries, and the rows to be looked at besides.
std::string part_name(const ServedIndex& index, size_t part) {
  return part == 0 ? index.into : index.into + "_h";
}

Result<bool> lock(Connection& connection, const std::string& name) {
  auto key = static_cast<int64_t>(XXH3_64bits(name.data(), name.size()));
  QueryResult got = TRY(connection.query("SELECT pg_try_advisory_lock($1::bigint)",
                                         {std::to_string(key)}, "lock the index"));
  return got.text(0, 0) == "t";
}

Result<Found> find(Connection& connection, std::string_view schema, const std::string& name) {
  QueryResult found = TRY(connection.query(
      "SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
      "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2",
      {std::string(schema), name}, "look for the index"));
  if (found.rows() == 0) return Found::kNone;
  return found.text(0, 0) == "t" ? Found::kValid : Found::kInvalid;
}

Status drop(Connection& connection, std::string_view schema, const std::string& name) {
  return connection.execute(
      fmt::format("DROP INDEX CONCURRENTLY IF EXISTS {}", qualified(schema, name)),
      "remove the index " + name);
}

// Asks the server to give up what the connection waits for when `stop` is requested.
class CancelOnStop {
 public:
  CancelOnStop(Connection& connection, std::stop_token stop)
      : cancel_(PQgetCancel(connection.raw())), callback_(std::move(stop), Cancel{cancel_.get()}) {}

 private:
  struct Free {
    void operator()(PGcancel* cancel) const { PQfreeCancel(cancel); }
  };
  struct Cancel {
    PGcancel* cancel;
    void operator()() const {
      char why[256];
      if (cancel) PQcancel(cancel, why, sizeof why);
    }
  };
  const std::unique_ptr<PGcancel, Free> cancel_;
  const std::stop_callback<Cancel> callback_;
};

Status build_parts(Connection& connection, std::string_view schema, const ServedTable& served,
                   const ServedIndex& index) {
  AccessPath path(served, &index, "");
  const AccessPath::Parent& parent = path.parents[0];
  const mapping::Table& table = served.mapping->tables()[parent.table];
  std::vector<WantedIndex> wanted;
  want_for_index(path, parent, table, wanted);
  // The hidden rows' is the last one, also where the entries have no order in SQL.
  for (size_t i = 0; i < wanted.size(); ++i) {
    const std::string name = part_name(index, parent.scan_ordered ? i : 1);
    Found found = TRY(find(connection, schema, name));
    if (found == Found::kValid) continue;
    if (found == Found::kInvalid) TRY(drop(connection, schema, name));
    TRY(connection.execute(
        fmt::format("CREATE INDEX CONCURRENTLY {} ON {} {}", quote_identifier(name),
                    qualified(schema, table.name), definition_of(wanted[i])),
        "add the index " + index.name + " to " + table.name));
  }
  return {};
}

}  // namespace

Result<bool> build_index(const std::string& url, std::string_view schema, const ServedTable& table,
                         size_t number, std::stop_token stop) {
  const ServedIndex& index = table.indexes[number];
  Connection connection = TRY(Connection::open(url));
  if (!TRY(lock(connection, index.into))) return false;
  CancelOnStop cancel(connection, stop);
  Status status = build_parts(connection, schema, table, index);
  if (status.ok()) return true;
  if (stop.stop_requested())
    return Error(ErrorKind::kCancelled, "store.stopped", "making an index was stopped");
  return store_error(std::move(status).error(), connection.last_sqlstate());
}

Result<bool> remove_index(const std::string& url, std::string_view schema, const ServedTable& table,
                          size_t number) {
  const ServedIndex& index = table.indexes[number];
  Connection connection = TRY(Connection::open(url));
  if (index.into.empty()) {
    const mapping::Table& parent = table.mapping->tables()[0];
    const std::string& name = parent.indexes[layout_number(table, index)].name;
    if (!TRY(lock(connection, name))) return false;
    TRY(drop(connection, schema, name));
    return true;
  }
  if (!TRY(lock(connection, index.into))) return false;
  for (size_t part : {0, 1}) TRY(drop(connection, schema, part_name(index, part)));
  return true;
}

}  // namespace offramp::target::postgres
