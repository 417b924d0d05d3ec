#include "target/postgres/serve/table_size.h"

#include <fmt/format.h>

#include <charconv>

#include "target/postgres/ddl.h"

namespace offramp::target::postgres {
namespace {

// Below this many bytes a table is counted, above it estimated.
constexpr uint64_t kCountedBytesMax = 16u << 20;

uint64_t number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

constexpr int kSampledRows = 2000;

// Of a table that PostgreSQL has not looked at yet: as many rows on each page as on those that hold
// its first ones.
Result<uint64_t> estimate_rows(Connection& connection, const std::string& name) {
  QueryResult estimate = TRY(connection.query(
      fmt::format("SELECT coalesce(round(count(*) * (pg_relation_size($1::regclass) / "
                  "current_setting('block_size')::int) / (max(page) - min(page) + 1)), 0)::bigint "
                  "FROM (SELECT (ctid::text::point)[0] AS page FROM {} LIMIT {}) s",
                  name, kSampledRows),
      {name}, "estimate the table's items"));
  return number(estimate.text(0, 0));
}

}  // namespace

Result<TableSize> measure_table(Connection& connection, std::string_view schema,
                                const ServedTable& table) {
  TableSize size;
  for (const mapping::Table& part : table.mapping->tables()) {
    std::string name = qualified(schema, part.name);
    QueryResult facts = TRY(connection.query(
        "SELECT reltuples::bigint, pg_table_size(oid) FROM pg_class WHERE oid = $1::regclass",
        {name}, "look at the table's size"));
    if (facts.rows() != 1) continue;
    const bool items = part.role != mapping::TableRole::kChild;
    const bool unknown = facts.text(0, 0).starts_with('-');
    uint64_t bytes = number(facts.text(0, 1));
    if (bytes <= kCountedBytesMax) {
      QueryResult sums = TRY(connection.query(
          "SELECT count(*), coalesce(sum(pg_column_size(t.*)), 0) FROM " + name + " t", {},
          "count the table's items"));
      if (items) size.items += number(sums.text(0, 0));
      size.bytes += number(sums.text(0, 1));
      continue;
    }
    size.bytes += bytes;
    if (!items) continue;
    size.items += unknown ? TRY(estimate_rows(connection, name)) : number(facts.text(0, 0));
  }
  return size;
}

}  // namespace offramp::target::postgres
