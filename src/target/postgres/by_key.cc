#include "target/postgres/by_key.h"

#include <fmt/format.h>

#include "target/postgres/copy_encoder.h"
#include "target/postgres/item_merge.h"
#include "target/postgres/key_text.h"

namespace offramp::target::postgres {
namespace {

std::string key_table(uint32_t table) { return fmt::format("pg_temp.offramp_keys_{}", table); }

Status copy_rows(Connection& connection, const mapping::Table& table, uint32_t columns,
                 const std::string& into, const mapping::TableRows& rows) {
  CopyEncoder encoder(table, columns);
  TRY(encoder.append(rows, 0, rows.rows));
  std::string doing = "write rows of " + table.name;
  TRY(connection.begin_copy_in(
      fmt::format("COPY {} ({}) FROM STDIN (FORMAT binary)", into, column_list(table, columns)),
      doing));
  TRY(connection.put_copy(encoder.finish(), doing));
  return connection.end_copy_in(doing);
}

// One temporary table per parent table that has keys.
Status upload_keys(Connection& connection, const Binding& binding, const mapping::RowBatch& keys) {
  for (uint32_t t = 0; t < keys.tables.size(); ++t) {
    if (keys.tables[t].rows == 0) continue;
    const mapping::Table& table = binding.tables()[t];
    std::string columns;
    for (uint32_t i = 0; i < table.key_columns; ++i)
      columns += fmt::format("{}{} {}", i ? ", " : "", quote_identifier(table.columns[i].name),
                             column_sql_type(table.columns[i].type));
    TRY(connection.execute(
        fmt::format("CREATE TEMP TABLE offramp_keys_{} ({}) ON COMMIT DROP", t, columns),
        "make a temporary table"));
    TRY(copy_rows(connection, table, table.key_columns, key_table(t), keys.tables[t]));
  }
  return {};
}

// "t.a = k.a AND …" of a table and the keys of its parent (or itself).
std::string on_key(const mapping::Table& parent, const mapping::Table& table) {
  std::string on;
  for (uint32_t i = 0; i < parent.key_columns; ++i)
    on += fmt::format("{}t.{} = k.{}", i ? " AND " : "", quote_identifier(table.columns[i].name),
                      quote_identifier(parent.columns[i].name));
  return on;
}

Status delete_by_keys(Connection& connection, const Binding& binding,
                      const mapping::RowBatch& keys) {
  for (uint32_t t = 0; t < keys.tables.size(); ++t) {
    if (keys.tables[t].rows == 0) continue;
    const mapping::Table& parent = binding.tables()[t];
    auto remove = [&](const mapping::Table& table) {
      return connection.execute(
          fmt::format("DELETE FROM {} t USING {} k WHERE {}", binding.name(table), key_table(t),
                      on_key(parent, table)),
          "delete old rows of " + table.name);
    };
    TRY(remove(parent));
    for (uint32_t child : parent.children) TRY(remove(binding.tables()[child]));
  }
  return {};
}

Status read_in_transaction(Connection& connection, std::shared_ptr<const Binding> binding,
                           const mapping::RowBatch& keys, ddb::ItemBatch& batch) {
  TRY(upload_keys(connection, *binding, keys));
  mapping::Assembler assembler(binding->mapping);
  for (uint32_t t = 0; t < keys.tables.size(); ++t) {
    if (keys.tables[t].rows == 0) continue;
    const mapping::Table& parent = binding->tables()[t];
    auto fetch = [&](const mapping::Table& table) {
      // A key that is asked for twice is answered once.
      std::string join = fmt::format("JOIN (SELECT DISTINCT * FROM {}) k ON {}", key_table(t),
                                     on_key(parent, table));
      return fetch_rows(connection,
                        item_rows_select(*binding, table, RowOrigin::kPlain, RowOrder::kKey, join),
                        "read rows of " + table.name);
    };
    std::unique_ptr<RowMessages> parents = TRY(fetch(parent));
    std::vector<std::unique_ptr<RowMessages>> children;
    for (uint32_t child : parent.children) children.push_back(TRY(fetch(binding->tables()[child])));
    ItemMerge merge(binding, t, RowOrigin::kPlain, std::move(parents), std::move(children));
    while (TRY(merge.next())) {
      Status status = assembler.assemble(t, merge.row(), merge.children(), batch.size(), batch);
      if (!status.ok())
        return std::move(status).error().with_context(fmt::format(
            "table {}, key {}", parent.name, key_text(merge.row(), parent.key_columns)));
    }
  }
  return connection.execute("COMMIT", "end reading");
}

}  // namespace

Status replace_in_transaction(Connection& connection, const Binding& binding,
                              const mapping::RowBatch& keys, const mapping::RowBatch& rows) {
  TRY(upload_keys(connection, binding, keys));
  TRY(delete_by_keys(connection, binding, keys));
  for (uint32_t t = 0; t < rows.tables.size(); ++t) {
    if (rows.tables[t].rows == 0) continue;
    const mapping::Table& table = binding.tables()[t];
    TRY(copy_rows(connection, table, static_cast<uint32_t>(table.columns.size()),
                  binding.name(table), rows.tables[t]));
  }
  return {};
}

Status replace_items(Connection& connection, const Binding& binding, const mapping::RowBatch& keys,
                     const mapping::RowBatch& rows) {
  TRY(connection.execute("BEGIN", "begin a transaction"));
  Status status = replace_in_transaction(connection, binding, keys, rows);
  if (status.ok()) status = connection.execute("COMMIT", "commit the new images");
  if (!status.ok()) connection.rollback();
  return status;
}

Status read_items(Connection& connection, std::shared_ptr<const Binding> binding,
                  const mapping::RowBatch& keys, ddb::ItemBatch& batch) {
  // Not READ ONLY: temporary tables are made. One snapshot for parents and children.
  TRY(connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ", "begin to read"));
  Status status = read_in_transaction(connection, std::move(binding), keys, batch);
  if (!status.ok()) connection.rollback();
  return status;
}

}  // namespace offramp::target::postgres
