// The functions and triggers that fill a change log; see log_sql.h for what is true of them.
#include <fmt/format.h>

#include "target/postgres/ddl.h"
#include "target/postgres/serve/log_parts.h"
#include "target/postgres/serve/log_sql.h"

namespace offramp::target::postgres {

using mapping::Table;
using model::ColumnType;
using namespace log_parts;

namespace {

// A bigint of the key's values, which stand in `format` of each key column.
std::string hash_sql(const Table& table, std::string_view format) {
  std::string seed = "0";
  for (uint32_t i = 0; i < table.key_columns; ++i) {
    std::string value =
        fmt::format(fmt::runtime(format), quote_identifier(table.columns[i].name), i + 1);
    ColumnType type = table.columns[i].type;
    if (type == ColumnType::kNumeric)
      seed = fmt::format("pg_catalog.hash_numeric_extended({}, {})", value, seed);
    else
      seed = fmt::format(
          "pg_catalog.hashtextextended({} COLLATE pg_catalog.\"C\", {})",
          type == ColumnType::kBytea ? "pg_catalog.encode(" + value + ", 'hex')" : value, seed);
  }
  return seed;
}

constexpr std::string_view kCommonColumns = "at, origin";
// An operator's own name, whatever the search_path.
constexpr std::string_view kEquals = "OPERATOR(pg_catalog.=)";
constexpr std::string_view kCommonValues =
    "pg_catalog.clock_timestamp(), pg_catalog.current_setting('offramp.origin', true)";
constexpr std::string_view kXid = "pg_catalog.pg_current_xact_id()";

enum class SearchPath { kCallers, kFixed };

std::string function_sql(const std::string& name, SearchPath path, const std::string& body) {
  return fmt::format(
      "CREATE FUNCTION {0}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER{2} AS {1};"
      "REVOKE ALL ON FUNCTION {0}() FROM PUBLIC;",
      name, quote_literal(body),
      path == SearchPath::kFixed ? " SET search_path = pg_catalog, pg_temp" : "");
}

// Of a row's trigger: the row `row` ("OLD", "NEW") came or went, if it did not move.
std::string row_side(const LogNames& log, const Table& table, std::string_view row) {
  std::string_view side = row == "OLD" ? "old" : "new", other = row == "OLD" ? "new" : "old";
  return fmt::format(
      "done := false;"
      "h := {hash};"
      "IF pg_catalog.current_setting('offramp.log_moved', true) {equals} '1' THEN "
      "UPDATE {moves} SET {set}, key_hash = NULL WHERE number {equals} (SELECT l.number FROM "
      "{moves} l WHERE l.xid {equals} {xid} AND l.key_hash {equals} h AND {same} AND "
      "l.{other}_item IS NOT NULL ORDER BY l.number DESC LIMIT 1);"
      "done := FOUND;"
      "END IF;"
      "IF NOT done THEN "
      "INSERT INTO {moves} (xid, {common}, key_hash, {columns}) VALUES ({xid}, {common_values}, h, "
      "{values});"
      "END IF;",
      fmt::arg("hash", hash_sql(table, fmt::format("{}.{{0}}", row))), fmt::arg("equals", kEquals),
      fmt::arg("moves", log.moves()), fmt::arg("xid", kXid), fmt::arg("other", other),
      fmt::arg("common", kCommonColumns), fmt::arg("common_values", kCommonValues),
      fmt::arg("values", each(table, fmt::format("{}.{{0}}", row), ", ")),
      fmt::arg("columns", each(table, fmt::format("{}_{{1}}", side), ", ")),
      fmt::arg("set", each(table, fmt::format("{}_{{1}} = {}.{{0}}", side, row), ", ")),
      fmt::arg("same",
               each_key(table, fmt::format("l.key_{{1}} {} {}.{{0}}", kEquals, row), " AND ")));
}

constexpr std::string_view kRowVariables = "DECLARE h bigint; done boolean;";

std::string side_function_body(const LogNames& log, const Table& table, std::string_view row) {
  return fmt::format("{}BEGIN {} RETURN NULL; END", kRowVariables, row_side(log, table, row));
}

std::string update_function_body(const LogNames& log, const Table& table) {
  return fmt::format(
      "{variables}BEGIN "
      "IF OLD OPERATOR(pg_catalog.*=) NEW THEN RETURN NULL; END IF;"
      "IF {same} THEN "
      "INSERT INTO {log} ({common}, {keys}{before}{after}) VALUES ({common_values}, "
      "{key_values}{old}{new});"
      "RETURN NULL;"
      "END IF;"
      "{removed}{added}"
      "RETURN NULL;"
      "END",
      fmt::arg("variables", kRowVariables),
      fmt::arg("same", each_key(table, fmt::format("OLD.{{0}} {} NEW.{{0}}", kEquals), " AND ")),
      fmt::arg("log", log.table()), fmt::arg("common", kCommonColumns),
      fmt::arg("keys", each_key(table, "key_{1}", ", ")),
      fmt::arg("before", each_other(table, "old_{1}")),
      fmt::arg("after", each_other(table, "new_{1}")), fmt::arg("common_values", kCommonValues),
      fmt::arg("key_values", each_key(table, "NEW.{0}", ", ")),
      fmt::arg("old", each_other(table, "OLD.{0}")), fmt::arg("new", each_other(table, "NEW.{0}")),
      fmt::arg("removed", row_side(log, table, "OLD")),
      fmt::arg("added", row_side(log, table, "NEW")));
}

// The key's values of the item in `item`, in k1 …; NULL where the table cannot have them.
std::string key_from_item(const Table& table, const std::vector<const std::string*>& names) {
  std::string out;
  for (uint32_t i = 0; i < table.key_columns; ++i) {
    ColumnType type = table.columns[i].type;
    out += fmt::format("v := {}; k{} := {};", attribute_of_item("item", *names[i]), i + 1,
                       type == ColumnType::kNumeric ? "(v->>'N')::numeric"
                       : type == ColumnType::kBytea ? "decode(v->>'B', 'base64')"
                                                    : "v->>'S'");
  }
  return out;
}

// Of the overflow table's trigger: the row `row` came or went, if it did not move.
std::string overflow_side(const LogNames& log, const Table& table,
                          const std::vector<const std::string*>& names, std::string_view row) {
  std::string_view side = row == "OLD" ? "old" : "new", other = row == "OLD" ? "new" : "old";
  return fmt::format(
      "done := false;"
      "item := {row}.item;"
      // What somebody wrote into the table may be no item: then it moves nowhere.
      "BEGIN {key} h := {hash}; EXCEPTION WHEN data_exception THEN h := NULL; END;"
      "IF h IS NOT NULL THEN "
      "UPDATE {moves} SET {side}_item = item, key_hash = NULL WHERE number = (SELECT l.number FROM "
      "{moves} l WHERE l.xid = {xid} AND l.key_hash = h AND {same} ORDER BY l.number DESC LIMIT 1);"
      "done := FOUND;"
      "END IF;"
      "IF NOT done THEN "
      "PERFORM set_config('offramp.log_moved', '1', true);"
      "INSERT INTO {moves} (xid, {common}, key_hash, {keys}, {side}_item) VALUES ({xid}, "
      "{common_values}, h, {key_values}, item);"
      "END IF;",
      fmt::arg("row", row), fmt::arg("key", key_from_item(table, names)),
      fmt::arg("hash", hash_sql(table, "k{1}")), fmt::arg("moves", log.moves()),
      fmt::arg("xid", kXid), fmt::arg("side", side),
      fmt::arg("same", each_key(table, fmt::format("l.{}_{{1}} = k{{1}}", other), " AND ")),
      fmt::arg("common", kCommonColumns), fmt::arg("common_values", kCommonValues),
      fmt::arg("keys", each_key(table, "key_{1}", ", ")),
      fmt::arg("key_values", each_key(table, "k{1}", ", ")));
}

std::string overflow_function_body(const LogNames& log, const ServedTable& served) {
  const Table& table = parent_of(served);
  std::vector<const std::string*> names{&served.key.partition.name};
  if (served.key.sort) names.push_back(&served.key.sort->name);
  std::string variables;
  for (uint32_t i = 0; i < table.key_columns; ++i)
    variables += fmt::format("k{} {};", i + 1, catalog_type_name(table.columns[i].type));
  return fmt::format(
      "DECLARE item jsonb; v jsonb; h bigint; done boolean; {variables}"
      "BEGIN "
      "IF TG_OP = 'UPDATE' THEN "
      "IF OLD *= NEW THEN RETURN NULL; END IF;"
      "IF OLD.key_hash = NEW.key_hash THEN "
      "INSERT INTO {moves} (xid, {common}, old_item, new_item) VALUES ({xid}, {common_values}, "
      "OLD.item, NEW.item);"
      "RETURN NULL;"
      "END IF;"
      "END IF;"
      "IF TG_OP <> 'INSERT' THEN {removed} END IF;"
      "IF TG_OP <> 'DELETE' THEN {added} END IF;"
      "RETURN NULL;"
      "END",
      fmt::arg("variables", variables), fmt::arg("moves", log.moves()), fmt::arg("xid", kXid),
      fmt::arg("common", kCommonColumns), fmt::arg("common_values", kCommonValues),
      fmt::arg("removed", overflow_side(log, table, names, "OLD")),
      fmt::arg("added", overflow_side(log, table, names, "NEW")));
}

// Whoever writes is seen: also what applies a replication to this table. No trigger has a WHEN: its
// text would be parsed anew by every statement that updates a row.
std::string triggers_sql(const LogNames& log, const Table& table, const std::string& on_insert,
                         const std::string& on_update, const std::string& on_delete) {
  std::string out, name = qualified(log.schema, table.name);
  auto add = [&](std::string_view suffix, std::string_view when, std::string_view each,
                 const std::string& called) {
    std::string trigger = quote_identifier(log.base + std::string(suffix));
    out += fmt::format(
        "CREATE TRIGGER {0} {1} ON {2} FOR EACH {3} EXECUTE FUNCTION {4}();"
        "ALTER TABLE {2} ENABLE ALWAYS TRIGGER {0};",
        trigger, when, name, each, called);
  };
  add("_insert", "AFTER INSERT", "ROW", on_insert);
  add("_update", "AFTER UPDATE", "ROW", on_update);
  add("_delete", "AFTER DELETE", "ROW", on_delete);
  add("_truncate", "BEFORE TRUNCATE", "STATEMENT", log.function("truncate"));
  return out;
}

}  // namespace

std::string create_log_triggers_sql(const LogNames& log, const ServedTable& served) {
  const Table& parent = parent_of(served);
  const std::string on_insert = log.function("insert"), on_update = log.function("update"),
                    on_delete = log.function("delete"), on_overflow = log.function("overflow");
  return function_sql(on_insert, SearchPath::kCallers, side_function_body(log, parent, "NEW")) +
         function_sql(on_update, SearchPath::kCallers, update_function_body(log, parent)) +
         function_sql(on_delete, SearchPath::kCallers, side_function_body(log, parent, "OLD")) +
         function_sql(on_overflow, SearchPath::kFixed, overflow_function_body(log, served)) +
         function_sql(log.function("truncate"), SearchPath::kFixed,
                      "BEGIN RAISE EXCEPTION 'the changes of % are logged: use DELETE, which logs "
                      "each row', TG_TABLE_NAME USING ERRCODE = "
                      "'object_not_in_prerequisite_state'; END") +
         triggers_sql(log, parent, on_insert, on_update, on_delete) +
         triggers_sql(log, overflow_of(served), on_overflow, on_overflow, on_overflow);
}

std::string drop_log_triggers_sql(const LogNames& log, const ServedTable& served) {
  std::string out;
  for (const Table* table : {&parent_of(served), &overflow_of(served)})
    for (const char* suffix : {"_insert", "_update", "_delete", "_truncate"})
      out += fmt::format("DROP TRIGGER IF EXISTS {} ON {};", quote_identifier(log.base + suffix),
                         qualified(log.schema, table->name));
  return out;
}

}  // namespace offramp::target::postgres
