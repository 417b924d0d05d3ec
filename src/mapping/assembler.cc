// Rows → item: walk the shape's places, take each value from `extra` if it is there, else from its
// cell, and add the members of `extra` that have no place.
//
// All bytes, names included, end up in the batch's arena. On error the batch's nodes are as before.
#include <optional>

#include "mapping/compiled_mapping.h"
#include "mapping/key_cells.h"
#include "mapping/row_shape.h"

namespace offramp::mapping {

using ddb::ItemBuilder;
using ddb::Type;
using ddb::ValueView;
using Place = PathNode::Place;

namespace {

Error corrupt(std::string message) {
  return Error(ErrorKind::kCorrupt, "mapping.bad_row", std::move(message));
}

// A row's `extra`, decoded. Nodes live here, bytes in the batch that the item goes to.
struct Kept {
  ddb::ItemBatch nodes;
  ValueView root;                        // empty when there was nothing
  std::vector<const ddb::Node*> places;  // by root member of the shape: its value in `extra`
};

}  // namespace

struct Assembler::Impl {
  explicit Impl(std::shared_ptr<const CompiledMapping> m)
      : mapping(std::move(m)), plan(mapping->impl()) {}

  Status item(const TableShape& shape, const Cell* row, const std::vector<TableRows>& children,
              ddb::ItemBatch& batch);
  Status overflow(const Cell* row, ddb::ItemBatch& batch);
  Status decode_extra(const RowShape& shape, const Cell& cell, Kept& kept, ddb::ItemBatch& batch);
  Status members(const TableShape& table, const RowShape& shape, const Cell* row, Kept& kept,
                 const std::vector<TableRows>* children, uint32_t& count, ddb::ItemBatch& batch);
  Result<bool> emit(const RowShape& shape, const PathNode& place, ValueView kept, const Cell* row,
                    const std::vector<TableRows>* children, ddb::ItemBatch& batch);
  Result<bool> emit_map(const RowShape& shape, const PathNode& place, ValueView kept,
                        const Cell* row, const std::vector<TableRows>* children,
                        ddb::ItemBatch& batch);
  Result<bool> emit_list(const RowShape& child, const TableRows& rows, std::string_view name,
                         ddb::ItemBatch& batch);
  Result<bool> copy_kept(ValueView kept, std::string_view name, ddb::ItemBatch& batch);

  std::string_view name_of(const PathNode& place) const {
    return {names + place.name_offset, place.name.size()};
  }

  std::shared_ptr<const CompiledMapping> mapping;
  const CompiledMapping::Impl& plan;
  ddb::JsonDecoder decoder;
  CellReader reader;
  KeyCells keys;
  Kept parent_kept, child_kept;

  // Of the item in hand.
  const TableShape* table = nullptr;
  const char* names = nullptr;  // the table's names, copied into the batch's arena
};

Assembler::Assembler(std::shared_ptr<const CompiledMapping> mapping)
    : impl_(std::make_unique<Impl>(std::move(mapping))) {}
Assembler::~Assembler() = default;

Status Assembler::assemble(uint32_t table, const Cell* row, const std::vector<TableRows>& children,
                           uint64_t ordinal, ddb::ItemBatch& batch) {
  Impl& impl = *impl_;
  ASSERT(table < impl.plan.tables.size());
  size_t before = batch.nodes().size();
  int shape = impl.plan.shape_of_table[table];
  ASSERT(shape >= 0 || table == impl.plan.overflow);
  Status done = shape < 0
                    ? impl.overflow(row, batch)
                    : impl.item(impl.plan.shapes[static_cast<size_t>(shape)], row, children, batch);
  if (!done.ok()) {
    batch.nodes().resize(before);
    return std::move(done).error().with_context("table '" + impl.plan.tables[table].name + "'");
  }
  batch.add_root(static_cast<uint32_t>(before), ordinal);
  return {};
}

Status Assembler::Impl::overflow(const Cell* row, ddb::ItemBatch& batch) {
  if (row[2].kind != CellKind::kJson) return corrupt("column 'item' holds no item");
  std::string_view text = row[2].bytes();
  char* copy = batch.arena.allocate(text.size() + ddb::kJsonPadding);
  text.copy(copy, text.size());
  std::memset(copy + text.size(), 0, ddb::kJsonPadding);
  // The decoder's own words may show item content (C12).
  if (!decoder.decode_item({copy, text.size()}, {}, ddb::JsonForm::kExtra, batch).ok())
    return corrupt("column 'item' holds no item in DynamoDB JSON");
  return {};
}

Status Assembler::Impl::item(const TableShape& shape, const Cell* row,
                             const std::vector<TableRows>& children, ddb::ItemBatch& batch) {
  ASSERT(children.size() >= shape.children.size());
  table = &shape;
  names = batch.arena.copy(shape.names);
  TRY(decode_extra(shape.row, row[shape.row.extra_column], parent_kept, batch));
  uint32_t root = ItemBuilder(batch.nodes()).open(Type::kM);
  uint32_t count = 0;
  TRY(members(shape, shape.row, row, parent_kept, &children, count, batch));
  ItemBuilder(batch.nodes()).close(root, count);
  return {};
}

Status Assembler::Impl::decode_extra(const RowShape& shape, const Cell& cell, Kept& kept,
                                     ddb::ItemBatch& batch) {
  kept.nodes.reset();
  kept.root = {};
  kept.places.assign(shape.root.members.size(), nullptr);
  if (cell.kind == CellKind::kNull) return {};
  if (cell.kind != CellKind::kJson) return corrupt("the `extra` column holds no JSON");
  std::string_view text = cell.bytes();
  char* copy = batch.arena.allocate(text.size() + ddb::kJsonPadding);
  text.copy(copy, text.size());
  std::memset(copy + text.size(), 0, ddb::kJsonPadding);
  // Unescaped strings must live as long as the item: the decoder writes them into the item's own
  // arena.
  std::swap(kept.nodes.arena, batch.arena);
  auto decoded = decoder.decode_item({copy, text.size()}, {}, ddb::JsonForm::kExtra, kept.nodes);
  std::swap(kept.nodes.arena, batch.arena);
  if (!decoded.ok()) return corrupt("the `extra` column holds no attributes in DynamoDB JSON");
  kept.root = ValueView(&kept.nodes.nodes()[*decoded]);
  for (ValueView member : kept.root) {
    int place = shape.root.find(member.name());
    if (place >= 0) kept.places[static_cast<size_t>(place)] = member.node();
  }
  return {};
}

Status Assembler::Impl::members(const TableShape& shape, const RowShape& row_shape, const Cell* row,
                                Kept& kept, const std::vector<TableRows>* children, uint32_t& count,
                                ddb::ItemBatch& batch) {
  for (size_t i = 0; i < row_shape.root.members.size(); ++i) {
    const PathNode& place = row_shape.root.members[i];
    ValueView from_extra(kept.places[i]);
    if (place.place == Place::kKey) {
      if (from_extra)
        return corrupt("the `extra` column holds the key attribute '" + place.name + "'");
      const model::KeyAttribute& attribute = place.index == 0 ? plan.key.partition : *plan.key.sort;
      TRY(keys.join(shape, attribute, place.index, row, name_of(place), batch));
      ++count;
    } else {
      count += TRY(emit(row_shape, place, from_extra, row, children, batch)) ? 1 : 0;
    }
  }
  if (!kept.root) return {};
  for (ValueView member : kept.root) {
    if (row_shape.root.find(member.name()) >= 0) continue;
    count += TRY(copy_kept(member, member.name(), batch)) ? 1 : 0;
  }
  return {};
}

Result<bool> Assembler::Impl::copy_kept(ValueView kept, std::string_view name,
                                        ddb::ItemBatch& batch) {
  if (kept.type() == Type::kAbsent) return false;
  const ddb::Node* node = kept.node();
  for (uint32_t i = 0; i < node->span; ++i)
    if (node[i].type == Type::kAbsent)
      return corrupt(
          "the `extra` column says of a member that it is absent, which only a column can be");
  ItemBuilder(batch.nodes()).copy(kept, name);
  return true;
}

Result<bool> Assembler::Impl::emit(const RowShape& shape, const PathNode& place, ValueView kept,
                                   const Cell* row, const std::vector<TableRows>* children,
                                   ddb::ItemBatch& batch) {
  std::string_view name = name_of(place);
  bool residual = place.place == Place::kMap && kept && kept.type() == Type::kM;
  if (kept && !residual) return copy_kept(kept, name, batch);
  switch (place.place) {
    case Place::kColumn: {
      const Cell& cell = row[place.index];
      if (cell.kind == CellKind::kNull) {
        if (place.null_is_value) ItemBuilder(batch.nodes()).null(name);
        return place.null_is_value;
      }
      TRY_CONTEXT("column '" + plan.tables[shape.table].columns[place.index].name + "'",
                  reader.read(shape.conversions[place.index], cell, name, batch));
      return true;
    }
    case Place::kChild:
      return emit_list(table->children[place.index], (*children)[place.index], name, batch);
    case Place::kMap:
      return emit_map(shape, place, kept, row, children, batch);
    case Place::kDrop:
    case Place::kKey:
      return false;
  }
  return false;
}

Result<bool> Assembler::Impl::emit_map(const RowShape& shape, const PathNode& place, ValueView kept,
                                       const Cell* row, const std::vector<TableRows>* children,
                                       ddb::ItemBatch& batch) {
  size_t before = batch.nodes().size();
  uint32_t index = ItemBuilder(batch.nodes()).open(Type::kM, name_of(place));
  uint32_t count = 0;
  for (const PathNode& member : place.members)
    count +=
        TRY(emit(shape, member, kept ? kept.find(member.name) : ValueView(), row, children, batch))
            ? 1
            : 0;
  if (kept) {
    for (ValueView member : kept) {
      if (place.find(member.name()) >= 0) continue;
      count += TRY(copy_kept(member, member.name(), batch)) ? 1 : 0;
    }
  } else if (count == 0) {
    // Nothing speaks of this map: it was not there. An empty one would be in `extra`.
    batch.nodes().resize(before);
    return false;
  }
  ItemBuilder(batch.nodes()).close(index, count);
  return true;
}

Result<bool> Assembler::Impl::emit_list(const RowShape& child, const TableRows& rows,
                                        std::string_view name, ddb::ItemBatch& batch) {
  if (rows.rows == 0) return false;
  const Table& target = plan.tables[child.table];
  size_t stride = target.columns.size(), ordinal_column = target.key_columns - 1;
  if (rows.cells.size() < rows.rows * stride)
    return corrupt("child table '" + target.name + "': a row is not whole");
  uint32_t list = ItemBuilder(batch.nodes()).open(Type::kL, name);
  std::optional<int64_t> previous;
  for (uint32_t i = 0; i < rows.rows; ++i) {
    const Cell* row = &rows.cells[i * stride];
    const Cell& ordinal = row[ordinal_column];
    if (ordinal.kind != CellKind::kInt64 || (previous && ordinal.integer <= *previous))
      return corrupt("child table '" + target.name + "': the rows are not in order of '" +
                     target.columns[ordinal_column].name + "'");
    previous = ordinal.integer;

    TRY_CONTEXT("child table '" + target.name + "'",
                decode_extra(child, row[child.extra_column], child_kept, batch));
    uint32_t element = ItemBuilder(batch.nodes()).open(Type::kM);
    uint32_t count = 0;
    TRY_CONTEXT("child table '" + target.name + "'",
                members(*table, child, row, child_kept, nullptr, count, batch));
    ItemBuilder(batch.nodes()).close(element, count);
  }
  ItemBuilder(batch.nodes()).close(list, rows.rows);
  return true;
}

}  // namespace offramp::mapping
