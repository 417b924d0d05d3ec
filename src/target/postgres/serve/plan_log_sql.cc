#include "target/postgres/serve/plan_log_sql.h"

#include <fmt/format.h>

#include "target/postgres/serve/attribute_sql.h"
#include "target/postgres/serve/log_parts.h"
#include "target/postgres/wire.h"

namespace offramp::target::postgres {

using mapping::Table;
using mapping::TableRole;
using namespace log_parts;

namespace {

std::string part_table_sql(const PlanLogNames& log, const Table& table, size_t index) {
  std::string columns;
  for (uint32_t i = 0; i < table.column_count(); ++i)
    columns += fmt::format(", c_{} {}", i + 1, column_sql_type(table.columns[i].type));
  return fmt::format(
      "CREATE TABLE {part} (number bigint NOT NULL, item bytea NOT NULL{there}{columns});"
      "CREATE INDEX {index} ON {part} (item, number);"
      "COMMENT ON TABLE {part} IS {comment};",
      fmt::arg("part", log.part(index)),
      fmt::arg("there", table.role == TableRole::kChild ? "" : ", there boolean NOT NULL"),
      fmt::arg("columns", columns),
      fmt::arg("index", quote_identifier(fmt::format("{}_{}_item", log.base, index))),
      fmt::arg("comment", quote_literal("offramp: the changes of " + table.name)));
}

std::string log_tables_sql(const PlanLogNames& log, const ServedTable& served) {
  std::string out = fmt::format(
      "CREATE SEQUENCE {sequence};"
      "CREATE TABLE {log} (number bigint PRIMARY KEY, at timestamptz NOT NULL, origin text, item "
      "bytea NOT NULL, key_1 bytea NOT NULL, key_2 bytea);"
      "ALTER SEQUENCE {sequence} OWNED BY {log}.number;"
      "CREATE TABLE {items} (item bytea PRIMARY KEY, xid xid8 NOT NULL, number bigint NOT NULL) "
      "WITH (fillfactor = 80);"
      "INSERT INTO {items} VALUES ('', pg_current_xact_id(), 0);"
      "COMMENT ON TABLE {log} IS {comment}; COMMENT ON TABLE {items} IS {comment};",
      fmt::arg("sequence", log.sequence()), fmt::arg("log", log.table()),
      fmt::arg("items", log.items()),
      fmt::arg("comment", quote_literal("offramp: the changes of " + served.name)));
  const std::vector<Table>& tables = served.mapping->tables();
  for (size_t i = 0; i < tables.size(); ++i) out += part_table_sql(log, tables[i], i);
  return out;
}

std::vector<Oid> types(const Table& table, uint32_t keys) {
  std::vector<Oid> out{kByteaOid, kInt8Oid};
  for (uint32_t i = 0; i < keys; ++i) out.push_back(column_oid(table.columns[i].type));
  return out;
}

// The first copy of the row whose key is in $3 …, as the relation c.
std::string copy_sql(const PlanLogNames& log, const Table& parent, size_t index,
                     const std::string& columns) {
  return fmt::format(
      "WITH c AS MATERIALIZED (SELECT l.number{} FROM {} l WHERE l.item = $1 AND l.number >= $2 "
      "AND {} ORDER BY l.number LIMIT 1) ",
      columns, log.part(index), [&] {
        std::string same;
        for (uint32_t i = 0; i < parent.key_columns; ++i)
          same += fmt::format("{}l.c_{} = ${}", i ? " AND " : "", i + 1, i + 3);
        return same;
      }());
}

std::string key_is(const Table& table, uint32_t keys) {
  std::string out;
  for (uint32_t i = 0; i < keys; ++i)
    out += fmt::format("{}t.{} = ${}", i ? " AND " : "", quote_identifier(table.columns[i].name),
                       i + 3);
  return out;
}

Statement row_statement(const PlanLogNames& log, const Table& table, size_t index) {
  return {.sql = copy_sql(log, table, index, ", l.there" + each(table, ", l.c_{1}", "")) +
                 fmt::format("SELECT {} FROM c WHERE c.there UNION ALL SELECT {} FROM {} t WHERE "
                             "{} AND NOT EXISTS (SELECT 1 FROM c)",
                             each(table, "c.c_{1}", ", "), each(table, "t.{0}", ", "),
                             qualified(log.schema, table.name), key_is(table, table.key_columns)),
          .types = types(table, table.key_columns),
          .doing = "read a change log"};
}

Statement children_statement(const PlanLogNames& log, const Table& parent, size_t parent_index,
                             const Table& table, size_t index) {
  std::string same;
  for (uint32_t i = 0; i < parent.key_columns; ++i)
    same += fmt::format(" AND l.c_{} = ${}", i + 1, i + 3);
  return {.sql = copy_sql(log, parent, parent_index, "") +
                 fmt::format("SELECT {copied} FROM {part} l WHERE l.item = $1 AND l.number = "
                             "(SELECT c.number FROM c){same} UNION ALL SELECT {columns} FROM "
                             "{table} t WHERE {key} AND NOT EXISTS (SELECT 1 FROM c) ORDER BY {n}",
                             fmt::arg("copied", each(table, "l.c_{1}", ", ")),
                             fmt::arg("part", log.part(index)), fmt::arg("same", same),
                             fmt::arg("columns", each(table, "t.{0}", ", ")),
                             fmt::arg("table", qualified(log.schema, table.name)),
                             fmt::arg("key", key_is(table, parent.key_columns)),
                             fmt::arg("n", table.key_columns)),
          .types = types(parent, parent.key_columns),
          .doing = "read a change log"};
}

// Whoever writes with SQL may give a row another hash than its item's key has: then it is known
// from the copies.
Statement overflow_statement(const PlanLogNames& log, const Table& table, size_t index) {
  return {
      .sql = fmt::format(
          "WITH c AS MATERIALIZED (SELECT l.there, {copied} FROM {part} l WHERE l.item = $1 AND "
          "l.number >= $2 ORDER BY l.number, l.there DESC LIMIT 1) "
          "SELECT {from_copy} FROM c WHERE c.there UNION ALL (SELECT {columns} FROM {table} t "
          "WHERE NOT EXISTS (SELECT 1 FROM c) AND t.{hash} IN ($3, (SELECT l.c_1 FROM {part} l "
          "WHERE l.item = $1 ORDER BY l.number DESC LIMIT 1)) ORDER BY t.{hash} <> $3 LIMIT 1)",
          fmt::arg("copied", each(table, "l.c_{1}", ", ")), fmt::arg("part", log.part(index)),
          fmt::arg("from_copy", each(table, "c.c_{1}", ", ")),
          fmt::arg("columns", each(table, "t.{0}", ", ")),
          fmt::arg("table", qualified(log.schema, table.name)),
          fmt::arg("hash", quote_identifier(table.columns[0].name))),
      .types = {kByteaOid, kInt8Oid, kByteaOid},
      .doing = "read a change log"};
}

std::string lock_sql(const PlanLogNames& log, const ServedTable& served) {
  std::string tables;
  for (const Table& table : served.mapping->tables())
    tables += (tables.empty() ? "" : ", ") + qualified(log.schema, table.name);
  return "LOCK TABLE " + tables + " IN ACCESS SHARE MODE";
}

// Those whose names go on so behind BASE, with their triggers.
std::string drop_functions_sql(const PlanLogNames& log, const std::string& kind) {
  return fmt::format(
      "FOR name IN SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = "
      "(SELECT n.oid FROM pg_namespace n WHERE n.nspname = {}) AND "
      "starts_with(p.proname::text, {}) LOOP EXECUTE 'DROP FUNCTION ' || name || ' CASCADE'; "
      "END LOOP;",
      quote_literal(log.schema), quote_literal(log.base + kind));
}

std::string do_sql(const std::string& steps) {
  return "SET LOCAL client_min_messages = warning; DO " +
         quote_literal("DECLARE name text; BEGIN " + steps + "END");
}

}  // namespace

std::string PlanLogNames::items() const { return qualified(schema, base + "_items"); }
std::string PlanLogNames::part(size_t table) const {
  return qualified(schema, fmt::format("{}_{}", base, table));
}

Status check_plan_log(const ServedTable& served) {
  const std::vector<Table>& tables = served.mapping->tables();
  std::vector<const model::KeyAttribute*> key{&served.key.partition};
  if (served.key.sort) key.push_back(&*served.key.sort);
  for (uint32_t i = 0; i < tables.size(); ++i)
    for (const model::KeyAttribute* attribute : key) {
      bool can = tables[i].role == TableRole::kParent
                     ? attribute_sql(*served.mapping, i, *attribute, "t.").has_value()
                     : attribute->name.find('\0') == std::string::npos;
      if (!can)
        return Error(ErrorKind::kUnsupported, "store.no_changes",
                     fmt::format("the changes of '{}' cannot be logged: SQL cannot say the key "
                                 "attribute '{}' of the table {}",
                                 served.name, attribute->name, tables[i].name));
    }
  return {};
}

std::string create_plan_log_sql(const PlanLogNames& log, const ServedTable& served) {
  return log_tables_sql(log, served) + plan_log_copying_sql(log, served, PlanLogMode::kLogging) +
         plan_log_triggers_sql(log, served);
}

std::string end_plan_log_sql(const PlanLogNames& log, const ServedTable& served) {
  return fmt::format("UPDATE {} SET number = 1 WHERE item = '';", log.items()) +
         plan_log_copying_sql(log, served, PlanLogMode::kClosing);
}

std::string drop_plan_log_sql(const PlanLogNames& log) {
  const std::string tables = fmt::format(
      "FOR name IN SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind = 'r' AND "
      "c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = {}) AND "
      "starts_with(c.relname::text, {}) LOOP EXECUTE 'DROP TABLE ' || name; END LOOP;",
      quote_literal(log.schema), quote_literal(log.base));
  return do_sql(drop_functions_sql(log, "") + tables);
}

std::string empty_plan_log_sql(const PlanLogNames& log) {
  return do_sql(fmt::format("IF to_regclass({0}) IS NOT NULL THEN DELETE FROM {1}; END IF;",
                            quote_literal(log.table()), log.table()) +
                drop_functions_sql(log, "_rows_"));
}

std::string plan_log_triggers_there_sql(const PlanLogNames& log, const ServedTable& served) {
  std::string tables;
  for (const Table& table : served.mapping->tables())
    tables += fmt::format("{}to_regclass({})::oid", tables.empty() ? "" : ", ",
                          quote_literal(qualified(log.schema, table.name)));
  return fmt::format(
      "SELECT count(*) FROM pg_trigger WHERE tgrelid IN ({}) AND tgname = {} AND tgenabled <> 'D'",
      tables, quote_literal(log.trigger()));
}

PlanLogReading::PlanLogReading(const PlanLogNames& log, const ServedTable& served)
    : entries{.sql = fmt::format("SELECT number, at, origin, item, key_1, key_2 FROM {} WHERE "
                                 "number > $1 AND number <= $2 ORDER BY number LIMIT $3",
                                 log.table()),
              .types = {kInt8Oid, kInt8Oid, kInt8Oid},
              .doing = "read a change log"},
      lock{.sql = lock_sql(log, served), .types = {}, .doing = "read a change log"},
      triggers_there{.sql = plan_log_triggers_there_sql(log, served),
                     .types = {},
                     .doing = "look at a change log"} {
  const std::vector<Table>& tables = served.mapping->tables();
  for (size_t i = 0; i < tables.size(); ++i) {
    const Table& table = tables[i];
    if (table.role == TableRole::kOverflow) overflow.row = overflow_statement(log, table, i);
    if (table.role != TableRole::kParent) continue;
    Part& part = parents.emplace_back(Part{.row = row_statement(log, table, i), .children = {}});
    for (uint32_t child : table.children)
      part.children.push_back(children_statement(log, table, i, tables[child], child));
  }
}

}  // namespace offramp::target::postgres
