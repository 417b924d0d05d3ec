#include "target/sqlite/serve/plan_log_reader.h"

#include <algorithm>
#include <cstring>

#include "mapping/row_shape.h"
#include "target/sqlite/schema.h"
#include "target/sqlite/serve/plan_log_sql.h"
#include "target/sqlite/serve/table_reader.h"

namespace offramp::target::sqlite::serve {

using mapping::Cell;
using mapping::Table;
using mapping::TableRole;

namespace {

// Runs that have told nothing: a page ends behind so many.
constexpr int kIdleRunsMax = 10'000;

}  // namespace

PlanLogReader::PlanLogReader(io::SqliteDb& db, const ServedTable& table, int64_t number)
    : db_(db),
      table_(table),
      number_(number),
      states_(db, table.mapping, number),
      splitter_(table.mapping),
      keys_of_rows_(table.mapping->tables().size()) {}

Result<std::unique_ptr<PlanLogReader>> PlanLogReader::open(io::SqliteDb& db,
                                                           const ServedTable& table,
                                                           int64_t number) {
  std::unique_ptr<PlanLogReader> out(new PlanLogReader(db, table, number));
  std::string log = quote_name(PlanLogSql(number).log_table());
  out->schema_version_ = TRY(db.prepare("PRAGMA schema_version"));
  out->entries_ = TRY(db.prepare("SELECT number, at_ms, origin, change, table_name FROM " + log +
                                 " WHERE number >= ?1 ORDER BY number"));
  out->next_entry_ = TRY(db.prepare("SELECT number, change FROM " + log +
                                    " WHERE number > ?1 ORDER BY number LIMIT 1"));
  out->entries_back_ = TRY(
      db.prepare("SELECT number, change FROM " + log + " WHERE number <= ?1 ORDER BY number DESC"));
  return out;
}

Result<bool> PlanLogReader::is_whole() {
  StatementReset reset(schema_version_.get());
  TRY(schema_version_.step());
  int64_t version = schema_version_.int64(0);
  if (version != checked_version_) {
    whole_ = TRY(plan_log_is_whole(db_, table_, number_));
    checked_version_ = version;
  }
  return whole_;
}

Result<std::optional<uint64_t>> PlanLogReader::begin_of_run(uint64_t after) {
  StatementReset reset_next(next_entry_.get()), reset_back(entries_back_.get());
  next_entry_.bind(1, static_cast<int64_t>(after));
  if (!TRY(next_entry_.step())) return std::optional(after + 1);
  uint64_t out = static_cast<uint64_t>(next_entry_.int64(0));
  if (next_entry_.is_null(1)) return std::optional(out);
  if (run_.first <= out && out <= run_.last) return std::optional<uint64_t>();
  entries_back_.bind(1, static_cast<int64_t>(after));
  while (TRY(entries_back_.step())) {
    if (entries_back_.is_null(1) || entries_back_.int64(1) != next_entry_.int64(1)) break;
    out = static_cast<uint64_t>(entries_back_.int64(0));
  }
  return std::optional(out);
}

Result<bool> PlanLogReader::key_of_overflow(const Cell& id, uint64_t number) {
  overflow_item_.reset();
  size_t bytes = 0;
  const uint32_t overflow = table_.mapping->overflow_table();
  if (!TRY(states_.before_in(overflow, &id, number, overflow_item_, bytes)) &&
      !TRY(states_.before_in(overflow, &id, number + 1, overflow_item_, bytes)))
    return false;
  ddb::ItemView item = overflow_item_.item(0);
  std::vector<ddb::Node>& nodes = keys_.nodes();
  const size_t before = nodes.size();
  ddb::ItemBuilder builder(nodes);
  const uint32_t root = builder.open(ddb::Type::kM);
  uint32_t count = 0;
  auto add = [&](const model::KeyAttribute& attribute) {
    ddb::ValueView value = item.find(attribute.name);
    std::string_view bytes_of = value.bytes();
    builder.scalar(attribute.type, {keys_.arena.copy(bytes_of), bytes_of.size()}, attribute.name);
    ++count;
  };
  add(table_.key.partition);
  if (table_.key.sort) add(*table_.key.sort);
  builder.close(root, count);
  keys_.add_root(static_cast<uint32_t>(before), keys_.size());
  return true;
}

Result<bool> PlanLogReader::key_of_row(uint32_t table, uint64_t number) {
  const mapping::CompiledMapping& mapping = *table_.mapping;
  const Table& spec = mapping.tables()[table];
  const uint32_t parent = spec.role == TableRole::kChild ? spec.parent : table;
  const Table& key_spec = mapping.tables()[parent];
  io::SqliteStatement& statement = keys_of_rows_[table];
  if (!statement.get()) {
    std::string columns;
    for (uint32_t i = 0; i < key_spec.key_columns; ++i)
      columns += (i ? ", " : "") + quote_name(PlanLogSql::column(spec.columns[i]));
    statement =
        TRY(db_.prepare("SELECT " + columns + " FROM " +
                        quote_name(PlanLogSql(number_).rows_table(spec)) + " WHERE number = ?1"));
  }
  StatementReset reset(statement.get());
  statement.bind(1, static_cast<int64_t>(number));
  if (!TRY(statement.step())) return false;
  arena_.reset();
  cell_arena_.reset();
  cells_.clear();
  for (uint32_t i = 0; i < key_spec.key_columns; ++i) {
    auto cell =
        decoder_.decode(key_spec, key_spec.columns[i],
                        storage_cell(statement.get(), static_cast<int>(i)), arena_, cell_arena_);
    if (!cell.ok() || cell->kind == mapping::CellKind::kNull) return false;
    cells_.push_back(*cell);
  }
  if (spec.role == TableRole::kOverflow) return key_of_overflow(cells_[0], number);
  const mapping::TableShape& shape =
      mapping.impl().shapes[static_cast<size_t>(mapping.impl().shape_of_table[parent])];
  std::vector<ddb::Node>& nodes = keys_.nodes();
  const size_t before = nodes.size();
  const uint32_t root = ddb::ItemBuilder(nodes).open(ddb::Type::kM);
  Status joined =
      joiner_.join(shape, table_.key.partition, 0, cells_.data(), table_.key.partition.name, keys_);
  if (joined.ok() && table_.key.sort)
    joined = joiner_.join(shape, *table_.key.sort, 1, cells_.data(), table_.key.sort->name, keys_);
  if (!joined.ok()) {
    nodes.resize(before);
    return false;
  }
  ddb::ItemBuilder(nodes).close(root, table_.key.sort ? 2 : 1);
  keys_.add_root(static_cast<uint32_t>(before), keys_.size());
  return true;
}

Status PlanLogReader::add_row(uint64_t number, std::string_view table_name) {
  const auto& tables = table_.mapping->tables();
  uint32_t table = 0;
  while (table < tables.size() && tables[table].name != table_name) ++table;
  if (table == tables.size() || !TRY(key_of_row(table, number))) return {};
  key_rows_.reset(tables.size());
  if (!splitter_.key_rows(keys_.item(keys_.size() - 1), key_rows_).ok()) {
    keys_.drop_last();
    return {};
  }
  Touched touched{{}, number, keys_.size() - 1};
  const Cell& id = key_rows_.tables[table_.mapping->overflow_table()].cells[0];
  std::memcpy(touched.id.data(), id.data, std::min<size_t>(id.size, touched.id.size()));
  // Mostly an item's rows follow each other.
  if (!touched_.empty() && touched_.back().id == touched.id) {
    touched_.back().number = number;
    keys_.drop_last();
    return {};
  }
  touched_.push_back(touched);
  return {};
}

Result<bool> PlanLogReader::read_run() {
  touched_.clear();
  keys_.reset();
  run_.last = 0;
  run_.first = static_cast<uint64_t>(entries_.int64(0));
  run_.at_ms = entries_.int64(1);
  run_.origin = entries_.text(2);
  const bool single = entries_.is_null(3);
  const int64_t change = entries_.int64(3);
  uint64_t last = 0;
  bool more = true;
  do {
    last = static_cast<uint64_t>(entries_.int64(0));
    TRY(add_row(last, entries_.text(4)));
    more = TRY(entries_.step());
  } while (more && !single && !entries_.is_null(3) && entries_.int64(3) == change);
  keep_last_rows();
  run_.last = last;
  return more;
}

void PlanLogReader::keep_last_rows() {
  if (touched_.size() < 2) return;
  std::sort(touched_.begin(), touched_.end(), [](const Touched& a, const Touched& b) {
    return a.id != b.id ? a.id < b.id : a.number > b.number;
  });
  touched_.erase(std::unique(touched_.begin(), touched_.end(),
                             [](const Touched& a, const Touched& b) { return a.id == b.id; }),
                 touched_.end());
  std::sort(touched_.begin(), touched_.end(),
            [](const Touched& a, const Touched& b) { return a.number < b.number; });
}

Status PlanLogReader::tell_one(const Touched& touched, size_t& bytes, ChangePage& page) {
  key_rows_.reset(table_.mapping->tables().size());
  TRY(splitter_.key_rows(keys_.item(touched.key), key_rows_));
  Change change;
  change.number = touched.number;
  change.at_ms = run_.at_ms;
  change.has_old = TRY(states_.before(key_rows_, run_.first, page.items, bytes));
  if (change.has_old) change.old_root = static_cast<uint32_t>(page.items.size() - 1);
  change.has_new = TRY(states_.before(key_rows_, run_.last + 1, page.items, bytes));
  if (change.has_new) change.new_root = static_cast<uint32_t>(page.items.size() - 1);
  if (!change.has_old && !change.has_new) return {};
  change.origin = run_.origin;
  page.changes.push_back(std::move(change));
  return {};
}

Result<bool> PlanLogReader::tell(uint64_t after, uint64_t until, size_t changes_max,
                                 size_t bytes_max, size_t& bytes, ChangePage& page) {
  for (const Touched& touched : touched_) {
    if (touched.number <= after || touched.number > until) continue;
    TRY(tell_one(touched, bytes, page));
    if (page.changes.size() < changes_max && bytes < bytes_max) continue;
    page.next = touched.number;
    return false;
  }
  return true;
}

Status PlanLogReader::read(const PlanLog& log, uint64_t after, uint64_t until, size_t changes_max,
                           size_t bytes_max, ChangePage& page) {
  page.items.reset();
  page.changes.clear();
  page.next = std::max(after, std::min(until, log.last));
  const uint64_t end = std::min(page.next, log.until.value_or(page.next));
  if (!TRY(is_whole()))
    return Error(ErrorKind::kConfig, "store.no_log",
                 "the change log is lost: its tables were made anew, or their triggers removed");
  if (end <= after) return {};
  size_t bytes = 0;
  std::optional<uint64_t> begin = TRY(begin_of_run(after));
  if (!begin && !TRY(tell(after, end, changes_max, bytes_max, bytes, page))) return {};
  StatementReset reset(entries_.get());
  entries_.bind(1, static_cast<int64_t>(begin.value_or(run_.last + 1)));
  bool more = TRY(entries_.step());
  for (int idle = 0; more && static_cast<uint64_t>(entries_.int64(0)) <= end;) {
    const size_t told = page.changes.size();
    more = TRY(read_run());
    if (!TRY(tell(after, end, changes_max, bytes_max, bytes, page))) return {};
    if (page.changes.size() > told || ++idle < kIdleRunsMax) continue;
    page.next = std::min(run_.last, end);
    return {};
  }
  return {};
}

}  // namespace offramp::target::sqlite::serve
