// Looks at the compiled key templates and places; see key_order.h.
#include "mapping/key_order.h"

#include "base/assert.h"
#include "mapping/key_cells.h"
#include "mapping/row_shape.h"

namespace offramp::mapping {

using ddb::Type;
using ddb::ValueView;
using model::ColumnType;

namespace {

const TableShape& shape_of(const CompiledMapping& mapping, uint32_t table) {
  int shape = mapping.impl().shape_of_table[table];
  ASSERT(shape >= 0);
  return mapping.impl().shapes[static_cast<size_t>(shape)];
}

// A column of a whole attribute that compares as the attribute does.
bool compares_as(ColumnType column, Type attribute) {
  switch (attribute) {
    case Type::kS:
      return column == ColumnType::kText;
    case Type::kN:
      return column == ColumnType::kNumeric || column == ColumnType::kBigint;
    default:
      return column == ColumnType::kBytea;
  }
}

CellKind cell_kind(Type attribute) {
  return attribute == Type::kS   ? CellKind::kText
         : attribute == Type::kN ? CellKind::kNumber
                                 : CellKind::kBytes;
}

}  // namespace

KeyOrder key_order(const CompiledMapping& mapping, uint32_t table) {
  const TableShape& shape = shape_of(mapping, table);
  KeyOrder out;
  out.partition_columns = static_cast<uint32_t>(shape.key[0].columns.size());
  if (!mapping.key().sort) return out;
  out.sort = SortOrder::kInMemory;
  const KeyPart& part = shape.key[1];
  // A placeholder that the partition key has taken is the same in all rows of a partition.
  if (part.columns.size() != 1 || part.repeated[0] || !part.pattern.literals()[1].empty())
    return out;
  if (!compares_as(mapping.tables()[table].columns[part.columns[0]].type, mapping.key().sort->type))
    return out;
  out.sort = SortOrder::kByColumn;
  out.sort_column = part.columns[0];
  out.sort_literal = part.pattern.literals()[0];
  return out;
}

SortPlace place_of(const KeyOrder& order, ValueView value, Cell& cell) {
  std::string_view text = value.bytes(), literal = order.sort_literal;
  if (!text.starts_with(literal))
    return text < literal ? SortPlace::kBelowAll : SortPlace::kAboveAll;
  cell = Cell::text(cell_kind(value.type()), text.substr(literal.size()));
  return SortPlace::kWithin;
}

PrefixMatch match_prefix(const KeyOrder& order, ValueView prefix, Cell& cell) {
  std::string_view text = prefix.bytes(), literal = order.sort_literal;
  if (literal.starts_with(text)) return PrefixMatch::kAll;
  if (!text.starts_with(literal)) return PrefixMatch::kNone;
  cell = Cell::text(cell_kind(prefix.type()), text.substr(literal.size()));
  return PrefixMatch::kWithin;
}

std::optional<AttributeColumn> attribute_column(const CompiledMapping& mapping, uint32_t table,
                                                const model::KeyAttribute& attribute) {
  const TableShape& shape = shape_of(mapping, table);
  int found = shape.row.root.find(attribute.name);
  if (found < 0) return std::nullopt;
  const PathNode& place = shape.row.root.members[static_cast<size_t>(found)];
  AttributeColumn out;
  if (place.place == PathNode::Place::kKey) {
    const KeyPart& part = shape.key[place.index];
    if (!part.pattern.whole()) return std::nullopt;
    out.column = part.columns[0];
  } else if (place.place == PathNode::Place::kColumn) {
    out.column = place.index;
    out.total = attribute.type != Type::kS || mapping.impl().limits.text_allows_nul;
  } else {
    return std::nullopt;
  }
  ColumnType type = mapping.tables()[table].columns[out.column].type;
  bool key = place.place == PathNode::Place::kKey;
  if (!compares_as(type, attribute.type) || (!key && type == ColumnType::kBigint))
    return std::nullopt;
  return out;
}

struct PartitionCells::Impl {
  explicit Impl(std::shared_ptr<const CompiledMapping> m) : mapping(std::move(m)) {}
  std::shared_ptr<const CompiledMapping> mapping;
  KeyCells keys;
};

PartitionCells::PartitionCells(std::shared_ptr<const CompiledMapping> mapping)
    : impl_(std::make_unique<Impl>(std::move(mapping))) {}
PartitionCells::~PartitionCells() = default;

bool PartitionCells::find(uint32_t table, ValueView partition, base::Arena& arena, Cell* cells) {
  const CompiledMapping& mapping = *impl_->mapping;
  return impl_->keys.split_partition(shape_of(mapping, table), mapping.impl().limits, partition,
                                     arena, cells) == KeyFit::kYes;
}

}  // namespace offramp::mapping
