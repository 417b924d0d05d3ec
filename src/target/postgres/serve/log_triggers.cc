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

constexpr std::string_view kCommonColumns = "xid, at, origin";
// An operator's own name, whatever the search_path.
constexpr std::string_view kEquals = "OPERATOR(pg_catalog.=)";
constexpr std::string_view kCommonValues =
    "pg_catalog.pg_current_xact_id(), pg_catalog.clock_timestamp(), "
    "CASE WHEN pg_catalog.current_setting('offramp.origin', true) OPERATOR(pg_catalog.<>) '' THEN "
    "pg_catalog.current_setting('offramp.origin', true) END";

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
      "UPDATE {log} SET {set}, key_hash = NULL WHERE number {equals} (SELECT l.number FROM {log} l "
      "WHERE l.xid {equals} pg_catalog.pg_current_xact_id() AND l.key_hash {equals} h AND {same} "
      "AND l.{other}_item IS NOT NULL ORDER BY l.number DESC LIMIT 1);"
      "done := FOUND;"
      "END IF;"
      "IF NOT done THEN "
      "INSERT INTO {log} ({common}, key_hash, {columns}) VALUES ({common_values}, h, {values});"
      "END IF;",
      fmt::arg("hash", hash_sql(table, fmt::format("{}.{{0}}", row))), fmt::arg("equals", kEquals),
      fmt::arg("log", log.table()), fmt::arg("other", other), fmt::arg("common", kCommonColumns),
      fmt::arg("common_values", kCommonValues),
      fmt::arg("values", each(table, count(table), fmt::format("{}.{{0}}", row), ", ")),
      fmt::arg("columns", each(table, count(table), fmt::format("{}_{{1}}", side), ", ")),
      fmt::arg("set",
               each(table, count(table), fmt::format("{}_{{1}} = {}.{{0}}", side, row), ", ")),
      fmt::arg("same", each(table, table.key_columns,
                            fmt::format("l.key_{{1}} {} {}.{{0}}", kEquals, row), " AND ")));
}

std::string row_function_body(const LogNames& log, const Table& table) {
  std::string both = each(table, count(table), "old_{1}", ", ") + ", " +
                     each(table, count(table), "new_{1}", ", ");
  std::string values = each(table, count(table), "OLD.{0}", ", ") + ", " +
                       each(table, count(table), "NEW.{0}", ", ");
  return fmt::format(
      "DECLARE h bigint; done boolean;"
      "BEGIN "
      "IF TG_OP {equals} 'UPDATE' THEN "
      "IF {same} THEN "
      "INSERT INTO {log} ({common}, {both}) VALUES ({common_values}, {values});"
      "RETURN NULL;"
      "END IF;"
      "END IF;"
      "IF TG_OP {differs} 'INSERT' THEN {removed} END IF;"
      "IF TG_OP {differs} 'DELETE' THEN {added} END IF;"
      "RETURN NULL;"
      "END",
      fmt::arg("same", each(table, table.key_columns,
                            fmt::format("OLD.{{0}} {} NEW.{{0}}", kEquals), " AND ")),
      fmt::arg("equals", kEquals), fmt::arg("differs", "OPERATOR(pg_catalog.<>)"),
      fmt::arg("log", log.table()), fmt::arg("common", kCommonColumns), fmt::arg("both", both),
      fmt::arg("common_values", kCommonValues), fmt::arg("values", values),
      fmt::arg("removed", row_side(log, table, "OLD")),
      fmt::arg("added", row_side(log, table, "NEW")));
}

// The key's values of the item in `item`, in k1 …; NULL where the table cannot have them.
std::string key_from_item(const Table& table, const std::vector<const std::string*>& names) {
  std::string out;
  for (uint32_t i = 0; i < table.key_columns; ++i) {
    ColumnType type = table.columns[i].type;
    out += fmt::format(
        // A name with a NUL character anywhere makes the item an array of names in base64.
        "v := CASE WHEN jsonb_typeof(item->'$M64') = 'array' THEN (SELECT e.value->1 FROM "
        "jsonb_array_elements(item->'$M64') e WHERE decode(e.value->>0, 'base64') = "
        "convert_to({name}, 'UTF8') LIMIT 1) ELSE item->{name} END;"
        "k{n} := {value};",
        fmt::arg("name", quote_literal(*names[i])), fmt::arg("n", i + 1),
        fmt::arg("value", type == ColumnType::kNumeric ? "(v->>'N')::numeric"
                          : type == ColumnType::kBytea ? "decode(v->>'B', 'base64')"
                                                       : "v->>'S'"));
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
      "UPDATE {log} SET {side}_item = item, key_hash = NULL WHERE number = (SELECT l.number FROM "
      "{log} l WHERE l.xid = pg_current_xact_id() AND l.key_hash = h AND {same} ORDER BY l.number "
      "DESC LIMIT 1);"
      "done := FOUND;"
      "END IF;"
      "IF NOT done THEN "
      "PERFORM set_config('offramp.log_moved', '1', true);"
      "INSERT INTO {log} ({common}, key_hash, {keys}, {side}_item) VALUES ({common_values}, h, "
      "{key_values}, item);"
      "END IF;",
      fmt::arg("row", row), fmt::arg("key", key_from_item(table, names)),
      fmt::arg("hash", hash_sql(table, "k{1}")), fmt::arg("log", log.table()),
      fmt::arg("side", side),
      fmt::arg("same",
               each(table, table.key_columns, fmt::format("l.{}_{{1}} = k{{1}}", other), " AND ")),
      fmt::arg("common", kCommonColumns), fmt::arg("common_values", kCommonValues),
      fmt::arg("keys", each(table, table.key_columns, "key_{1}", ", ")),
      fmt::arg("key_values", each(table, table.key_columns, "k{1}", ", ")));
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
      "IF OLD.key_hash = NEW.key_hash THEN "
      "INSERT INTO {log} ({common}, old_item, new_item) VALUES ({common_values}, OLD.item, "
      "NEW.item);"
      "RETURN NULL;"
      "END IF;"
      "END IF;"
      "IF TG_OP <> 'INSERT' THEN {removed} END IF;"
      "IF TG_OP <> 'DELETE' THEN {added} END IF;"
      "RETURN NULL;"
      "END",
      fmt::arg("variables", variables), fmt::arg("log", log.table()),
      fmt::arg("common", kCommonColumns), fmt::arg("common_values", kCommonValues),
      fmt::arg("removed", overflow_side(log, table, names, "OLD")),
      fmt::arg("added", overflow_side(log, table, names, "NEW")));
}

// Whoever writes is seen: also what applies a replication to this table.
std::string triggers_sql(const LogNames& log, const Table& table, std::string_view schema,
                         const std::string& function) {
  std::string olds, news, out, name = qualified(schema, table.name);
  for (uint32_t i = 0; i < count(table); ++i) {
    std::string column = quote_identifier(table.columns[i].name);
    olds += (olds.empty() ? "OLD." : ", OLD.") + column;
    news += (news.empty() ? "NEW." : ", NEW.") + column;
  }
  auto add = [&](std::string_view suffix, std::string_view when, const std::string& each,
                 const std::string& called) {
    std::string trigger = quote_identifier(log.base + std::string(suffix));
    out += fmt::format(
        "CREATE TRIGGER {0} {1} ON {2} {3} EXECUTE FUNCTION {4}();"
        "ALTER TABLE {2} ENABLE ALWAYS TRIGGER {0};",
        trigger, when, name, each, called);
  };
  add("_insert", "AFTER INSERT", "FOR EACH ROW", function);
  add("_update", "AFTER UPDATE",
      fmt::format("FOR EACH ROW WHEN (ROW({}) IS DISTINCT FROM ROW({}))", olds, news), function);
  add("_delete", "AFTER DELETE", "FOR EACH ROW", function);
  add("_truncate", "BEFORE TRUNCATE", "FOR EACH STATEMENT", log.truncate_function());
  return out;
}

}  // namespace

std::string create_log_triggers_sql(const LogNames& log, const ServedTable& served) {
  const Table &parent = parent_of(served), &overflow = overflow_of(served);
  std::string sql;
  sql += function_sql(log.row_function(), SearchPath::kCallers, row_function_body(log, parent));
  sql += function_sql(log.overflow_function(), SearchPath::kFixed,
                      overflow_function_body(log, served));
  sql += function_sql(log.truncate_function(), SearchPath::kFixed,
                      "BEGIN RAISE EXCEPTION 'the changes of % are logged: use DELETE, which logs "
                      "each row', TG_TABLE_NAME USING ERRCODE = "
                      "'object_not_in_prerequisite_state'; END");
  sql += triggers_sql(log, parent, log.schema, log.row_function());
  // Of the overflow's (key_hash, reason, item), the reason is no part of the item.
  Table compared = overflow;
  compared.columns = {overflow.columns[0], overflow.columns[2]};
  sql += triggers_sql(log, compared, log.schema, log.overflow_function());
  return sql;
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
