// Item → rows: choose the table, take the key apart, fill the parent's row and its children's.
//
// The choice looks at the key templates first (cheap), then at the condition. A row that cannot be
// stored is taken back whole, children too, and the item goes to the overflow table.
#include <string>

#include "ddb/digest.h"
#include "mapping/compiled_mapping.h"
#include "mapping/fates.h"
#include "mapping/key_cells.h"
#include "mapping/row_filler.h"
#include "mapping/row_limits.h"

namespace offramp::mapping {

using ddb::ItemView;
using ddb::ValueView;

struct Splitter::Impl final : RowFiller::ChildRows {
  explicit Impl(std::shared_ptr<const CompiledMapping> m)
      : mapping(std::move(m)), plan(mapping->impl()) {
    size_t key_columns = 0;
    for (const TableShape& shape : plan.shapes) {
      ShapeFillers& added = fillers.emplace_back();
      key_columns = std::max(key_columns, shape.key_types.size());
      if (shape.skip) continue;
      added.parent = std::make_unique<RowFiller>(shape.row, plan.limits);
      for (const RowShape& child : shape.children)
        added.children.push_back(std::make_unique<RowFiller>(child, plan.limits));
    }
    key_cells.resize(key_columns);
    marks.resize(plan.tables.size());
    for (const Table& table : plan.tables) row_limits.emplace_back(table, plan.limits);
  }

  struct ShapeFillers {
    std::unique_ptr<RowFiller> parent;  // null for a table that is skipped
    std::vector<std::unique_ptr<RowFiller>> children;
  };

  const TableShape* choose(ItemView item, RowBatch& rows);
  Cell* add_row(RowBatch& rows, uint32_t number);
  Fill add(uint32_t child, ValueView list) override;
  Fill fit_row(uint32_t table, const Cell* row) const;
  Outcome overflow(ItemView item, std::string_view reason, RowBatch& rows, std::string& why);
  std::string_view key_hash(base::Arena& arena);
  void take_back(RowBatch& rows);

  std::shared_ptr<const CompiledMapping> mapping;
  const CompiledMapping::Impl& plan;
  std::vector<ShapeFillers> fillers;  // by shape
  std::vector<RowLimits> row_limits;  // by table
  KeyCells keys;
  uint32_t chosen = 0;

  // Of the item in hand.
  KeyValues key;
  KeyFit fit = KeyFit::kNo;
  std::vector<Cell> key_cells;
  const TableShape* shape = nullptr;
  ShapeFillers* filler = nullptr;
  RowBatch* batch = nullptr;
  struct Mark {
    uint32_t rows;
    size_t cells;
  };
  std::vector<Mark> marks;  // by table: where its rows ended before the item
  std::vector<ddb::Node> key_nodes;
};

Splitter::Splitter(std::shared_ptr<const CompiledMapping> mapping)
    : impl_(std::make_unique<Impl>(std::move(mapping))) {}
Splitter::~Splitter() = default;

uint32_t Splitter::table() const { return impl_->chosen; }
uint32_t Splitter::source_mapping() const {
  ASSERT(impl_->shape);
  return impl_->shape->mapping;
}

const TableShape* Splitter::Impl::choose(ItemView item, RowBatch& rows) {
  for (const TableShape& candidate : plan.shapes) {
    fit = keys.split(candidate, plan.limits, key, rows.arena, key_cells.data());
    if (fit != KeyFit::kNo && candidate.match.holds(item)) return &candidate;
  }
  return nullptr;
}

Cell* Splitter::Impl::add_row(RowBatch& rows, uint32_t number) {
  TableRows& table = rows.tables[number];
  size_t at = table.cells.size();
  table.cells.resize(at + plan.tables[number].columns.size());
  ++table.rows;
  return &table.cells[at];
}

void Splitter::Impl::take_back(RowBatch& rows) {
  auto restore = [&](uint32_t number) {
    rows.tables[number].rows = marks[number].rows;
    rows.tables[number].cells.resize(marks[number].cells);
  };
  restore(shape->row.table);
  for (const RowShape& child : shape->children) restore(child.table);
}

std::string_view Splitter::Impl::key_hash(base::Arena& arena) {
  key_nodes.clear();
  ddb::ItemBuilder builder(key_nodes);
  uint32_t root = builder.open(ddb::Type::kM);
  builder.copy(key[0], plan.key.partition.name);
  if (key[1]) builder.copy(key[1], plan.key.sort->name);
  builder.close(root, key[1] ? 2 : 1);
  ddb::Digest digest = ddb::digest(ValueView(key_nodes.data()));
  char* to = arena.allocate(16);
  // Stored: little-endian, low half first.
  for (int i = 0; i < 8; ++i) {
    to[i] = static_cast<char>(digest.low >> (8 * i));
    to[8 + i] = static_cast<char>(digest.high >> (8 * i));
  }
  return {to, 16};
}

Outcome Splitter::Impl::overflow(ItemView item, std::string_view reason, RowBatch& rows,
                                 std::string& why) {
  ArenaText text(rows.arena, 1024);
  write_extra_item(item, text);
  std::string_view json = text.finish();
  if (json.size() > plan.limits.cell_bytes_max) {
    why = "the item as JSON is longer than the target's " +
          std::to_string(plan.limits.cell_bytes_max) + " bytes for a value";
    return Outcome::kRefused;
  }
  chosen = plan.overflow;
  Cell* row = add_row(rows, plan.overflow);
  row[0] = Cell::text(CellKind::kBytes, key_hash(rows.arena));
  row[1] = Cell::text(CellKind::kText, reason);
  row[2] = Cell::text(CellKind::kJson, json);
  return Outcome::kOverflow;
}

Fill Splitter::Impl::fit_row(uint32_t table, const Cell* row) const {
  switch (row_limits[table].fit(row)) {
    case RowLimits::Fit::kYes:
      return Fill::kDone;
    case RowLimits::Fit::kTooWide:
      return Fill::kTooWide;
    case RowLimits::Fit::kIndexTooLong:
      return Fill::kIndexTooLong;
  }
  return Fill::kDone;
}

Fill Splitter::Impl::add(uint32_t child, ValueView list) {
  RowFiller& child_filler = *filler->children[child];
  size_t key_columns = shape->key_types.size();
  int64_t ordinal = 0;
  for (ValueView element : list) {
    Cell* row = add_row(*batch, child_filler.shape().table);
    std::copy_n(key_cells.begin(), key_columns, row);
    row[key_columns] = Cell::int64(ordinal++);
    Fill done = child_filler.fill(element, row, *batch, nullptr);
    if (done != Fill::kDone) return done;
    done = fit_row(child_filler.shape().table, row);
    if (done != Fill::kDone) return done;
  }
  return Fill::kDone;
}

Outcome Splitter::split(ItemView item, RowBatch& rows, std::string& why) {
  Impl& impl = *impl_;
  why.clear();
  if (rows.tables.size() < impl.plan.tables.size()) rows.tables.resize(impl.plan.tables.size());
  if (!find_key(impl.plan.key, item, impl.key, why)) return Outcome::kRefused;
  impl.shape = impl.choose(item, rows);
  if (!impl.shape) {
    why = "no table of the plan takes it: its key fits no `key` of a table whose `match` holds";
    return Outcome::kRefused;
  }
  const TableShape& shape = *impl.shape;
  if (shape.skip) return Outcome::kSkipped;
  if (impl.fit == KeyFit::kNul)
    return impl.overflow(item, "a key column would hold a NUL character", rows, why);
  if (impl.fit == KeyFit::kTooLong)
    return impl.overflow(item, "the key columns are longer than the target can index", rows, why);
  auto mark = [&](uint32_t number) {
    impl.marks[number] = {rows.tables[number].rows, rows.tables[number].cells.size()};
  };
  mark(shape.row.table);
  for (const RowShape& child : shape.children) mark(child.table);
  impl.filler = &impl.fillers[static_cast<size_t>(&shape - impl.plan.shapes.data())];
  impl.batch = &rows;
  Cell* row = impl.add_row(rows, shape.row.table);
  std::copy_n(impl.key_cells.begin(), shape.key_types.size(), row);
  impl.chosen = shape.row.table;
  Fill done = impl.filler->parent->fill(item, row, rows, &impl);
  if (done == Fill::kDone) done = impl.fit_row(shape.row.table, row);
  switch (done) {
    case Fill::kDone:
      return Outcome::kRow;
    case Fill::kTooLarge:
      impl.take_back(rows);
      return impl.overflow(item, "a value is longer than the target can hold", rows, why);
    case Fill::kTooWide:
      impl.take_back(rows);
      return impl.overflow(item, "its row has more columns than fit into one of the target", rows,
                           why);
    case Fill::kIndexTooLong:
      impl.take_back(rows);
      return impl.overflow(item, "the columns of an index are longer than the target can index",
                           rows, why);
    case Fill::kTwice:
      impl.take_back(rows);
      why = "an attribute name occurs twice in one map";
      return Outcome::kRefused;
  }
  return Outcome::kRefused;
}

Status Splitter::key_rows(ItemView key, RowBatch& keys) {
  Impl& impl = *impl_;
  if (keys.tables.size() < impl.plan.tables.size()) keys.tables.resize(impl.plan.tables.size());
  std::string why;
  if (!find_key(impl.plan.key, key, impl.key, why))
    return Error(ErrorKind::kBadItem, "mapping.bad_key", "not a key of the source table: " + why);
  for (const TableShape& shape : impl.plan.shapes) {
    if (shape.skip) continue;
    KeyFit fit =
        impl.keys.split(shape, impl.plan.limits, impl.key, keys.arena, impl.key_cells.data());
    // A key that the table cannot hold was never written there.
    if (fit != KeyFit::kYes) continue;
    TableRows& table = keys.tables[shape.row.table];
    auto from = impl.key_cells.begin();
    table.cells.insert(table.cells.end(), from, from + static_cast<long>(shape.key_types.size()));
    ++table.rows;
  }
  TableRows& overflow = keys.tables[impl.plan.overflow];
  overflow.cells.push_back(Cell::text(CellKind::kBytes, impl.key_hash(keys.arena)));
  ++overflow.rows;
  return {};
}

std::vector<AttributeFate> Splitter::fates() const {
  std::vector<AttributeFate> out;
  for (size_t i = 0; i < impl_->fillers.size(); ++i) {
    const Impl::ShapeFillers& fillers = impl_->fillers[i];
    if (!fillers.parent) continue;
    const TableShape& shape = impl_->plan.shapes[i];
    add_fates(impl_->plan, &shape, *fillers.parent, out);
    for (const auto& child : fillers.children) add_fates(impl_->plan, &shape, *child, out);
  }
  return out;
}

}  // namespace offramp::mapping
