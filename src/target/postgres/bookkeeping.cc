#include "target/postgres/bookkeeping.h"

#include <fmt/format.h>

#include <charconv>

namespace offramp::target::postgres {
namespace {

constexpr const char* kCreateBookkeeping =
    "CREATE SCHEMA IF NOT EXISTS offramp;"
    "CREATE TABLE IF NOT EXISTS offramp.migration "
    "(id text PRIMARY KEY, created timestamptz NOT NULL, version int NOT NULL);"
    "CREATE TABLE IF NOT EXISTS offramp.checkpoint "
    "(migration text, partition text, records bigint NOT NULL, token text NOT NULL, done bool NOT "
    "NULL, "
    "PRIMARY KEY (migration, partition))";

uint64_t to_uint64(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// A token is any bytes (a key with a NUL, say); a text column takes UTF-8 without NUL. Stored:
// never change.
std::string escape(std::string_view bytes) {
  std::string out;
  for (unsigned char byte : bytes) {
    if (byte < 0x20 || byte >= 0x7f || byte == '\\')
      out += fmt::format("\\x{:02x}", byte);
    else
      out += static_cast<char>(byte);
  }
  return out;
}

std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(text.data() + i + 2, text.data() + i + 4, byte, 16).ec == std::errc()) {
      out += static_cast<char>(byte);
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

Result<bool> relation_exists(Connection& connection, const std::string& name) {
  QueryResult result =
      TRY(connection.query("SELECT to_regclass($1) IS NOT NULL", {name}, "look at the catalog"));
  return result.text(0, 0) == "t";
}

// What stands in the catalog under a table's name.
struct Existing {
  bool exists = false;
  bool ours = false;
  std::string columns;  // "name type, …"
};

Result<Existing> look_up(Connection& connection, const Binding& binding,
                         const mapping::Table& table) {
  QueryResult result =
      TRY(connection.query("SELECT c.relkind, obj_description(c.oid, 'pg_class'), "
                           "(SELECT string_agg(quote_ident(a.attname) || ' ' || "
                           "format_type(a.atttypid, a.atttypmod), ', ' "
                           " ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND "
                           "a.attnum > 0 AND NOT a.attisdropped) "
                           "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
                           "n.nspname = $1 AND c.relname = $2",
                           {binding.schema, table.name}, "look at the catalog"));
  Existing existing;
  if (result.rows() == 0) return existing;
  existing.exists = true;
  existing.ours = result.text(0, 0) == "r" && result.text(0, 1) == table_label(binding.migration);
  existing.columns = result.text(0, 2);
  return existing;
}

// The columns as look_up() reports them, quoted by the server's own rule.
Result<std::string> expected_columns(Connection& connection, const mapping::Table& table) {
  std::string sql =
      "SELECT string_agg(quote_ident(name) || ' ' || type, ', ' ORDER BY at) FROM (VALUES ";
  for (size_t i = 0; i < table.columns.size(); ++i)
    sql += fmt::format("{}({}, {}, '{}')", i ? ", " : "", i, quote_literal(table.columns[i].name),
                       catalog_type_name(table.columns[i].type));
  QueryResult result =
      TRY(connection.query(sql + ") v(at, name, type)", {}, "look at the catalog"));
  return std::string(result.text(0, 0));
}

Status create(Connection& connection, const Binding& binding, const mapping::Table& table) {
  std::string doing = "create the table " + table.name;
  TRY(connection.execute(create_table_sql(binding.schema, table), doing));
  return connection.execute(fmt::format("COMMENT ON TABLE {} IS {}", binding.name(table),
                                        quote_literal(table_label(binding.migration))),
                            doing);
}

Status prepare_in_transaction(Connection& connection, const Binding& binding, Target::Start start) {
  TRY(connection.execute(kPrepareLock, "wait for another offramp"));
  // Asked first: CREATE … IF NOT EXISTS wants the privilege even when there is nothing to create.
  if (!TRY(relation_exists(connection, "offramp.checkpoint")))
    TRY(connection.execute(kCreateBookkeeping, "create the schema offramp"));
  QueryResult known = TRY(connection.query("SELECT version FROM offramp.migration WHERE id = $1",
                                           {binding.migration}, "read the migration"));
  bool seen = known.rows() > 0;
  if (seen && to_uint64(known.text(0, 0)) != kBookkeepingVersion)
    return Error(
        ErrorKind::kUnsupported, "postgres.version",
        fmt::format(
            "{}: migration {} was begun by another version of offramp; go on with that version",
            connection.where(), binding.migration));
  if (!seen && start == Target::Start::kResuming)
    return Error(
        ErrorKind::kGap, "postgres.no_trace",
        fmt::format(
            "{}: there is no trace of migration {}: the database was replaced or emptied since the "
            "load began; restore it, or start over with a new migration",
            connection.where(), binding.migration));
  if (!seen)
    TRY(connection.query("INSERT INTO offramp.migration VALUES ($1, now(), $2::int)",
                         {binding.migration, std::to_string(kBookkeepingVersion)},
                         "record the migration"));
  bool loaded = seen && !TRY(read_positions(connection, binding)).empty();
  for (const mapping::Table& table : binding.tables()) {
    Existing existing = TRY(look_up(connection, binding, table));
    if (!existing.exists) {
      if (loaded || start == Target::Start::kResuming)
        return Error(ErrorKind::kGap, "postgres.table_gone",
                     fmt::format("{}: table {} of migration {} is gone, but rows were loaded into "
                                 "it; restore it, or "
                                 "start over with a new migration",
                                 connection.where(), table.name, binding.migration));
      TRY(create(connection, binding, table));
      continue;
    }
    if (!existing.ours)
      return Error(
          ErrorKind::kConflict, "postgres.table_exists",
          fmt::format(
              "{}: {}.{} exists and is not of migration {}; drop it, rename it, or choose another "
              "`into` in the plan",
              connection.where(), binding.schema, table.name, binding.migration));
    if (existing.columns != TRY(expected_columns(connection, table)))
      return Error(
          ErrorKind::kConflict, "postgres.table_differs",
          fmt::format(
              "{}: table {} has other columns than the plan; undo the change of the plan or the "
              "table, or start over with a new migration",
              connection.where(), table.name));
  }
  return {};
}

}  // namespace

Status prepare_tables(Connection& connection, const Binding& binding, Target::Start start) {
  TRY(connection.execute("BEGIN", "begin"));
  Status status = prepare_in_transaction(connection, binding, start);
  if (status.ok()) status = connection.execute("COMMIT", "commit the new tables");
  if (!status.ok()) connection.rollback();
  return status;
}

Status check_migration(Connection& connection, const Binding& binding) {
  if (TRY(relation_exists(connection, "offramp.migration"))) {
    QueryResult known = TRY(connection.query("SELECT 1 FROM offramp.migration WHERE id = $1",
                                             {binding.migration}, "read the migration"));
    if (known.rows() > 0) return {};
  }
  return Error(ErrorKind::kGap, "postgres.no_trace",
               fmt::format("{}: there is no trace of migration {}: nothing was loaded here yet, or "
                           "the database was replaced; run the plan first",
                           connection.where(), binding.migration));
}

Result<std::map<std::string, model::Position>> read_positions(Connection& connection,
                                                              const Binding& binding) {
  std::map<std::string, model::Position> positions;
  if (!TRY(relation_exists(connection, "offramp.checkpoint"))) return positions;
  QueryResult rows = TRY(connection.query(
      "SELECT partition, records, token, done FROM offramp.checkpoint WHERE migration = $1",
      {binding.migration}, "read the checkpoints"));
  for (int i = 0; i < rows.rows(); ++i)
    positions[unescape(rows.text(i, 0))] = model::Position{.records = to_uint64(rows.text(i, 1)),
                                                           .token = unescape(rows.text(i, 2)),
                                                           .done = rows.text(i, 3) == "t"};
  return positions;
}

Status write_positions(Connection& connection, const Binding& binding,
                       const std::map<std::string, model::Position>& positions) {
  if (positions.empty()) return {};
  std::string sql = "INSERT INTO offramp.checkpoint VALUES ";
  for (const auto& [partition, position] : positions)
    sql += fmt::format("{}({}, {}, {}, {}, {})", sql.ends_with(')') ? ", " : "",
                       quote_literal(binding.migration), quote_literal(escape(partition)),
                       position.records, quote_literal(escape(position.token)), position.done);
  sql +=
      " ON CONFLICT (migration, partition) DO UPDATE SET records = EXCLUDED.records, token = "
      "EXCLUDED.token, "
      "done = EXCLUDED.done";
  return connection.execute(sql, "write the checkpoint");
}

std::string move_position_sql(const Binding& binding, const std::string& lane,
                              std::string_view expected, const model::Position& after) {
  std::string migration = quote_literal(binding.migration), partition = quote_literal(escape(lane)),
              token = quote_literal(escape(after.token));
  if (expected.empty())
    return fmt::format(
        "INSERT INTO offramp.checkpoint AS c VALUES ({}, {}, {}, {}, {}) "
        "ON CONFLICT (migration, partition) DO UPDATE SET records = EXCLUDED.records, "
        "token = EXCLUDED.token, done = EXCLUDED.done WHERE c.token = ''",
        migration, partition, after.records, token, after.done);
  return fmt::format(
      "UPDATE offramp.checkpoint SET records = {}, token = {}, done = {} "
      "WHERE migration = {} AND partition = {} AND token = {}",
      after.records, token, after.done, migration, partition, quote_literal(escape(expected)));
}

}  // namespace offramp::target::postgres
