#include "target/postgres/serve/log_sql.h"

#include <fmt/format.h>
#include <xxhash.h>

#include "target/postgres/ddl.h"
#include "target/postgres/serve/log_parts.h"

namespace offramp::target::postgres {

using mapping::Table;
using namespace log_parts;

namespace {

std::string log_table_sql(const LogNames& log, const ServedTable& served) {
  const Table& table = parent_of(served);
  auto columns = [&](std::string_view prefix, uint32_t columns) {
    std::string out;
    for (uint32_t i = 0; i < columns; ++i)
      out += fmt::format(", {}_{} {}", prefix, i + 1, column_sql_type(table.columns[i].type));
    return out;
  };
  return fmt::format(
      "CREATE SEQUENCE {sequence};"
      "CREATE TABLE {log} (number bigint PRIMARY KEY DEFAULT nextval({sequence_name}::regclass), "
      "xid xid8 NOT NULL, at timestamptz NOT NULL, origin text{old}{new}, old_item jsonb, new_item "
      "jsonb, key_hash bigint{key});"
      "ALTER SEQUENCE {sequence} OWNED BY {log}.number;"
      "CREATE INDEX {index} ON {log} (xid, key_hash) WHERE key_hash IS NOT NULL;"
      "COMMENT ON TABLE {log} IS {comment};",
      fmt::arg("sequence", log.sequence()), fmt::arg("log", log.table()),
      fmt::arg("sequence_name", quote_literal(log.sequence())),
      fmt::arg("old", columns("old", count(table))), fmt::arg("new", columns("new", count(table))),
      fmt::arg("key", columns("key", table.key_columns)),
      fmt::arg("index", quote_identifier(log.base + "_moved")),
      fmt::arg("comment", quote_literal("offramp: the changes of " + table.name)));
}

}  // namespace

std::string log_base_name(const ChangeLogName& log) {
  std::string whole = log.table_id;
  whole += '\0';
  whole += log.label;
  XXH128_hash_t hash = XXH3_128bits(whole.data(), whole.size());
  return fmt::format("_offramp_log_{:016x}{:016x}", hash.high64, hash.low64);
}

std::string LogNames::table() const { return qualified(schema, base); }
std::string LogNames::sequence() const { return qualified(schema, base + "_number"); }
std::string LogNames::row_function() const { return qualified(schema, base + "_row"); }
std::string LogNames::overflow_function() const { return qualified(schema, base + "_overflow"); }
std::string LogNames::truncate_function() const { return qualified(schema, base + "_truncate"); }

std::string create_log_sql(const LogNames& log, const ServedTable& served) {
  return log_table_sql(log, served) + create_log_triggers_sql(log, served);
}

std::string drop_log_sql(const LogNames& log) {
  return fmt::format(
      "DROP TABLE IF EXISTS {}; DROP FUNCTION IF EXISTS {}(); DROP FUNCTION IF EXISTS {}(); "
      "DROP FUNCTION IF EXISTS {}();",
      log.table(), log.row_function(), log.overflow_function(), log.truncate_function());
}

Statement last_number_statement(const LogNames& log) {
  return {.sql = fmt::format("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {}",
                             log.sequence()),
          .types = {},
          .doing = "look at a change log"};
}

Statement transactions_statement() {
  // pg_snapshot_xmax is behind the last transaction that has ended, not behind those that go on;
  // age() counts from the next one that will begin, and takes no number itself.
  return {.sql =
              "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, "
              "age('3'::xid)::bigint + 3",
          .types = {},
          .doing = "look at a change log"};
}

Statement read_log_statement(const LogNames& log, const Table& parent) {
  return {.sql = fmt::format("SELECT number, at, origin, old_item, new_item, {}, {} FROM {} WHERE "
                             "number > $1 AND number <= $2 ORDER BY number LIMIT $3",
                             each(parent, count(parent), "old_{1}", ", "),
                             each(parent, count(parent), "new_{1}", ", "), log.table()),
          .types = {kInt8Oid, kInt8Oid, kInt8Oid},
          .doing = "read a change log"};
}

}  // namespace offramp::target::postgres
