// Not hot: called once per thread at the end of a load.
#include "mapping/fates.h"

namespace offramp::mapping {
namespace {

using Place = PathNode::Place;

struct Walk {
  const CompiledMapping::Impl& plan;
  const TableShape& shape;
  const RowFiller& filler;
  std::vector<AttributeFate>& out;

  const Table& table() const { return plan.tables[filler.shape().table]; }

  void describe_key(uint32_t number, AttributeFate& fate) const {
    for (uint32_t column : shape.key[number].columns) {
      const Column& key = table().columns[column];
      if (!fate.column.empty()) {
        fate.column += ", ";
        fate.type += ", ";
      }
      fate.column += key.name;
      fate.type += model::column_type_name(key.type);
    }
  }

  void visit(const PathNode& node, const std::string& path) {
    const PlaceCount& count = filler.counts()[node.leaf];
    AttributeFate fate{table().name,        path,         "", "", count.values,
                       count.through_extra, count.dropped};
    switch (node.place) {
      case Place::kKey:
        describe_key(node.index, fate);
        break;
      case Place::kColumn:
        fate.column = table().columns[node.index].name;
        fate.type = model::column_type_name(table().columns[node.index].type);
        break;
      case Place::kChild:
        fate.column = plan.tables[table().children[node.index]].name;
        fate.type = "rows";
        break;
      case Place::kDrop:
        fate.type = "dropped";
        break;
      case Place::kMap:
        fate.type = "M";
        break;
    }
    out.push_back(std::move(fate));
    for (const PathNode& member : node.members) visit(member, path + "." + member.name);
  }
};

std::string type_list(uint16_t types) {
  std::string out;
  for (unsigned i = 1; i <= static_cast<unsigned>(ddb::Type::kBS); ++i) {
    if (!(types >> i & 1)) continue;
    if (!out.empty()) out += '|';
    out += ddb::type_tag(static_cast<ddb::Type>(i));
  }
  return out;
}

}  // namespace

void add_fates(const CompiledMapping::Impl& plan, const TableShape* table, const RowFiller& filler,
               std::vector<AttributeFate>& out) {
  Walk walk{plan, *table, filler, out};
  for (const PathNode& member : filler.shape().root.members) walk.visit(member, member.name);
  const std::vector<AttributeSlot>& slots = filler.slots().slots();
  for (size_t i = 1; i <= slots.size(); ++i) {
    // Slot 0 is for all that found no slot of its own, and comes last.
    const AttributeSlot& slot = slots[i % slots.size()];
    if (slot.place || slot.values == 0) continue;
    std::string name = i == slots.size() ? "(others)" : std::string(slot.name);
    out.push_back({walk.table().name, name, "", type_list(slot.types), slot.values, 0, 0});
  }
}

}  // namespace offramp::mapping
