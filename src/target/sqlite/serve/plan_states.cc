#include "target/sqlite/serve/plan_states.h"

#include "target/row_keys.h"
#include "target/sqlite/schema.h"
#include "target/sqlite/serve/plan_log_sql.h"
#include "target/sqlite/serve/table_reader.h"

namespace offramp::target::sqlite::serve {

using mapping::Cell;
using mapping::Table;

namespace {

std::string parameter(size_t number) { return "?" + std::to_string(number); }

// "c_k" = ?1 AND …
std::string logged_key(const Table& table, size_t columns) {
  std::string out;
  for (size_t i = 0; i < columns; ++i)
    out += (i ? " AND " : "") + quote_name(PlanLogSql::column(table.columns[i])) + " = " +
           parameter(i + 1);
  return out;
}

std::string logged_columns(const Table& table, const std::string& before) {
  std::string out;
  for (const mapping::Column& column : table.columns)
    out += (out.empty() ? "" : ", ") + before + quote_name(PlanLogSql::column(column));
  return out;
}

// What a row holds is no item, or not one of this mapping.
bool is_no_item(const Status& status) { return status.error().kind() == ErrorKind::kCorrupt; }

}  // namespace

PlanStates::PlanStates(io::SqliteDb& db, std::shared_ptr<const mapping::CompiledMapping> mapping,
                       int64_t number)
    : db_(db),
      mapping_(std::move(mapping)),
      number_(number),
      rows_(mapping_),
      splitter_(mapping_),
      statements_(mapping_->tables().size()) {}

// The plan's tables are named with their schema: a name in WITH would hide theirs.
std::string PlanStates::children_sql(const Table& parent, const Table& child) const {
  const size_t keys = parent.key_columns;
  const mapping::Column& ordinal = child.columns[keys];
  std::string log = "main." + quote_name(PlanLogSql(number_).rows_table(child));
  std::string key = logged_key(child, keys), from = parameter(keys + 1);
  std::string x = quote_name(PlanLogSql::column(ordinal));
  return "WITH RECURSIVE logged(x) AS (SELECT (SELECT min(" + x + ") FROM " + log + " WHERE " +
         key + ") UNION ALL SELECT (SELECT min(" + x + ") FROM " + log + " WHERE " + key + " AND " +
         x +
         " > logged.x) FROM logged WHERE logged.x IS NOT NULL), first(n) AS (SELECT (SELECT number "
         "FROM " +
         log + " WHERE " + key + " AND " + x + " = logged.x AND number >= " + from +
         " ORDER BY number LIMIT 1) FROM logged WHERE logged.x IS NOT NULL) SELECT * FROM "
         "(SELECT " +
         logged_columns(child, "l.") + " FROM first CROSS JOIN " + log +
         " AS l ON l.number = first.n WHERE l.had UNION ALL SELECT " + all_columns(child) +
         " FROM main." + quote_name(child.name) + " AS r WHERE " + key_condition(child, keys, "=") +
         " AND NOT EXISTS (SELECT 1 FROM " + log + " AS l WHERE " + key + " AND l." + x + " = r." +
         quote_name(ordinal.name) + " AND l.number >= " + from + ")) ORDER BY " +
         std::to_string(keys + 1);
}

Result<PlanStates::Statements*> PlanStates::statements_of(uint32_t table) {
  Statements& out = statements_[table];
  if (out.now.get()) return &out;
  const Table& spec = mapping_->tables()[table];
  std::string log = quote_name(PlanLogSql(number_).rows_table(spec));
  out.children.clear();
  for (uint32_t child : spec.children)
    out.children.push_back(TRY(db_.prepare(children_sql(spec, mapping_->tables()[child]))));
  out.logged = TRY(db_.prepare("SELECT had, " + logged_columns(spec, "") + " FROM " + log +
                               " WHERE " + logged_key(spec, spec.key_columns) + " AND number >= " +
                               parameter(spec.key_columns + 1) + " ORDER BY number LIMIT 1"));
  out.now = TRY(db_.prepare("SELECT " + all_columns(spec) + " FROM " + quote_name(spec.name) +
                            " WHERE " + key_condition(spec, spec.key_columns, "=")));
  return &out;
}

bool PlanStates::has_its_key(const ddb::ItemBatch& items, const Cell* key) {
  own_key_.reset(mapping_->tables().size());
  if (!splitter_.key_rows(items.item(items.size() - 1), own_key_).ok()) return false;
  return same_row_key(own_key_.tables[mapping_->overflow_table()].cells.data(), key, 1);
}

Result<bool> PlanStates::item_of(uint32_t table, Statements& statements, sqlite3_stmt* row,
                                 int first_column, ddb::ItemBatch& items, size_t& bytes) {
  Status read = rows_.begin(table, row, first_column);
  for (size_t i = 0; read.ok() && i < statements.children.size(); ++i) {
    sqlite3_stmt* child = statements.children[i].get();
    StatementReset reset(child);
    while (read.ok() && TRY(TableReader::step(child))) read = rows_.add_child(i, child);
  }
  if (read.ok()) read = rows_.finish(items.size(), items);
  bytes += rows_.bytes();
  if (!read.ok() && !is_no_item(read)) return std::move(read).error();
  return read.ok();
}

Result<bool> PlanStates::before_in(uint32_t table, const Cell* key, uint64_t number,
                                   ddb::ItemBatch& items, size_t& bytes) {
  Statements* statements = TRY(statements_of(table));
  const Table& spec = mapping_->tables()[table];
  const int keys = static_cast<int>(spec.key_columns);
  arena_.reset();
  for (int i = 0; i < keys; ++i) {
    const auto column = static_cast<size_t>(i);
    Cell cell = encoder_.encode(spec.columns[column].type, key[column], arena_);
    bind_cell(statements->logged.get(), i + 1, cell);
    bind_cell(statements->now.get(), i + 1, cell);
    for (auto& child : statements->children) bind_cell(child.get(), i + 1, cell);
  }
  statements->logged.bind(keys + 1, static_cast<int64_t>(number));
  for (auto& child : statements->children) child.bind(keys + 1, static_cast<int64_t>(number));
  StatementReset logged(statements->logged.get()), now(statements->now.get());
  bool found = false;
  if (TRY(statements->logged.step())) {
    if (statements->logged.int64(0) == 0) return false;
    found = TRY(item_of(table, *statements, statements->logged.get(), 1, items, bytes));
  } else {
    if (!TRY(statements->now.step())) return false;
    found = TRY(item_of(table, *statements, statements->now.get(), 0, items, bytes));
  }
  if (found && table == mapping_->overflow_table() && !has_its_key(items, key)) {
    items.drop_last();
    return false;
  }
  return found;
}

Result<bool> PlanStates::before(const mapping::RowBatch& keys, uint64_t number,
                                ddb::ItemBatch& items, size_t& bytes) {
  for (uint32_t t = 0; t < keys.tables.size(); ++t)
    if (keys.tables[t].rows > 0 &&
        TRY(before_in(t, keys.tables[t].cells.data(), number, items, bytes)))
      return true;
  return false;
}

}  // namespace offramp::target::sqlite::serve
