// The hot path of a load: no allocation per attribute or row once the scratch is warm.
#include "mapping/row_filler.h"

#include <algorithm>

namespace offramp::mapping {

using ddb::Type;
using ddb::ValueView;
using Place = PathNode::Place;

namespace {

bool is_list_of_maps(ValueView value) {
  if (value.type() != Type::kL || value.size() == 0) return false;
  for (ValueView element : value)
    if (element.type() != Type::kM) return false;
  return true;
}

}  // namespace

RowFiller::RowFiller(const RowShape& shape, const Limits& limits)
    : shape_(shape),
      limits_(limits),
      slots_(shape.root),
      states_(shape.leaves),
      counts_(shape.leaves) {}

Fill RowFiller::put(const PathNode& place, ValueView value, Cell* row, RowBatch& rows,
                    ChildRows* children) {
  State& state = states_[place.leaf];
  if (state != State::kUnseen) return Fill::kTwice;
  PlaceCount& count = counts_[place.leaf];
  ++count.values;
  state = State::kTaken;
  switch (place.place) {
    case Place::kKey:
      return Fill::kDone;
    case Place::kDrop:
      ++count.dropped;
      return Fill::kDone;
    case Place::kColumn: {
      Cell& cell = row[place.index];
      if (place.null_is_value && value.type() == Type::kNull) return Fill::kDone;
      if (to_cell(shape_.conversions[place.index], value, rows.arena, rows.cell_arena, cell))
        return cell.size > limits_.cell_bytes_max ||
                       (cell.kind == CellKind::kArray && cell_bytes(cell) > limits_.cell_bytes_max)
                   ? Fill::kTooLarge
                   : Fill::kDone;
      break;
    }
    case Place::kChild:
      if (is_list_of_maps(value)) return children->add(place.index, value);
      break;
    case Place::kMap:
      if (value.type() == Type::kM) return put_map(place, value, row, rows, children);
      break;
  }
  state = State::kLeft;
  ++count.through_extra;
  return Fill::kDone;
}

Fill RowFiller::put_map(const PathNode& place, ValueView map, Cell* row, RowBatch& rows,
                        ChildRows* children) {
  for (ValueView member : map) {
    int found = place.find(member.name());
    if (found < 0) continue;
    Fill done = put(place.members[static_cast<size_t>(found)], member, row, rows, children);
    if (done != Fill::kDone) return done;
  }
  return Fill::kDone;
}

Fill RowFiller::fill(ValueView map, Cell* row, RowBatch& rows, ChildRows* children) {
  std::fill(states_.begin(), states_.end(), State::kUnseen);
  leftovers_.clear();
  slots_.begin();
  for (ValueView value : map) {
    AttributeSlot& slot = slots_.find(value.name());
    const PathNode* place = slot.place;
    if (!place) {
      ++slot.values;
      slot.types |= static_cast<uint16_t>(1u << static_cast<unsigned>(value.type()));
      leftovers_.push_back({value.node(), nullptr});
      continue;
    }
    Fill done = put(*place, value, row, rows, children);
    if (done != Fill::kDone) return done;
    if (states_[place->leaf] == State::kLeft)
      leftovers_.push_back({value.node(), nullptr});
    else if (place->place == Place::kMap)
      leftovers_.push_back({value.node(), place});
  }
  return write_extra(row, rows);
}

Fill RowFiller::write_extra(Cell* row, RowBatch& rows) {
  auto absent = [&](uint32_t member) {
    return states_[shape_.root.members[member].leaf] == State::kUnseen;
  };
  if (leftovers_.empty() &&
      std::none_of(shape_.null_value_places.begin(), shape_.null_value_places.end(), absent))
    return Fill::kDone;
  NameForm form = NameForm::kPlain;
  for (const Leftover& leftover : leftovers_)
    if (has_nul(ValueView(leftover.value).name())) form = NameForm::kBase64;
  // An absent mark's name comes from the plan and may hold a NUL too.
  for (uint32_t member : shape_.null_value_places)
    if (absent(member) && has_nul(shape_.root.members[member].name)) form = NameForm::kBase64;
  ArenaText out(rows.arena, extra_bytes_);
  out.append(form == NameForm::kPlain ? "{" : R"({"$M64":[)");
  bool first = true;
  for (const Leftover& leftover : leftovers_) {
    ValueView value(leftover.value);
    size_t mark = out.size();
    if (!first) out.push(',');
    if (leftover.residual) {
      if (!write_residual(value, *leftover.residual, form, out)) {
        out.truncate(mark);
        continue;
      }
    } else {
      write_extra_name(value.name(), form, out);
      write_extra_value(value, out);
      if (form == NameForm::kBase64) out.push(']');
    }
    first = false;
  }
  for (uint32_t member : shape_.null_value_places) {
    if (!absent(member)) continue;
    if (!first) out.push(',');
    first = false;
    write_extra_name(shape_.root.members[member].name, form, out);
    out.append(form == NameForm::kPlain ? R"({"$ABSENT":true})" : R"({"$ABSENT":true}])");
  }
  if (first) {
    out.truncate(0);
    out.finish();
    return Fill::kDone;
  }
  out.append(form == NameForm::kPlain ? "}" : "]}");
  std::string_view text = out.finish();
  extra_bytes_ = std::clamp<size_t>(text.size() + text.size() / 4, 256, 8192);
  row[shape_.extra_column] = Cell::text(CellKind::kJson, text);
  return text.size() > limits_.cell_bytes_max ? Fill::kTooLarge : Fill::kDone;
}

// Writes what columns and children left of a map. False, and the caller takes back what was
// written, when nothing is left and the map's existence follows from what was taken out of it.
bool RowFiller::write_residual(ValueView map, const PathNode& place, NameForm form,
                               ArenaText& out) {
  write_extra_name(map.name(), form, out);
  NameForm inner = name_form(map);
  out.append(inner == NameForm::kPlain ? R"({"M":{)" : R"({"$M64":[)");
  bool first = true, implied = false;
  for (ValueView member : map) {
    int found = place.find(member.name());
    const PathNode* named = found < 0 ? nullptr : &place.members[static_cast<size_t>(found)];
    bool taken = named && states_[named->leaf] == State::kTaken;
    if (taken && named->place == Place::kDrop) continue;
    if (taken && named->place != Place::kMap) {
      implied = true;
      continue;
    }
    size_t mark = out.size();
    if (!first) out.push(',');
    if (taken) {
      if (!write_residual(member, *named, inner, out)) {
        out.truncate(mark);
        implied = true;
        continue;
      }
    } else {
      write_extra_name(member.name(), inner, out);
      write_extra_value(member, out);
      if (inner == NameForm::kBase64) out.push(']');
    }
    first = false;
  }
  if (first && implied) return false;
  out.append(inner == NameForm::kPlain ? "}}" : "]}");
  if (form == NameForm::kBase64) out.push(']');
  return true;
}

}  // namespace offramp::mapping
