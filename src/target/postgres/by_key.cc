#include "target/postgres/by_key.h"

#include <fmt/format.h>

#include "target/postgres/copy_encoder.h"
#include "target/postgres/item_merge.h"
#include "target/postgres/key_text.h"

namespace offramp::target::postgres {
namespace {

Status upload_keys(Connection& connection, const Staging& staging, const Binding& binding,
                   const mapping::RowBatch& keys) {
  for (uint32_t t = 0; t < keys.tables.size(); ++t) {
    if (keys.tables[t].rows == 0) continue;
    const mapping::Table& table = binding.tables()[t];
    CopyEncoder encoder(table, table.key_columns);
    TRY(encoder.append(keys.tables[t], 0, keys.tables[t].rows));
    std::string doing = "send keys of " + table.name;
    TRY(connection.begin_copy_in(staging.copy_sql(t, Stage::kKeys), doing));
    TRY(connection.put_copy(encoder.finish(), doing));
    TRY(connection.end_copy_in(doing));
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

Status read_in_transaction(Connection& connection, const Staging& staging,
                           std::shared_ptr<const Binding> binding, const mapping::RowBatch& keys,
                           ddb::ItemBatch& batch) {
  TRY(upload_keys(connection, staging, *binding, keys));
  mapping::Assembler assembler(binding->mapping);
  for (uint32_t t = 0; t < keys.tables.size(); ++t) {
    if (keys.tables[t].rows == 0) continue;
    const mapping::Table& parent = binding->tables()[t];
    auto fetch = [&](const mapping::Table& table) {
      // A key that is asked for twice is answered once.
      std::string join = fmt::format("JOIN (SELECT DISTINCT * FROM {}) k ON {}",
                                     staging.name(t, Stage::kKeys), on_key(parent, table));
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

Status read_items(Connection& connection, Staging& staging, std::shared_ptr<const Binding> binding,
                  const mapping::RowBatch& keys, ddb::ItemBatch& batch) {
  for (uint32_t t = 0; t < keys.tables.size(); ++t)
    if (keys.tables[t].rows > 0) TRY(staging.make(connection, t, Stage::kKeys));
  // Not READ ONLY: staging tables are written.
  TRY(connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ", "begin to read"));
  Status status = read_in_transaction(connection, staging, std::move(binding), keys, batch);
  if (!status.ok()) connection.rollback();
  return status;
}

}  // namespace offramp::target::postgres
