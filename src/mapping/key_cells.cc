// No allocation once the scratch is warm.
#include "mapping/key_cells.h"

#include "ddb/number.h"
#include "mapping/extra.h"

namespace offramp::mapping {
namespace {

using ddb::Type;

bool find_one(const model::KeyAttribute& attribute, ddb::ItemView item, ddb::ValueView& value,
              std::string& why) {
  value = item.find(attribute.name);
  if (value && value.type() == attribute.type) return true;
  why = "the key attribute '" + attribute.name + "' ";
  if (!value)
    why += "is missing";
  else
    why += "is of type " + std::string(ddb::type_tag(value.type())) + ", the table's key says " +
           std::string(ddb::type_tag(attribute.type));
  return false;
}

Error corrupt_key(const model::KeyAttribute& attribute, std::string_view message) {
  return Error(ErrorKind::kCorrupt, "mapping.bad_key_cell",
               "key attribute '" + attribute.name + "': " + std::string(message));
}

// Converts one placeholder's text. Text columns take every text; a NUL is the caller's business.
bool convert(const Conversion& conversion, Type type, std::string_view text, base::Arena& bytes,
             base::Arena& cells, Cell& cell) {
  if (conversion.type == model::ColumnType::kText) {
    cell = Cell::text(CellKind::kText, text);
    return true;
  }
  if (type == Type::kN && !ddb::is_canonical_number(text)) return false;
  ddb::Node node;
  node.type = type;
  node.data = text.data();
  node.size = static_cast<uint32_t>(text.size());
  return to_cell(conversion, ddb::ValueView(&node), bytes, cells, cell);
}

}  // namespace

bool find_key(const model::KeySchema& schema, ddb::ItemView item, KeyValues& key,
              std::string& why) {
  key[1] = {};
  if (!find_one(schema.partition, item, key[0], why)) return false;
  return !schema.sort || find_one(*schema.sort, item, key[1], why);
}

KeyFit KeyCells::split(const TableShape& shape, const Limits& limits, const KeyValues& key,
                       base::Arena& bytes, Cell* cells) {
  return split_parts(shape, limits, key, shape.key.size(), bytes, cells);
}

KeyFit KeyCells::split_partition(const TableShape& shape, const Limits& limits,
                                 ddb::ValueView partition, base::Arena& bytes, Cell* cells) {
  return split_parts(shape, limits, {partition, {}}, 1, bytes, cells);
}

KeyFit KeyCells::split_parts(const TableShape& shape, const Limits& limits, const KeyValues& key,
                             size_t key_parts, base::Arena& bytes, Cell* cells) {
  if (taken_.size() < shape.key_types.size()) taken_.resize(shape.key_types.size());
  std::string_view parts[kPlaceholdersMax];
  size_t key_bytes = 0;
  bool nul = false;
  for (size_t number = 0; number < key_parts; ++number) {
    const KeyPart& part = shape.key[number];
    std::string_view text = key[number].bytes();
    if (!part.pattern.match(text, parts)) return KeyFit::kNo;
    for (size_t i = 0; i < part.columns.size(); ++i) {
      uint32_t column = part.columns[i];
      if (part.repeated[i]) {
        if (taken_[column] != parts[i]) return KeyFit::kNo;
        continue;
      }
      taken_[column] = parts[i];
      const Conversion& conversion = shape.key_conversions[column];
      Cell& cell = cells[column];
      if (!convert(conversion, shape.key_types[column], parts[i], bytes, unused_cells_, cell))
        return KeyFit::kNo;
      if (cell.kind == CellKind::kInt64) continue;
      key_bytes += cell.size;
      nul |= cell.kind == CellKind::kText && !limits.text_allows_nul && has_nul(cell.bytes());
    }
  }
  if (nul) return KeyFit::kNul;
  return key_bytes > limits.key_bytes_max ? KeyFit::kTooLong : KeyFit::kYes;
}

Status KeyCells::join(const TableShape& shape, const model::KeyAttribute& attribute, size_t number,
                      const Cell* cells, std::string_view name, ddb::ItemBatch& batch) {
  const KeyPart& part = shape.key[number];
  std::vector<ddb::Node>& nodes = batch.nodes();
  size_t before = nodes.size();
  std::string_view texts[kPlaceholdersMax];
  size_t size = part.pattern.literals()[0].size();
  for (size_t i = 0; i < part.columns.size(); ++i) {
    uint32_t column = part.columns[i];
    if (cells[column].kind == CellKind::kNull)
      return corrupt_key(attribute, "a key column is NULL");
    Status read = reader_.read(shape.key_conversions[column], cells[column], {}, batch);
    if (!read.ok()) return corrupt_key(attribute, read.error().message());
    texts[i] = ddb::ValueView(&nodes.back()).bytes();
    nodes.resize(before);
    size += texts[i].size() + part.pattern.literals()[i + 1].size();
  }
  std::string_view text = texts[0];
  if (!part.pattern.whole()) {
    char* to = batch.arena.allocate(size);
    text = {to, size};
    for (size_t i = 0; i <= part.columns.size(); ++i) {
      const std::string& literal = part.pattern.literals()[i];
      to += literal.copy(to, literal.size());
      if (i < part.columns.size()) to += texts[i].copy(to, texts[i].size());
    }
    std::string_view parts[kPlaceholdersMax];
    bool same = part.pattern.match(text, parts);
    for (size_t i = 0; same && i < part.columns.size(); ++i) same = parts[i] == texts[i];
    if (!same)
      return corrupt_key(attribute,
                         "a key column holds text that its template uses to tell columns apart");
  }
  if (attribute.type == Type::kN && !ddb::is_canonical_number(text))
    return corrupt_key(attribute, "a key column holds no number");
  ddb::ItemBuilder(nodes).scalar(attribute.type, text, name);
  return {};
}

}  // namespace offramp::mapping
