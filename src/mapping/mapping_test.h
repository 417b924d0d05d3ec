// What the mapping's tests share: items from DynamoDB JSON, specs in few words, split → assemble.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "ddb/wire_json.h"
#include "mapping/compiled_mapping.h"

namespace offramp::mapping {

// One item that owns its bytes.
class TestItem {
 public:
  explicit TestItem(std::string_view json, ddb::JsonForm form = ddb::JsonForm::kTyped) {
    batch_.buffer.assign(json.begin(), json.end());
    batch_.buffer.resize(json.size() + ddb::kJsonPadding);
    auto root =
        ddb::JsonDecoder().decode_item({batch_.buffer.data(), json.size()}, {}, form, batch_);
    EXPECT_TRUE(root.ok()) << (root.ok() ? "" : root.error().message()) << "\n" << json;
    if (root.ok()) batch_.add_root(*root, 0);
  }
  ddb::ItemView view() const { return batch_.item(0); }

 private:
  ddb::ItemBatch batch_;
};

inline model::KeySchema key_schema(ddb::Type partition = ddb::Type::kS,
                                   std::optional<ddb::Type> sort = ddb::Type::kS) {
  model::KeySchema key;
  key.partition = {"pk", partition};
  if (sort) key.sort = model::KeyAttribute{"sk", *sort};
  return key;
}

inline model::ColumnSpec column(std::string name, std::vector<std::string> from,
                                model::ColumnType type, int line = 0) {
  model::ColumnSpec spec;
  spec.name = std::move(name);
  spec.from = std::move(from);
  spec.type = type;
  spec.at = {line, line ? 7 : 0};
  return spec;
}

inline model::TableMapping table(std::string into, std::vector<model::ColumnSpec> columns = {}) {
  model::TableMapping mapping;
  mapping.into = std::move(into);
  mapping.columns = std::move(columns);
  return mapping;
}

inline std::shared_ptr<const CompiledMapping> compiled(const model::MappingSpec& spec,
                                                       const model::KeySchema& key = key_schema(),
                                                       const Limits& limits = {}) {
  auto mapping = CompiledMapping::compile(spec, key, limits);
  EXPECT_TRUE(mapping.ok()) << mapping.error().message();
  return mapping.ok() ? *mapping : nullptr;
}

// Splits items, and rebuilds them from rows whose bytes live elsewhere, as a target's reader would
// give them.
struct RoundTrip {
  explicit RoundTrip(std::shared_ptr<const CompiledMapping> m)
      : mapping(m), splitter(m), assembler(m) {}

  Outcome split(ddb::ItemView item) {
    rows.reset(mapping->tables().size());
    return splitter.split(item, rows, why);
  }

  // The item of the newest split(). Rows of children are those of the same split.
  Status assemble() {
    back.reset();
    uint32_t number = splitter.table();
    const Table& chosen = mapping->tables()[number];
    copies.reset(mapping->tables().size());
    std::vector<TableRows> children;
    for (uint32_t child : chosen.children) children.push_back(copy(rows.tables[child]));
    TableRows parent = copy(rows.tables[number]);
    Status done = assembler.assemble(number, parent.cells.data(), children, 7, back);
    // Nothing of the item may point into the rows.
    for (auto [bytes, size] : copied) std::memset(bytes, 'x', size);
    copied.clear();
    return done;
  }

  TableRows copy(const TableRows& from) {
    TableRows to = from;
    for (Cell& cell : to.cells) {
      if (cell.kind == CellKind::kArray) {
        auto* members =
            reinterpret_cast<Cell*>(copies.cell_arena.allocate(cell.size * sizeof(Cell)));
        for (uint32_t i = 0; i < cell.size; ++i) {
          members[i] = cell.members[i];
          copy_bytes(members[i]);
        }
        cell.members = members;
      } else if (cell.kind == CellKind::kText || cell.kind == CellKind::kBytes ||
                 cell.kind == CellKind::kNumber || cell.kind == CellKind::kJson) {
        copy_bytes(cell);
      }
    }
    return to;
  }

  void copy_bytes(Cell& cell) {
    char* to = copies.arena.allocate(cell.size);
    cell.bytes().copy(to, cell.size);
    cell.data = to;
    if (cell.size > 0) copied.emplace_back(to, cell.size);
  }

  const Cell& cell(uint32_t table, uint32_t row, uint32_t column) const {
    return rows.tables[table].cells[row * mapping->tables()[table].columns.size() + column];
  }
  // The `extra` column of a row, or "" for SQL NULL.
  std::string extra(uint32_t table = 0, uint32_t row = 0) const {
    const Cell& found =
        cell(table, row, static_cast<uint32_t>(mapping->tables()[table].columns.size()) - 1);
    return found.kind == CellKind::kNull ? "" : std::string(found.bytes());
  }

  std::shared_ptr<const CompiledMapping> mapping;
  Splitter splitter;
  Assembler assembler;
  RowBatch rows;
  RowBatch copies;
  ddb::ItemBatch back;
  std::string why;
  std::vector<std::pair<char*, size_t>> copied;
};

// C8 for one item: split, assemble, compare. Returns what split() said.
inline Outcome expect_identity(RoundTrip& trip, ddb::ItemView item) {
  Outcome outcome = trip.split(item);
  if (outcome != Outcome::kRow && outcome != Outcome::kOverflow) return outcome;
  Status done = trip.assemble();
  EXPECT_TRUE(done.ok()) << done.error().message();
  if (!done.ok()) return outcome;
  EXPECT_EQ(trip.back.size(), 1u);
  EXPECT_TRUE(ddb::equal(item, trip.back.item(0)))
      << "item: " << ddb::canonical_item_json(item)
      << "\nback: " << ddb::canonical_item_json(trip.back.item(0));
  return outcome;
}

}  // namespace offramp::mapping
