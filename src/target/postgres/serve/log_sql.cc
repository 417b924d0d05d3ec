#include "target/postgres/serve/log_sql.h"

#include <fmt/format.h>
#include <xxhash.h>

#include "target/postgres/ddl.h"
#include "target/postgres/serve/log_parts.h"

namespace offramp::target::postgres {

using mapping::Table;
using namespace log_parts;

namespace {

std::string log_tables_sql(const LogNames& log, const ServedTable& served) {
  const Table& table = parent_of(served);
  auto columns = [&](std::string_view prefix, uint32_t first, uint32_t end) {
    std::string out;
    for (uint32_t i = first; i < end; ++i)
      out += fmt::format(", {}_{} {}", prefix, i + 1, column_sql_type(table.columns[i].type));
    return out;
  };
  const uint32_t keys = table.key_columns, all = table.column_count();
  return fmt::format(
      "CREATE SEQUENCE {sequence};"
      "CREATE TABLE {log} ({number}, {common}{keys}{others_before}{others_after});"
      "CREATE TABLE {moves} ({number}, xid xid8 NOT NULL, {common}{before}{after}, old_item jsonb, "
      "new_item jsonb, key_hash bigint{keys});"
      "ALTER SEQUENCE {sequence} OWNED BY {log}.number;"
      "CREATE INDEX {index} ON {moves} (xid, key_hash) WHERE key_hash IS NOT NULL;"
      "COMMENT ON TABLE {log} IS {comment}; COMMENT ON TABLE {moves} IS {comment};",
      fmt::arg("sequence", log.sequence()), fmt::arg("log", log.table()),
      fmt::arg("moves", log.moves()),
      fmt::arg("number", fmt::format("number bigint PRIMARY KEY DEFAULT nextval({}::regclass)",
                                     quote_literal(log.sequence()))),
      fmt::arg("common", "at timestamptz NOT NULL, origin text"),
      fmt::arg("keys", columns("key", 0, keys)),
      fmt::arg("others_before", columns("old", keys, all)),
      fmt::arg("others_after", columns("new", keys, all)),
      fmt::arg("before", columns("old", 0, all)), fmt::arg("after", columns("new", 0, all)),
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
std::string LogNames::moves() const { return qualified(schema, base + "_moves"); }
std::string LogNames::sequence() const { return qualified(schema, base + "_number"); }
std::string LogNames::function(std::string_view kind) const {
  return qualified(schema, fmt::format("{}_{}", base, kind));
}

std::string create_log_sql(const LogNames& log, const ServedTable& served) {
  return log_tables_sql(log, served) + create_log_triggers_sql(log, served);
}

std::string drop_log_sql(const LogNames& log) {
  std::string out = fmt::format("DROP TABLE IF EXISTS {}, {};", log.moves(), log.table());
  for (const char* kind : {"insert", "update", "delete", "overflow", "truncate"})
    out += fmt::format("DROP FUNCTION IF EXISTS {}();", log.function(kind));
  return out;
}

Statement last_number_statement(const LogNames& log) {
  // Not SELECT last_value FROM the sequence: while nextval() writes its record for the server's
  // log, once in 32 numbers, the row shows the number that is 32 further on, and a SELECT does not
  // heed the lock that hides it. (nextval_internal and pg_sequence_last_value in
  // commands/sequence.c.)
  return {.sql = fmt::format("SELECT coalesce(pg_sequence_last_value({}::text::regclass), 0)",
                             quote_literal(log.sequence())),
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

std::string first_number_sql(const LogNames& log) {
  return fmt::format("SELECT least((SELECT min(number) FROM {}), (SELECT min(number) FROM {}))",
                     log.table(), log.moves());
}

Statement read_log_statement(const LogNames& log, const Table& parent) {
  // Both are read in their numbers' order and merged, as far as the limit goes: the planner does so
  // only when the condition stands outside of the union.
  return {.sql = fmt::format(
              "SELECT * FROM (SELECT number, at, origin, NULL::jsonb, NULL::jsonb, "
              "{keys}{others_before}, {keys}{others_after} FROM {log} UNION ALL SELECT number, at, "
              "origin, old_item, new_item, {before}, {after} FROM {moves}) l WHERE number > $1 AND "
              "number <= $2 ORDER BY number LIMIT $3",
              fmt::arg("keys", each_key(parent, "key_{1}", ", ")),
              fmt::arg("others_before", each_other(parent, "old_{1}")),
              fmt::arg("others_after", each_other(parent, "new_{1}")),
              fmt::arg("before", each(parent, "old_{1}", ", ")),
              fmt::arg("after", each(parent, "new_{1}", ", ")), fmt::arg("log", log.table()),
              fmt::arg("moves", log.moves())),
          .types = {kInt8Oid, kInt8Oid, kInt8Oid},
          .doing = "read a change log"};
}

std::string trim_log_sql(const LogNames& log, int entries_max) {
  return fmt::format(
      "WITH oldest AS (SELECT number, at FROM {0} UNION ALL SELECT number, at FROM {1} ORDER BY 1 "
      "LIMIT {2}), kept AS (SELECT coalesce(min(number) FILTER (WHERE at >= 'epoch'::timestamptz + "
      "$1::bigint * interval '1 millisecond'), max(number) + 1) AS number FROM oldest), "
      "rows AS (DELETE FROM {0} WHERE number < (SELECT number FROM kept) RETURNING 1), "
      "moves AS (DELETE FROM {1} WHERE number < (SELECT number FROM kept) RETURNING 1) "
      "SELECT (SELECT count(*) FROM rows) + (SELECT count(*) FROM moves)",
      log.table(), log.moves(), entries_max);
}

}  // namespace offramp::target::postgres
