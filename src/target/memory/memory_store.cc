// Deep copies of rows and their grouping into items.
#include "target/memory/memory_store.h"

#include <unordered_map>

namespace offramp::target::memory {

using mapping::Cell;
using mapping::CellKind;

namespace {

bool has_bytes(CellKind kind) {
  return kind == CellKind::kText || kind == CellKind::kBytes || kind == CellKind::kNumber ||
         kind == CellKind::kJson;
}

Cell deep_copy(const Cell& cell, base::Arena& arena, base::Arena& cell_arena) {
  Cell out = cell;
  if (has_bytes(cell.kind)) out.data = arena.copy(cell.bytes());
  if (cell.kind == CellKind::kArray) {
    Cell* members = reinterpret_cast<Cell*>(cell_arena.allocate(cell.size * sizeof(Cell)));
    for (uint32_t i = 0; i < cell.size; ++i)
      new (&members[i]) Cell(deep_copy(cell.members[i], arena, cell_arena));
    out.members = members;
  }
  return out;
}

}  // namespace

void StoredItem::add_cells(const Cell* cells, size_t count, std::vector<Cell>& out) {
  for (size_t i = 0; i < count; ++i) out.push_back(deep_copy(cells[i], arena, cell_arena));
}

std::string key_text(const Cell* cells, uint32_t count) {
  std::string out;
  for (uint32_t i = 0; i < count; ++i) {
    const Cell& cell = cells[i];
    out += static_cast<char>('0' + static_cast<int>(cell.kind));
    if (has_bytes(cell.kind)) {
      out += std::to_string(cell.size) + ":";
      out += cell.bytes();
    } else {
      out += std::to_string(cell.kind == CellKind::kBool ? cell.boolean : cell.integer) + ";";
    }
  }
  return out;
}

std::vector<std::shared_ptr<const StoredItem>> collect_items(
    const mapping::CompiledMapping& mapping, const mapping::RowBatch& rows) {
  const auto& tables = mapping.tables();
  std::vector<std::shared_ptr<StoredItem>> items;
  std::vector<std::unordered_map<std::string, StoredItem*>> by_key(tables.size());
  for (uint32_t t = 0; t < rows.tables.size(); ++t) {
    if (tables[t].role == mapping::TableRole::kChild) continue;
    for (uint32_t r = 0; r < rows.tables[t].rows; ++r) {
      const Cell* row = &rows.tables[t].cells[r * tables[t].columns.size()];
      auto item = std::make_shared<StoredItem>();
      item->table = t;
      item->key = key_text(row, tables[t].key_columns);
      item->add_cells(row, tables[t].columns.size(), item->row);
      item->children.resize(tables[t].children.size());
      by_key[t][item->key] = item.get();
      items.push_back(std::move(item));
    }
  }
  for (uint32_t t = 0; t < tables.size(); ++t) {
    for (size_t c = 0; c < tables[t].children.size(); ++c) {
      uint32_t child = tables[t].children[c];
      size_t stride = tables[child].columns.size();
      for (uint32_t r = 0; child < rows.tables.size() && r < rows.tables[child].rows; ++r) {
        const Cell* row = &rows.tables[child].cells[r * stride];
        auto parent = by_key[t].find(key_text(row, tables[t].key_columns));
        if (parent == by_key[t].end()) continue;
        parent->second->add_cells(row, stride, parent->second->children[c].cells);
        ++parent->second->children[c].rows;
      }
    }
  }
  return {items.begin(), items.end()};
}

}  // namespace offramp::target::memory
