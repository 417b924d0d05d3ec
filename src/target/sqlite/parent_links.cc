// Hashes find repeated keys (a collision only costs the slower way); a merge or a second split
// finds the parents.
#include "target/sqlite/parent_links.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

namespace offramp::target::sqlite {

using mapping::Cell;
using mapping::CellKind;
using mapping::Table;
using mapping::TableRole;

namespace {

bool has_bytes(const Cell& cell) {
  return cell.kind == CellKind::kText || cell.kind == CellKind::kBytes ||
         cell.kind == CellKind::kNumber || cell.kind == CellKind::kJson;
}

bool same_key(const Cell* a, const Cell* b, uint32_t columns) {
  for (uint32_t i = 0; i < columns; ++i) {
    if (a[i].kind != b[i].kind) return false;
    if (has_bytes(a[i])) {
      if (a[i].bytes() != b[i].bytes()) return false;
    } else if (a[i].kind == CellKind::kBool ? a[i].boolean != b[i].boolean
                                            : a[i].integer != b[i].integer) {
      return false;
    }
  }
  return true;
}

uint64_t hash_key(const Cell* key, uint32_t columns) {
  uint64_t hash = 0;
  for (uint32_t i = 0; i < columns; ++i) {
    const Cell& cell = key[i];
    if (has_bytes(cell)) {
      hash = XXH3_64bits_withSeed(cell.data, cell.size, hash);
    } else {
      int64_t value = cell.kind == CellKind::kBool ? cell.boolean : cell.integer;
      hash = XXH3_64bits_withSeed(&value, sizeof value, hash);
    }
  }
  return hash;
}

Error mismatch(const Table& child) {
  return Error(
      ErrorKind::kInternal, "sqlite.rows_without_parent",
      "a batch for table " + child.name + " holds child rows whose parent rows are not in it");
}

}  // namespace

ParentLinks::ParentLinks(std::shared_ptr<const mapping::CompiledMapping> mapping)
    : mapping_(std::move(mapping)), splitter_(mapping_) {}

bool ParentLinks::has_repeated_key(const Table& table, const mapping::TableRows& rows) {
  hashes_.clear();
  for (uint32_t row = 0; row < rows.rows; ++row)
    hashes_.push_back(hash_key(&rows.cells[row * table.columns.size()], table.key_columns));
  std::sort(hashes_.begin(), hashes_.end());
  return std::adjacent_find(hashes_.begin(), hashes_.end()) != hashes_.end();
}

Status ParentLinks::find(const LoadBatch& batch, std::vector<std::vector<uint32_t>>& parents) {
  const auto& tables = mapping_->tables();
  parents.resize(tables.size());
  for (auto& links : parents) links.clear();
  bool any_repeated = false;
  for (uint32_t t = 0; t < tables.size() && t < batch.rows.tables.size(); ++t) {
    bool has_child_rows = false;
    for (uint32_t child : tables[t].children) has_child_rows |= batch.rows.tables[child].rows > 0;
    if (has_child_rows) any_repeated |= has_repeated_key(tables[t], batch.rows.tables[t]);
  }
  if (any_repeated) return split_again(batch, parents);
  for (uint32_t t = 0; t < tables.size(); ++t)
    if (tables[t].role == TableRole::kChild) TRY(merge_by_key(t, batch.rows, parents[t]));
  return {};
}

Status ParentLinks::merge_by_key(uint32_t child, const mapping::RowBatch& rows,
                                 std::vector<uint32_t>& links) const {
  const Table& table = mapping_->tables()[child];
  const Table& parent = mapping_->tables()[table.parent];
  const mapping::TableRows& children = rows.tables[child];
  const mapping::TableRows& parents = rows.tables[table.parent];
  uint32_t at = 0;
  for (uint32_t row = 0; row < children.rows; ++row) {
    const Cell* key = &children.cells[row * table.columns.size()];
    while (at < parents.rows &&
           !same_key(key, &parents.cells[at * parent.columns.size()], parent.key_columns))
      ++at;
    if (at == parents.rows) return mismatch(table);
    links.push_back(at);
  }
  return {};
}

Status ParentLinks::split_again(const LoadBatch& batch,
                                std::vector<std::vector<uint32_t>>& parents) {
  const auto& tables = mapping_->tables();
  std::vector<uint32_t> before(tables.size(), 0);
  std::string why;
  for (size_t i = 0; i < batch.items.size(); ++i) {
    scratch_.reset(tables.size());
    splitter_.split(batch.items.item(i), scratch_, why);
    for (uint32_t t = 0; t < tables.size(); ++t)
      if (tables[t].role == TableRole::kChild)
        parents[t].insert(parents[t].end(), scratch_.tables[t].rows, before[tables[t].parent]);
    for (uint32_t t = 0; t < tables.size(); ++t) before[t] += scratch_.tables[t].rows;
  }
  for (uint32_t t = 0; t < tables.size(); ++t)
    if (tables[t].role == TableRole::kChild && parents[t].size() != batch.rows.tables[t].rows)
      return mismatch(tables[t]);
  return {};
}

}  // namespace offramp::target::sqlite
