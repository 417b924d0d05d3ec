#include "target/postgres/serve/attach.h"

#include <fmt/format.h>

#include "mapping/identifiers.h"
#include "target/postgres/bookkeeping.h"
#include "target/postgres/ddl.h"
#include "target/postgres/serve/access_path.h"

namespace offramp::target::postgres {
namespace {

using mapping::Table;

bool is_primary_key(const AccessPath::Parent& parent, const std::vector<uint32_t>& order,
                    uint32_t first, uint32_t key_columns) {
  uint32_t column = first;
  for (uint32_t i : order)
    if (parent.sql[i]->column != static_cast<int>(column++)) return false;
  return column <= key_columns;
}

// The table itself: its primary key serves when the key attributes are its columns in their order.
void want_for_table(const AccessPath& path, const AccessPath::Parent& parent, const Table& table,
                    std::vector<WantedIndex>& wanted) {
  if (parent.query_ordered && !path.query_order.empty() &&
      !is_primary_key(parent, path.query_order, parent.partition_columns, table.key_columns)) {
    WantedIndex index;
    for (uint32_t i = 0; i < parent.partition_columns; ++i)
      index.expressions.push_back(quote_identifier(table.columns[i].name));
    for (uint32_t i : path.query_order) index.expressions.push_back(parent.sql[i]->sql);
    wanted.push_back(std::move(index));
  }
  if (parent.scan_ordered && !is_primary_key(parent, path.scan_order, 0, table.key_columns)) {
    WantedIndex index;
    for (uint32_t i : path.scan_order) index.expressions.push_back(parent.sql[i]->sql);
    wanted.push_back(std::move(index));
  }
}

// Reading is correct without the index; so a table of somebody else's, or rows that no index takes,
// are no error.
Status create(Connection& connection, std::string_view schema, const Table& table,
              const WantedIndex& index) {
  const std::string definition = definition_of(index);
  std::string name =
      mapping::shortened("offramp_serve" + mapping::hash_tail(definition) + "_" + table.name, 63);
  TRY(connection.execute("BEGIN", "begin"));
  Status status = connection.execute(kPrepareLock, "wait for another offramp");
  if (status.ok())
    status = connection.execute(
        fmt::format("CREATE INDEX IF NOT EXISTS {} ON {} {}", quote_identifier(name),
                    qualified(schema, table.name), definition),
        "add an index for serving to " + table.name);
  const std::string sqlstate = connection.last_sqlstate();
  if (status.ok()) return connection.execute("COMMIT", "commit");
  connection.rollback();
  if (sqlstate == "42501" || sqlstate.starts_with("54") || sqlstate.starts_with("22")) return {};
  return status;
}

}  // namespace

// An index of DynamoDB's: its entries in order, sparse; and the rows that hide a value from SQL.
void want_for_index(const AccessPath& path, const AccessPath::Parent& parent, const Table& table,
                    std::vector<WantedIndex>& wanted) {
  if (parent.scan_ordered) {
    WantedIndex index;
    for (uint32_t i : path.scan_order) index.expressions.push_back(parent.sql[i]->sql);
    for (size_t i = 0; i < path.partition_count + path.sort_count; ++i)
      if (!parent.sql[i]->never_null)
        index.where += (index.where.empty() ? "" : " AND ") + parent.sql[i]->sql + " IS NOT NULL";
    if (!parent.hidden.empty())
      index.where += (index.where.empty() ? "(" : " AND (") + parent.hidden + ") IS NOT TRUE";
    wanted.push_back(std::move(index));
  }
  if (parent.hidden.empty()) return;
  WantedIndex hidden;
  for (uint32_t i = 0; i < table.key_columns; ++i)
    hidden.expressions.push_back(quote_identifier(table.columns[i].name));
  hidden.where = "(" + parent.hidden + ")";
  wanted.push_back(std::move(hidden));
}

std::string definition_of(const WantedIndex& index) {
  std::string definition;
  for (const std::string& expression : index.expressions)
    definition += (definition.empty() ? "((" : ", (") + expression + ")";
  definition += ")";
  if (!index.where.empty()) definition += " WHERE " + index.where;
  return definition;
}

Status attach_table(Connection& connection, std::string_view schema, const ServedTable& served) {
  if (served.made_here) return {};
  for (size_t i = 0; i <= served.indexes.size(); ++i) {
    AccessPath path(served, i == 0 ? nullptr : &served.indexes[i - 1], "");
    for (const AccessPath::Parent& parent : path.parents) {
      const Table& table = served.mapping->tables()[parent.table];
      std::vector<WantedIndex> wanted;
      if (path.index)
        want_for_index(path, parent, table, wanted);
      else
        want_for_table(path, parent, table, wanted);
      for (const WantedIndex& index : wanted) TRY(create(connection, schema, table, index));
    }
  }
  return {};
}

}  // namespace offramp::target::postgres
