// The functions and triggers that fill the change log of a plan's table; see plan_log_sql.h for
// what is true of them.
//
// In their text every variable is named behind the label of its block or function, because the
// tables' columns may have any name.
#include <fmt/format.h>

#include "target/postgres/serve/attribute_sql.h"
#include "target/postgres/serve/log_parts.h"
#include "target/postgres/serve/plan_log_sql.h"

namespace offramp::target::postgres {

using mapping::Table;
using mapping::TableRole;
using model::ColumnType;
using namespace log_parts;

namespace {

constexpr const char* kVariables =
    "<<v>> DECLARE n bigint; id bytea; a bytea; b bytea; j jsonb; BEGIN ";
constexpr const char* kItemId = "v.id := sha256(int4send(length(v.a)) || v.a || v.b);";
constexpr const char* kTooOld =
    "IF NOT FOUND THEN RAISE EXCEPTION 'could not serialize access: the change log is younger than "
    "this transaction''s snapshot' USING ERRCODE = 'serialization_failure'; END IF;";

std::string function_sql(const std::string& name, const std::string& arguments,
                         const std::string& result, const std::string& more,
                         const std::string& body) {
  std::string out = fmt::format(
      "CREATE OR REPLACE FUNCTION {}({}) RETURNS {} LANGUAGE plpgsql{} AS {};"
      "REVOKE ALL ON FUNCTION {}({}) FROM PUBLIC;",
      name, arguments, result, more, quote_literal(body), name, arguments);
  return out;
}

std::vector<const model::KeyAttribute*> key_of(const ServedTable& served) {
  std::vector<const model::KeyAttribute*> out{&served.key.partition};
  if (served.key.sort) out.push_back(&*served.key.sort);
  return out;
}

// A key attribute's value, as what makes the same bytes whatever table it is in.
std::string bytes_sql(const std::string& value, ddb::Type type) {
  switch (type) {
    case ddb::Type::kS:
      return "convert_to(" + value + ", 'UTF8')";
    case ddb::Type::kN:
      return "convert_to(trim_scale(" + value + ")::text, 'UTF8')";
    default:
      return value;
  }
}

// The number of the item, which is $1, in this transaction, which has not touched it yet; its key
// is $2, $3. Closing: that of the last copies, or NULL when no entry needs them.
std::string entry_sql(const PlanLogNames& log, PlanLogMode mode) {
  std::string body = "<<v>> DECLARE n bigint; x xid8 := pg_current_xact_id(); BEGIN ";
  if (mode == PlanLogMode::kLogging)
    body += fmt::format(
        "IF current_setting('transaction_isolation') <> 'read committed' THEN "
        "PERFORM 1 FROM {items} i WHERE i.item = ''; {too_old} END IF;"
        // Drawn when the lock is there.
        "INSERT INTO {items} AS i (item, xid, number) VALUES ($1, v.x, nextval({sequence})) ON "
        "CONFLICT (item) DO UPDATE SET xid = v.x, number = nextval({sequence}) RETURNING i.number "
        "INTO v.n;"
        "INSERT INTO {log} (number, at, origin, item, key_1, key_2) VALUES (v.n, "
        "clock_timestamp(), current_setting('offramp.origin', true), $1, $2, $3);"
        "RETURN v.n;",
        fmt::arg("items", log.items()), fmt::arg("too_old", kTooOld), fmt::arg("log", log.table()),
        fmt::arg("sequence", quote_literal(log.sequence()) + "::regclass"));
  else
    body += fmt::format(
        "PERFORM 1 FROM {items} i WHERE i.item = '' AND i.number = 1; {too_old}"
        "PERFORM 1 FROM {items} i WHERE i.item = $1;"
        "IF FOUND THEN RETURN {closing}; END IF;"
        "RETURN NULL;",
        fmt::arg("items", log.items()), fmt::arg("too_old", kTooOld),
        fmt::arg("closing", kClosing));
  return function_sql(log.function("entry"), "bytea, bytea, bytea", "bigint", "", body + "END");
}

// v.n becomes the number of the copies of the row with the key $1 …; returns when there is one, or
// none is needed.
std::string number_body(const PlanLogNames& log, const ServedTable& served, size_t index,
                        PlanLogMode mode) {
  const std::string copied = fmt::format(
                        "EXISTS (SELECT 1 FROM {} l WHERE l.item = v.id AND l.number = v.n AND {})",
                        log.part(index),
                        each_key(served.mapping->tables()[index], "l.c_{1} = ${1}", " AND ")),
                    entry = fmt::format("v.n := {}(v.id, v.a, {});", log.function("entry"),
                                        served.key.sort ? "v.b" : "NULL");
  if (mode == PlanLogMode::kLogging)
    return fmt::format(
        "SELECT i.number INTO v.n FROM {items} i WHERE i.item = v.id AND i.xid = "
        "pg_current_xact_id();"
        "IF NOT FOUND THEN {entry} ELSIF {copied} THEN RETURN; END IF;",
        fmt::arg("items", log.items()), fmt::arg("entry", entry), fmt::arg("copied", copied));
  return fmt::format(
      "{entry} IF v.n IS NULL OR {copied} THEN RETURN; END IF;"
      // Who comes second waits for the first.
      "UPDATE {items} i SET xid = pg_current_xact_id() WHERE i.item = v.id;"
      "IF {copied} THEN RETURN; END IF;",
      fmt::arg("items", log.items()), fmt::arg("entry", entry), fmt::arg("copied", copied));
}

// The copies of the row with the key $1 … and of its child rows.
std::string copy_body(const PlanLogNames& log, const ServedTable& served, size_t index,
                      PlanLogMode mode) {
  const std::vector<Table>& tables = served.mapping->tables();
  const Table& table = tables[index];
  std::string body = number_body(log, served, index, mode);
  body += fmt::format(
      "INSERT INTO {part} SELECT v.n, v.id, t.tableoid IS NOT NULL, {keys}{others} FROM (SELECT) o "
      "LEFT JOIN {table} t ON {same};",
      fmt::arg("part", log.part(index)), fmt::arg("keys", each_key(table, "${1}", ", ")),
      fmt::arg("others", each_other(table, "t.{0}")),
      fmt::arg("table", qualified(log.schema, table.name)),
      fmt::arg("same", each_key(table, "t.{0} = ${1}", " AND ")));
  for (uint32_t child : table.children)
    body +=
        fmt::format("INSERT INTO {} SELECT v.n, v.id, {} FROM {} t WHERE {};", log.part(child),
                    each(tables[child], "t.{0}", ", "), qualified(log.schema, tables[child].name),
                    each(tables[child], 0, table.key_columns, "t.{0} = ${1}", " AND "));
  return body;
}

// A row's item from its key columns. What they hold may be no text at all (a time that is
// infinite): then there is no item.
std::string parent_key_body(const ServedTable& served, uint32_t index, const std::string& name) {
  const Table& table = served.mapping->tables()[index];
  std::string body = served.key.sort ? "" : "v.b := '';", variable = "v.a";
  for (const model::KeyAttribute* attribute : key_of(served)) {
    auto sql = attribute_sql(*served.mapping, index, *attribute, name + ".");
    ASSERT(sql);  // check_plan_log()
    std::string value = sql->literal.empty()
                            ? sql->sql
                            : "(" + quote_literal(sql->literal) + "::text || " + sql->sql + ")";
    body += fmt::format("{} := {};", variable, bytes_sql(value, attribute->type));
    variable = "v.b";
  }
  bool may_fail = false;
  for (uint32_t i = 0; i < table.key_columns; ++i)
    may_fail |= table.columns[i].type == ColumnType::kDate ||
                table.columns[i].type == ColumnType::kTimestamptz;
  if (!may_fail) return body;
  return "BEGIN " + body + "EXCEPTION WHEN data_exception THEN RETURN; END;";
}

// The item in $2. What somebody wrote may be none.
std::string overflow_key_body(const ServedTable& served) {
  std::string body = served.key.sort ? "" : "v.b := '';", variable = "v.a";
  for (const model::KeyAttribute* attribute : key_of(served)) {
    std::string value;
    switch (attribute->type) {
      case ddb::Type::kS:
        value = "coalesce(convert_to(v.j->>'S', 'UTF8'), decode(v.j->>'$S64', 'base64'))";
        break;
      case ddb::Type::kN:
        value = bytes_sql("(v.j->>'N')::numeric", ddb::Type::kN);
        break;
      default:
        value = "decode(v.j->>'B', 'base64')";
    }
    body += fmt::format("v.j := {};{} := {};", attribute_of_item("$2", attribute->name), variable,
                        value);
    variable = "v.b";
  }
  return "BEGIN " + body + "EXCEPTION WHEN data_exception THEN RETURN; END;";
}

std::string touch_name(const PlanLogNames& log, size_t index) {
  return fmt::format("{}_touch_{}", log.base, index);
}

std::string touch_sql(const PlanLogNames& log, const ServedTable& served, uint32_t index,
                      PlanLogMode mode) {
  const Table& table = served.mapping->tables()[index];
  const std::string name = touch_name(log, index);
  const bool overflow = table.role == TableRole::kOverflow;
  std::string arguments;
  for (uint32_t i = 0; i < table.key_columns; ++i)
    arguments += fmt::format("{}{} {}", i ? ", " : "", quote_identifier(table.columns[i].name),
                             catalog_type_name(table.columns[i].type));
  if (overflow) arguments += ", item jsonb";
  return function_sql(qualified(log.schema, name), arguments, "void", "",
                      kVariables +
                          (overflow ? overflow_key_body(served)
                                    : parent_key_body(served, index, quote_identifier(name))) +
                          "IF v.a IS NULL OR v.b IS NULL THEN RETURN; END IF;" + kItemId +
                          copy_body(log, served, index, mode) + "END");
}

// A row is inserted: it is locked first if it is there already, as an update would have it locked.
// If it appears while its item is waited for, whoever has locked it waits for this transaction.
std::string insert_body(const PlanLogNames& log, const Table& table, const std::string& touch) {
  const std::string row =
      fmt::format("PERFORM 1 FROM {} t WHERE {}", qualified(log.schema, table.name),
                  each_key(table, "t.{0} = NEW.{0}", " AND "));
  return fmt::format(
      "IF TG_OP = 'INSERT' THEN "
      "{row} FOR UPDATE;"
      "IF FOUND THEN {touch} RETURN NEW; END IF;"
      "{touch}"
      "{row} FOR UPDATE SKIP LOCKED;"
      "IF NOT FOUND THEN {row}; IF FOUND THEN RAISE EXCEPTION 'could not serialize access: another "
      "transaction writes the same row' USING ERRCODE = 'serialization_failure'; END IF; END IF;"
      "RETURN NEW;"
      "END IF;",
      fmt::arg("row", row), fmt::arg("touch", touch));
}

std::string rows_sql(const PlanLogNames& log, const ServedTable& served, uint32_t index) {
  const std::vector<Table>& tables = served.mapping->tables();
  const Table& table = tables[index];
  const uint32_t owner = table.role == TableRole::kChild ? table.parent : index;
  const bool overflow = table.role == TableRole::kOverflow;
  auto touch = [&](std::string_view row, const std::string& from = "") {
    return fmt::format(
        "PERFORM {}({}{}){};", qualified(log.schema, touch_name(log, owner)),
        each(table, 0, tables[owner].key_columns, fmt::format("{}.{{0}}", row), ", "),
        overflow ? fmt::format(", {}.{}", row, quote_identifier(table.columns[2].name)) : "", from);
  };
  const std::string rows = qualified(log.schema, table.name);
  const std::string body =
      "BEGIN IF TG_OP = 'TRUNCATE' THEN " +
      touch("t", table.role == TableRole::kChild
                     ? fmt::format(" FROM (SELECT DISTINCT {} FROM {} c) t",
                                   each(table, 0, table.key_columns - 1, "c.{0}", ", "), rows)
                     : fmt::format(" FROM {} t", rows)) +
      "RETURN NULL; END IF;" + insert_body(log, table, touch("NEW")) +
      fmt::format(
          "IF TG_OP = 'DELETE' THEN {old} RETURN OLD; END IF;"
          "IF OLD *= NEW THEN RETURN NEW; END IF;"
          "{old}"
          "IF {old_key} IS DISTINCT FROM {new_key} THEN {new} END IF;"
          "RETURN NEW;"
          "END",
          fmt::arg("old", touch("OLD")), fmt::arg("new", touch("NEW")),
          fmt::arg("old_key", overflow ? "OLD" : "(" + each_key(table, "OLD.{0}", ", ") + ")"),
          fmt::arg("new_key", overflow ? "NEW" : "(" + each_key(table, "NEW.{0}", ", ") + ")"));
  return function_sql(
      log.function(fmt::format("rows_{}", index)), "", "trigger",
      " SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off", body);
}

std::string trim_sql(const PlanLogNames& log, const ServedTable& served) {
  std::string parts;
  for (size_t i = 0; i < served.mapping->tables().size(); ++i)
    parts += fmt::format(
        ", p{} AS (DELETE FROM {} l USING gone g WHERE l.item = g.item AND l.number = g.number)", i,
        log.part(i));
  const std::string body = fmt::format(
      "<<v>> DECLARE kept bigint; n bigint; BEGIN "
      "SELECT coalesce(min(o.number) FILTER (WHERE o.at >= 'epoch'::timestamptz + $1 * interval "
      "'1 millisecond'), max(o.number) + 1) INTO v.kept FROM (SELECT e.number, e.at FROM {log} e "
      "ORDER BY e.number LIMIT $2) o;"
      "WITH gone AS (DELETE FROM {log} e WHERE e.number < v.kept RETURNING e.item, e.number){parts}"
      // Who writes one of them now has a newer entry of it.
      ", idle AS MATERIALIZED (SELECT i.item FROM {items} i JOIN gone g ON i.item = g.item AND "
      "i.number = g.number FOR UPDATE OF i SKIP LOCKED), items AS (DELETE FROM {items} i USING "
      "idle WHERE i.item = idle.item) SELECT count(*) INTO v.n FROM gone;"
      "RETURN v.n;"
      "END",
      fmt::arg("log", log.table()), fmt::arg("items", log.items()), fmt::arg("parts", parts));
  return function_sql(
      log.function("trim"), "bigint, int", "bigint",
      " SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_hashjoin = off "
      "SET enable_mergejoin = off",
      body);
}

}  // namespace

std::string plan_log_copying_sql(const PlanLogNames& log, const ServedTable& served,
                                 PlanLogMode mode) {
  std::string out = entry_sql(log, mode);
  const std::vector<Table>& tables = served.mapping->tables();
  for (uint32_t i = 0; i < tables.size(); ++i)
    if (tables[i].role != TableRole::kChild) out += touch_sql(log, served, i, mode);
  return out;
}

// Whoever writes is seen: also what applies a replication to this table.
std::string plan_log_triggers_sql(const PlanLogNames& log, const ServedTable& served) {
  std::string out = trim_sql(log, served);
  const std::vector<Table>& tables = served.mapping->tables();
  const std::string each_row = quote_identifier(log.trigger()),
                    truncate = quote_identifier(log.trigger() + "_truncate");
  for (uint32_t i = 0; i < tables.size(); ++i) {
    out += rows_sql(log, served, i);
    out += fmt::format(
        "CREATE TRIGGER {row} BEFORE INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE "
        "FUNCTION {rows}();"
        "CREATE TRIGGER {truncate} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION "
        "{rows}();"
        "ALTER TABLE {table} ENABLE ALWAYS TRIGGER {row};"
        "ALTER TABLE {table} ENABLE ALWAYS TRIGGER {truncate};",
        fmt::arg("row", each_row), fmt::arg("truncate", truncate),
        fmt::arg("table", qualified(log.schema, tables[i].name)),
        fmt::arg("rows", log.function(fmt::format("rows_{}", i))));
  }
  return out;
}

}  // namespace offramp::target::postgres
