#include "target/sqlite/serve/plan_log_sql.h"

#include "target/sqlite/schema.h"

namespace offramp::target::sqlite::serve {

using mapping::Column;
using mapping::Table;
using model::ColumnType;

namespace {

// NULL outside the API's writes.
constexpr const char* kChange = "(SELECT serial FROM _offramp_change WHERE at_ms IS NOT NULL)";
constexpr const char* kTriggers[] = {"insert", "update", "key", "delete"};

// A column of the log keeps what a STRICT column of the type holds as it is.
const char* kept_as(ColumnType type) {
  switch (type) {
    case ColumnType::kBigint:
    case ColumnType::kBoolean:
      return "INTEGER";
    case ColumnType::kDouble:
      return "REAL";
    case ColumnType::kNumeric:  // any class: no conversion
    case ColumnType::kBytea:
      return "BLOB";
    default:
      return "TEXT";
  }
}

// before "name", before "name" …
std::string columns_of(const Table& table, size_t from, size_t to, const std::string& before) {
  std::string out;
  for (size_t i = from; i < to; ++i)
    out += (i > from ? ", " : "") + before + quote_name(table.columns[i].name);
  return out;
}

std::string logged_columns(const Table& table, size_t to) {
  std::string out;
  for (size_t i = 0; i < to; ++i)
    out += (i ? ", " : "") + quote_name(PlanLogSql::column(table.columns[i]));
  return out;
}

// left."k" = NEW."k" AND …; the log's columns when `logged`.
std::string same_key(const Table& table, const std::string& left, bool logged,
                     const std::string& side) {
  std::string out;
  for (size_t i = 0; i < table.key_columns; ++i) {
    const Column& column = table.columns[i];
    out += (i ? " AND " : "") + left +
           quote_name(logged ? PlanLogSql::column(column) : column.name) + " = " + side +
           quote_name(column.name);
  }
  return out;
}

// (OLD.a, OLD.b) OP (NEW.a, NEW.b) over columns [from, to). A row value, because SQLite bounds the
// depth of expressions.
std::string compare(const Table& table, size_t from, size_t to, const std::string& left,
                    const std::string& op) {
  return "(" + columns_of(table, from, to, left) + ") " + op + " (" +
         columns_of(table, from, to, "NEW.") + ")";
}

}  // namespace

std::vector<std::string> PlanLogSql::trigger_prefixes() const {
  std::vector<std::string> out;
  for (const char* which : kTriggers)
    out.push_back("_offramp_" + std::string(which) + "_" + number_ + "_");
  return out;
}

std::vector<std::string> PlanLogSql::trigger_names(const Table& table) const {
  std::vector<std::string> out = trigger_prefixes();
  for (std::string& name : out) name += table.name;
  return out;
}

std::string PlanLogSql::key_index(const Table& table) const {
  return "_offramp_keys_" + number_ + "_" + table.name;
}

std::string PlanLogSql::create_log() const {
  return "CREATE TABLE " + quote_name(log_table()) +
         " (number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER, origin TEXT, "
         "change INTEGER, table_name TEXT)";
}

std::vector<std::string> PlanLogSql::create_rows(const Table& table) const {
  std::string name = quote_name(rows_table(table));
  std::string columns = "number INTEGER PRIMARY KEY, change INTEGER, had INTEGER";
  for (const Column& c : table.columns)
    columns += ", " + quote_name(column(c)) + " " + kept_as(c.type);
  return {"CREATE TABLE " + name + " (" + columns + ")",
          "CREATE INDEX " + quote_name(key_index(table)) + " ON " + name + " (" +
              logged_columns(table, table.key_columns) + ", number)"};
}

std::string PlanLogSql::log_row(const Table& table, const std::string& select) const {
  return "INSERT INTO " + quote_name(log_table()) +
         " (at_ms, origin, change, table_name) VALUES (" +
         "ifnull((SELECT at_ms FROM _offramp_change), " + kNowMsSql + "), " + kOriginSql + ", " +
         kChange + ", " + quote_text(table.name) + "); INSERT INTO " +
         quote_name(rows_table(table)) + " (number, change, had, " +
         logged_columns(table, table.columns.size()) + ") SELECT last_insert_rowid(), " + kChange +
         ", " + select + "; ";
}

template <class Touched>
std::vector<std::string> PlanLogSql::triggers(const Table& table, Touched touched) const {
  const size_t keys = table.key_columns, all = table.columns.size();
  const std::string name = quote_name(table.name);
  std::string old_row = log_row(table, "1, " + columns_of(table, 0, all, "OLD."));
  // The row that has the new key already, or none.
  std::string there = "o." + quote_name(table.columns[0].name) + " IS NOT NULL";
  for (size_t i = 0; i < keys; ++i) {
    std::string column = quote_name(table.columns[i].name);
    there += ", ifnull(o." + column + ", NEW." + column + ")";
  }
  if (keys < all) there += ", " + columns_of(table, keys, all, "o.");
  std::string key_row = log_row(table, there + " FROM (SELECT 1) LEFT JOIN " + name + " AS o ON " +
                                           same_key(table, "o.", false, "NEW."));
  std::string same = "EXISTS (SELECT 1 FROM " + name + " AS o WHERE " +
                     same_key(table, "o.", false, "NEW.") +
                     (keys < all ? " AND " + compare(table, keys, all, "o.", "IS") : "") + ")";
  std::vector<std::string> names = trigger_names(table);
  auto make = [&](size_t which, const std::string& event, const std::string& when,
                  const std::string& rows) {
    return "CREATE TRIGGER " + quote_name(names[which]) + " BEFORE " + event + " ON " + name +
           " WHEN " + when + " BEGIN " + rows + "END";
  };
  return {make(0, "INSERT", "NOT " + same + " AND NOT " + touched("NEW."), key_row),
          make(1, "UPDATE",
               compare(table, 0, all, "OLD.", "IS NOT") + " AND NOT " + touched("OLD."), old_row),
          make(2, "UPDATE",
               compare(table, 0, keys, "OLD.", "IS NOT") + " AND NOT " + touched("NEW."), key_row),
          make(3, "DELETE", "NOT " + touched("OLD."), old_row)};
}

std::vector<std::string> PlanLogSql::create_triggers(const Table& table) const {
  return triggers(table, [&](const std::string& side) {
    return "ifnull(" + std::string(kChange) + " = (SELECT l.change FROM " +
           quote_name(rows_table(table)) + " AS l WHERE " + same_key(table, "l.", true, side) +
           " ORDER BY l.number DESC LIMIT 1), 0)";
  });
}

std::vector<std::string> PlanLogSql::create_triggers_after(const Table& table,
                                                           uint64_t until) const {
  return triggers(table, [&](const std::string& side) {
    return "EXISTS (SELECT 1 FROM " + quote_name(rows_table(table)) + " AS l WHERE " +
           same_key(table, "l.", true, side) + " AND l.number > " + std::to_string(until) + ")";
  });
}

}  // namespace offramp::target::sqlite::serve
