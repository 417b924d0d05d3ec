// Decoding and point fetches; see item_rows.h.
#include "target/sqlite/item_rows.h"

#include "target/sqlite/schema.h"

namespace offramp::target::sqlite {

using mapping::Cell;
using mapping::CellKind;
using mapping::Table;

ItemRows::ItemRows(std::shared_ptr<const mapping::CompiledMapping> mapping)
    : mapping_(std::move(mapping)), assembler_(mapping_) {}

Status ItemRows::decode_row(const Table& table, sqlite3_stmt* row, int first_column, bool copy,
                            std::vector<Cell>& out) {
  for (size_t i = 0; i < table.columns.size(); ++i) {
    Cell storage = storage_cell(row, first_column + static_cast<int>(i));
    bytes_ += storage.size;
    if (copy && (storage.kind == CellKind::kText || storage.kind == CellKind::kBytes))
      storage.data = arena_.copy(storage.bytes());
    out.push_back(TRY(decoder_.decode(table, table.columns[i], storage, arena_, cell_arena_)));
  }
  return {};
}

Status ItemRows::begin(uint32_t table, sqlite3_stmt* parent_row, int first_column) {
  table_ = table;
  bytes_ = 0;
  const Table& spec = mapping_->tables()[table];
  arena_.reset();
  cell_arena_.reset();
  parent_.clear();
  children_.resize(spec.children.size());
  for (auto& rows : children_) rows.clear();
  return decode_row(spec, parent_row, first_column, false, parent_);
}

Status ItemRows::add_child(size_t child_index, sqlite3_stmt* child_row) {
  const Table& spec = mapping_->tables()[mapping_->tables()[table_].children[child_index]];
  ++children_[child_index].rows;
  return decode_row(spec, child_row, 0, true, children_[child_index].cells);
}

Status ItemRows::finish(uint64_t ordinal, ddb::ItemBatch& batch) {
  return assembler_.assemble(table_, parent_.data(), children_, ordinal, batch);
}

Result<ItemFetcher> ItemFetcher::create(io::SqliteDb& db,
                                        std::shared_ptr<const mapping::CompiledMapping> mapping,
                                        uint32_t table, By by) {
  ItemFetcher out;
  out.table_ = table;
  const Table& parent = mapping->tables()[table];
  auto select = [&](const Table& from, const std::string& where, const std::string& order) {
    return "SELECT " + all_columns(from) + " FROM " + quote_name(from.name) + " WHERE " + where +
           order;
  };
  if (by == By::kKey) {
    out.parent_ =
        TRY(db.prepare(select(parent, key_condition(parent, parent.key_columns, "="), "")));
  } else {
    out.parent_ = TRY(db.prepare(select(parent, std::string(rowid_name(parent)) + " = ?1", "")));
  }
  for (uint32_t index : parent.children) {
    const Table& child = mapping->tables()[index];
    std::string sql;
    if (by == By::kKey) {
      sql = select(child, key_condition(child, parent.key_columns, "="),
                   " ORDER BY " + quote_name(child.columns[child.key_columns - 1].name));
    } else {
      std::string rowid(rowid_name(child));
      sql = select(child,
                   rowid + " >= (?1 << " + std::to_string(kOrdinalBits) + ") AND " + rowid +
                       " < ((?1 + 1) << " + std::to_string(kOrdinalBits) + ")",
                   " ORDER BY " + rowid);
    }
    out.children_.push_back(TRY(db.prepare(sql)));
  }
  out.rows_ = std::make_unique<ItemRows>(std::move(mapping));
  return out;
}

void ItemFetcher::reset() {
  parent_.reset();
  for (auto& child : children_) child.reset();
}

Result<bool> ItemFetcher::by_key(const Cell* key, uint64_t ordinal, ddb::ItemBatch& batch) {
  const Table& parent = rows_->mapping().tables()[table_];
  arena_.reset();
  for (uint32_t i = 0; i < parent.key_columns; ++i) {
    Cell cell = encoder_.encode(parent.columns[i].type, key[i], arena_);
    bind_cell(parent_.get(), static_cast<int>(i) + 1, cell);
    for (auto& child : children_) bind_cell(child.get(), static_cast<int>(i) + 1, cell);
  }
  return fetch(ordinal, batch);
}

Result<bool> ItemFetcher::by_rowid(int64_t rowid, uint64_t ordinal, ddb::ItemBatch& batch) {
  parent_.bind(1, rowid);
  for (auto& child : children_) child.bind(1, rowid);
  return fetch(ordinal, batch);
}

Result<bool> ItemFetcher::fetch(uint64_t ordinal, ddb::ItemBatch& batch) {
  struct Resetter {
    ItemFetcher* fetcher;
    ~Resetter() { fetcher->reset(); }
  } resetter{this};
  if (!TRY(parent_.step())) return false;
  TRY(rows_->begin(table_, parent_.get()));
  for (size_t i = 0; i < children_.size(); ++i)
    while (TRY(children_[i].step())) TRY(rows_->add_child(i, children_[i].get()));
  TRY(rows_->finish(ordinal, batch));
  return true;
}

}  // namespace offramp::target::sqlite
