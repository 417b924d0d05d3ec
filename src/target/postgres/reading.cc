#include "target/postgres/reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "target/postgres/item_merge.h"

namespace offramp::target::postgres {
namespace {

// Smaller parts cost more in connections than they win.
constexpr uint64_t kPartBlocksMin = 256;
constexpr uint64_t kSampleBlocks = 64;
// Before this version a range of ctids is a scan of the whole table.
constexpr int kTidRangeVersion = 140000;

Result<uint64_t> block_count(Connection& connection, const Binding& binding,
                             const mapping::Table& table) {
  QueryResult result = TRY(connection.query(
      "SELECT pg_relation_size(to_regclass($1)) / current_setting('block_size')::bigint",
      {binding.name(table)}, "measure the table " + table.name));
  if (result.is_null(0, 0))
    return Error(ErrorKind::kGap, "postgres.no_table",
                 fmt::format("{}: table {} is not there: it was dropped, or the load has not begun",
                             connection.where(), table.name));
  std::string_view text = result.text(0, 0);
  uint64_t blocks = 0;
  std::from_chars(text.data(), text.data() + text.size(), blocks);
  return blocks;
}

std::string keys_token(const std::string& low, const std::string& high) {
  return fmt::format("keys {} {}{}", low.size(), low, high);
}

// Keys that cut the table into about `parts` equal parts, as SQL literals.
Result<std::vector<std::string>> sample_keys(Connection& connection, const Binding& binding,
                                             const mapping::Table& table, uint64_t blocks,
                                             uint64_t parts) {
  double percent =
      std::min(100.0, 100.0 * static_cast<double>(kSampleBlocks) / static_cast<double>(blocks));
  std::string texts;
  for (uint32_t i = 0; i < table.key_columns; ++i)
    texts += fmt::format("{}{}::text", i ? ", " : "", quote_identifier(table.columns[i].name));
  // REPEATABLE: a run that is repeated cuts at the same keys.
  QueryResult rows = TRY(connection.query(
      fmt::format("SELECT {} FROM {} TABLESAMPLE SYSTEM ({}) REPEATABLE (1) ORDER BY {}", texts,
                  binding.name(table), percent, column_list(table, table.key_columns)),
      {}, "sample the table " + table.name));
  std::vector<std::string> keys;
  for (uint64_t part = 1; part < parts; ++part) {
    int row = static_cast<int>(part * static_cast<uint64_t>(rows.rows()) / parts);
    if (row <= 0 || row >= rows.rows()) continue;
    std::string literals;
    for (uint32_t i = 0; i < table.key_columns; ++i)
      literals +=
          fmt::format("{}{}::{}", i ? ", " : "", quote_literal(rows.text(row, static_cast<int>(i))),
                      catalog_type_name(table.columns[i].type));
    if (keys.empty() || keys.back() != literals) keys.push_back(std::move(literals));
  }
  return keys;
}

// The WHERE clause of a token for `table`, whose first `key_columns` columns are the parent's key.
Result<std::string> range_where(std::string_view token, const mapping::Table& table,
                                uint32_t key_columns) {
  Error bad(ErrorKind::kInternal, "postgres.token",
            "a read partition has a token that this target did not make");
  auto number = [&](std::string_view& text, uint64_t& value) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc()) return false;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    return true;
  };
  uint64_t low = 0, high = 0;
  if (token.starts_with("blocks ")) {
    token.remove_prefix(7);
    if (!number(token, low)) return bad;
    if (token == " end") return fmt::format("WHERE t.ctid >= '({},0)'", low);
    token.remove_prefix(1);
    if (!number(token, high) || !token.empty()) return bad;
    return fmt::format("WHERE t.ctid >= '({},0)' AND t.ctid < '({},0)'", low, high);
  }
  if (!token.starts_with("keys ")) return bad;
  token.remove_prefix(5);
  if (!number(token, low) || token.empty() || low > token.size() - 1) return bad;
  token.remove_prefix(1);
  std::string_view from = token.substr(0, low), to = token.substr(low);
  std::string key = "ROW(" + column_list(table, key_columns, "t.") + ")";
  std::string where;
  if (!from.empty()) where = fmt::format("WHERE {} >= ROW({})", key, from);
  if (!to.empty())
    where += fmt::format("{} {} < ROW({})", where.empty() ? "WHERE" : " AND", key, to);
  return where;
}

}  // namespace

Result<std::vector<ReadPartition>> cut_tables(Snapshot& snapshot, const Binding& binding,
                                              int pieces) {
  Connection& connection = snapshot.connection();
  std::vector<ReadPartition> partitions;
  for (uint32_t t = 0; t < binding.tables().size(); ++t) {
    const mapping::Table& table = binding.tables()[t];
    if (table.role == mapping::TableRole::kChild) continue;
    uint64_t blocks = TRY(block_count(connection, binding, table));
    uint64_t parts = std::clamp<uint64_t>(blocks / kPartBlocksMin, 1,
                                          static_cast<uint64_t>(std::max(pieces, 1)));
    if (table.children.empty()) {
      if (connection.server_version() < kTidRangeVersion) parts = 1;
      for (uint64_t i = 0; i < parts; ++i)
        partitions.push_back({t, i + 1 < parts ? fmt::format("blocks {} {}", blocks * i / parts,
                                                             blocks * (i + 1) / parts)
                                               : fmt::format("blocks {} end", blocks * i / parts)});
      continue;
    }
    std::vector<std::string> keys;
    if (parts > 1) keys = TRY(sample_keys(connection, binding, table, blocks, parts));
    keys.insert(keys.begin(), "");
    keys.push_back("");
    for (size_t i = 0; i + 1 < keys.size(); ++i)
      partitions.push_back({t, keys_token(keys[i], keys[i + 1])});
  }
  return partitions;
}

Result<std::unique_ptr<RowReader>> open_partition(const Snapshot& snapshot,
                                                  std::shared_ptr<const Binding> binding,
                                                  const ReadPartition& partition) {
  ASSERT(partition.table < binding->tables().size());
  const mapping::Table& table = binding->tables()[partition.table];
  RowOrder order = table.children.empty() ? RowOrder::kAny : RowOrder::kKey;
  auto open = [&](const mapping::Table& of) -> Result<std::unique_ptr<RowMessages>> {
    std::string where = TRY(range_where(partition.range, of, table.key_columns));
    return stream_rows(TRY(snapshot.open_reader()),
                       item_rows_select(*binding, of, RowOrigin::kPlain, order, where),
                       "read the table " + of.name);
  };
  std::unique_ptr<RowMessages> parent = TRY(open(table));
  std::vector<std::unique_ptr<RowMessages>> children;
  for (uint32_t child : table.children) children.push_back(TRY(open(binding->tables()[child])));
  auto merge = std::make_unique<ItemMerge>(binding, partition.table, RowOrigin::kPlain,
                                           std::move(parent), std::move(children));
  return make_item_reader(std::move(binding), partition.table, std::move(merge));
}

}  // namespace offramp::target::postgres
