// Which way a page is read; what its statements say is in page_range.cc.
#include "target/sqlite/serve/page_reader.h"

#include "base/base64.h"
#include "ddb/item_size.h"
#include "target/sqlite/serve/index_paths.h"
#include "target/sqlite/serve/late_index.h"

namespace offramp::target::sqlite::serve {

using mapping::Cell;
using mapping::CellKind;
using mapping::Table;
using mapping::TableRole;

namespace {

// The number of the statement that reads the odd rows of a plan's table.
constexpr uint64_t kOddRows = uint64_t{1} << 62;

}  // namespace

PageReader::PageReader(const ServedTable& table, std::vector<std::unique_ptr<TableReader>>& readers)
    : mapping_(table.mapping),
      made_here_(table.made_here),
      readers_(readers),
      splitter_(mapping_),
      partitions_(mapping_) {
  const auto& tables = mapping_->tables();
  orders_.resize(tables.size());
  key_paths_.resize(tables.size());
  for (uint32_t t = 0; t < tables.size(); ++t) {
    if (tables[t].role == TableRole::kChild) continue;
    if (tables[t].role == TableRole::kParent) orders_[t] = mapping::key_order(*mapping_, t);
    key_paths_[t] = key_path(*mapping_, t);
  }
  if (!made_here_) {
    accesses_.resize(tables.size());
    for (const ServedIndex& index : table.indexes) {
      index_names_.push_back(index.name);
      for (uint32_t t = 0; t < tables.size(); ++t)
        accesses_[t].push_back(tables[t].role == TableRole::kParent ? plan_access(table, t, index)
                                                                    : PlanAccess());
    }
    return;
  }
  key_paths_[0].attributes.push_back(table.key.partition);
  if (table.key.sort) key_paths_[0].attributes.push_back(*table.key.sort);
  for (size_t i = 0; i < table.indexes.size(); ++i) add_index_path(table, i);
}

Status PageReader::read(const PageRequest& request, Page& page) {
  page.items.reset();
  page.more = false;
  arena_.reset();
  if (request.items_max == 0) {
    page.more = true;
    return {};
  }
  filter_.start(request);
  if (made_here_) return read_made_here(request, page);
  return request.partition.empty() ? scan_plan(request, page) : query_plan(request, page);
}

Status PageReader::read_made_here(const PageRequest& request, Page& page) {
  Source source{0, &key_paths_[0], 0, &orders_[0]};
  if (request.index) {
    size_t i = 0;
    while (i < index_paths_.size() && index_paths_[i].name != request.index->name) ++i;
    if (i == index_paths_.size())
      return Error(ErrorKind::kInternal, "sqlite.no_index",
                   "a read of an index that its table does not have");
    source = {0, &index_paths_[i].path, static_cast<uint32_t>(i) + 1, nullptr};
    if (index_paths_[i].late) return read_late(request, i, source, page);
  }
  Read read;
  Range range = TRY(plan_range(request, source, read));
  if (range == Range::kNone) return {};
  sqlite3_stmt* row = TRY(bound(source, read));
  if (range == Range::kOrdered) return read_into(request, *readers_[0], row, page);
  collector_.start(request, filter_);
  TRY(collect(request, *readers_[0], row, Until::kEnd));
  collector_.finish(page);
  return {};
}

void PageReader::add_index_path(const ServedTable& table, size_t number) {
  const ServedIndex& index = table.indexes[number];
  IndexPath out{.name = index.name};
  if (index.into.empty()) {
    out.path = index_path(table, number);
  } else {
    LateIndex late(table, index);
    out.late = true;
    out.usable = late.usable();
    if (out.usable) {
      out.path = late.path();
      out.odd_sql = late.odd_sql();
    }
  }
  index_paths_.push_back(std::move(out));
}

// All rows, in order of their key in a scan.
Status PageReader::read_through(const PageRequest& request, Page& page) {
  Source source{0, &key_paths_[0], 0, nullptr};
  parameters_.clear();
  Read read;
  exact_ = false;
  if (!request.partition.empty()) {
    collector_.start(request, filter_);
    TRY(collect(request, *readers_[0], TRY(bound(source, read)), Until::kEnd));
    collector_.finish(page);
    return {};
  }
  if (request.after) {
    read.after = Compare::kGreater;
    for (const model::KeyAttribute& attribute : key_paths_[0].attributes)
      add_parameter(request.after.find(attribute.name));
  }
  return read_into(request, *readers_[0], TRY(bound(source, read)), page);
}

Status PageReader::read_late(const PageRequest& request, size_t index, const Source& source,
                             Page& page) {
  const IndexPath& late = index_paths_[index];
  if (!late.usable) return read_through(request, page);
  sqlite3_stmt* odd = TRY(readers_[0]->statement(kOddRows + index, late.odd_sql));
  bool has_odd = false;
  {
    StatementReset reset(odd);
    has_odd = TRY(TableReader::step(odd));
  }
  if (has_odd && request.partition.empty()) return read_through(request, page);
  Read read;
  Range range = TRY(plan_range(request, source, read));
  exact_ = false;  // a stale entry shows nothing
  if (range == Range::kOrdered && !has_odd)
    return read_into(request, *readers_[0], TRY(bound(source, read)), page);
  collector_.start(request, filter_);
  if (range != Range::kNone)
    TRY(collect(request, *readers_[0], TRY(bound(source, read)),
                range == Range::kOrdered ? Until::kFull : Until::kEnd));
  if (has_odd) TRY(collect(request, *readers_[0], odd, Until::kEnd));
  collector_.finish(page);
  return {};
}

Status PageReader::read_into(const PageRequest& request, TableReader& reader, sqlite3_stmt* row,
                             Page& page) {
  StatementReset reset(row);
  size_t bytes = 0;
  for (size_t i = 0; i < page.items.size(); ++i) bytes += ddb::item_size(page.items.item(i));
  while (TRY(TableReader::step(row))) {
    TRY(reader.append(row, page.items));
    ddb::ItemView item = page.items.item(page.items.size() - 1);
    if (!exact_ && !filter_.takes(item)) {
      page.items.drop_last();
      continue;
    }
    bytes += ddb::item_size(item);
    if (page_is_full(request, page.items.size(), bytes)) {
      page.more = true;
      return {};
    }
  }
  return {};
}

Status PageReader::collect(const PageRequest& request, TableReader& reader, sqlite3_stmt* row,
                           Until until) {
  StatementReset reset(row);
  size_t items = 0, bytes = 0;
  bool full = false;
  while (TRY(TableReader::step(row))) {
    ddb::ItemBatch& batch = collector_.batch();
    TRY(reader.append(row, batch));
    ddb::ItemView item = batch.item(batch.size() - 1);
    if (!filter_.takes(item)) {
      collector_.leave();
      continue;
    }
    std::string_view value;
    if (until == Until::kFullAndNextValue) value = item.find(request.index->sort[0].name).bytes();
    if (full && value != last_value_) {
      collector_.leave();
      return {};
    }
    ++items;
    bytes += ddb::item_size(item);
    full = until != Until::kEnd && page_is_full(request, items, bytes);
    last_value_ = value;
    collector_.take();
    if (full && until == Until::kFull) return {};
  }
  return {};
}

Status PageReader::query_plan(const PageRequest& request, Page& page) {
  const auto& tables = mapping_->tables();
  collector_.start(request, filter_);
  if (request.index) {
    for (uint32_t t = 0; t < tables.size(); ++t)
      if (tables[t].role == TableRole::kParent) TRY(add_index_rows(request, t));
    TRY(add_overflow(request));
    collector_.finish(page);
    return {};
  }
  for (uint32_t t = 0; t < tables.size(); ++t) {
    if (tables[t].role != TableRole::kParent) continue;
    Source source{t, &key_paths_[t], 0, &orders_[t]};
    Read read;
    Range range = TRY(plan_range(request, source, read));
    if (range == Range::kNone) continue;
    TRY(collect(request, *readers_[t], TRY(bound(source, read)),
                range == Range::kOrdered ? Until::kFull : Until::kEnd));
  }
  TRY(add_overflow(request));
  collector_.finish(page);
  return {};
}

bool PageReader::index_parameters(const PageRequest& request, uint32_t table,
                                  const PlanAccess& access) {
  parameters_.clear();
  for (size_t i = 0; i < access.kinds.size(); ++i) {
    ddb::ValueView value = request.partition[i];
    switch (access.kinds[i]) {
      case PlanAccess::Kind::kColumn:
        add_parameter(value);
        break;
      case PlanAccess::Kind::kPartitionKey: {
        size_t at = parameters_.size();
        const std::vector<model::ColumnType>& types = key_paths_[table].types;
        parameters_.resize(at + orders_[table].partition_columns);
        if (!partitions_.find(table, value, arena_, &parameters_[at])) return false;
        for (size_t c = at; c < parameters_.size(); ++c)
          parameters_[c] = encoder_.encode(types[c - at], parameters_[c], arena_);
        break;
      }
      case PlanAccess::Kind::kSortKey: {
        Cell cell;
        if (mapping::place_of(orders_[table], value, cell) != mapping::SortPlace::kWithin)
          return false;
        parameters_.push_back(encoder_.encode(model::ColumnType::kNumeric, cell, arena_));
        break;
      }
      case PlanAccess::Kind::kText:
        parameters_.push_back(Cell::text(CellKind::kText, value.bytes()));
        break;
      case PlanAccess::Kind::kBase64: {
        std::string text = base::encode_base64(value.bytes());
        parameters_.push_back(Cell::text(CellKind::kText, {arena_.copy(text), text.size()}));
        break;
      }
    }
  }
  return true;
}

Status PageReader::add_index_rows(const PageRequest& request, uint32_t table) {
  size_t index = 0;
  while (index < index_names_.size() && index_names_[index] != request.index->name) ++index;
  // What the plan did not say at the beginning has no index: every row is looked at.
  if (index == index_names_.size() || !accesses_[table][index].usable) return add_all_rows(table);
  const PlanAccess& access = accesses_[table][index];
  TableReader& reader = *readers_[table];
  if (index_parameters(request, table, access)) {
    Source source{table, &access.path, static_cast<uint32_t>(index) + 1,
                  access.sort == PlanAccess::Kind::kSortKey ? &orders_[table] : nullptr};
    Read read;
    Until until = TRY(index_range(request, source, access, read));
    TRY(collect(request, reader, TRY(bound(source, read)), until));
  }
  sqlite3_stmt* row = TRY(reader.statement(kOddRows, odd_rows_sql(reader.table())));
  return collect(request, reader, row, Until::kEnd);
}

Status PageReader::add_all_rows(uint32_t table) {
  Source source{table, &key_paths_[table], 0, nullptr};
  parameters_.clear();
  static const PageRequest kEverything;
  return collect(kEverything, *readers_[table], TRY(bound(source, Read{})), Until::kEnd);
}

Status PageReader::add_overflow(const PageRequest& request) {
  uint32_t overflow = mapping_->overflow_table();
  if (TRY(readers_[overflow]->empty())) return {};
  return add_all_rows(overflow);
}

// A scan's place is the item that the page before ended with. Where that is gone, its key may fit
// several tables: the first of them is taken, since reading twice loses nothing.
Result<uint32_t> PageReader::first_table_of_scan(const PageRequest& request) {
  keys_.reset(mapping_->tables().size());
  TRY(splitter_.key_rows(request.after, keys_));
  std::optional<uint32_t> first;
  for (uint32_t t = 0; t < keys_.tables.size(); ++t) {
    if (keys_.tables[t].rows == 0) continue;
    if (TRY(readers_[t]->exists(keys_.tables[t].cells.data()))) return t;
    if (!first) first = t;
  }
  return *first;
}

Status PageReader::scan_plan(const PageRequest& request, Page& page) {
  const auto& tables = mapping_->tables();
  exact_ = false;
  uint32_t start = request.after ? TRY(first_table_of_scan(request)) : 0;
  for (uint32_t t = start; t < tables.size() && !page.more; ++t) {
    if (tables[t].role == TableRole::kChild) continue;
    Read read;
    parameters_.clear();
    if (request.after && t == start) {
      read.after = Compare::kGreater;
      for (uint32_t i = 0; i < tables[t].key_columns; ++i)
        parameters_.push_back(
            encoder_.encode(tables[t].columns[i].type, keys_.tables[t].cells[i], arena_));
    }
    Source source{t, &key_paths_[t], 0, nullptr};
    TRY(read_into(request, *readers_[t], TRY(bound(source, read)), page));
  }
  return {};
}

}  // namespace offramp::target::sqlite::serve
