// AttributeUpdates as update expressions.
//
// An expression's text is bounded (4,096 bytes), AttributeUpdates are not: many changes become
// several expressions that are applied one after the other. That is the same, because each
// attribute is named once.
#include "engine/error.h"
#include "engine/legacy.h"

namespace offramp::engine {
namespace {

constexpr size_t kChangesPerPart = 64;

// An empty list for ADD on a missing attribute.
const ddb::Node kEmptyList{nullptr, nullptr, 0, 0, 1, ddb::Type::kL, false};
constexpr std::string_view kEmptyListName = ":e";

std::string_view type_name(ddb::Type type) {
  switch (type) {
    case ddb::Type::kS:
      return "STRING";
    case ddb::Type::kN:
      return "NUMBER";
    case ddb::Type::kB:
      return "BINARY";
    case ddb::Type::kBool:
      return "BOOLEAN";
    case ddb::Type::kNull:
      return "NULL";
    case ddb::Type::kL:
      return "LIST";
    case ddb::Type::kM:
      return "MAP";
    default:
      return ddb::type_tag(type);
  }
}

bool can_add(ddb::Type type) {
  return type == ddb::Type::kN || type == ddb::Type::kL || ddb::is_set(type);
}

Status check_change(std::string_view action, ddb::ValueView value) {
  if (!value && action != "DELETE")
    return invalid_parameter("Only DELETE action is allowed when no attribute value is specified");
  if (value && action == "DELETE" && !ddb::is_set(value.type()))
    return invalid_parameter("DELETE action with value is not supported for the type " +
                             std::string(type_name(value.type())));
  if (action == "ADD" && !can_add(value.type()))
    return invalid_parameter("ADD action is not supported for the type " +
                             std::string(type_name(value.type())));
  return {};
}

std::string_view keep(Request& request, const std::string& text) {
  return {request.arena().copy(text), text.size()};
}

}  // namespace

Result<LegacyUpdate> LegacyUpdate::read(Request& request) {
  std::vector<Change> changes;
  TRY(for_each_member(request["AttributeUpdates"],
                      [&](std::string_view attribute, Json json) -> Status {
                        if (attribute.empty()) return validation("Empty attribute name");
                        Change change{attribute, json["Action"].text("PUT"), {}};
                        if (json["Value"]) change.value = TRY(request.value(json["Value"]));
                        TRY(check_change(change.action, change.value));
                        changes.push_back(change);
                        return {};
                      }));
  LegacyUpdate made;
  made.only_removes_ = !changes.empty();
  for (const Change& change : changes) {
    made.attributes_.push_back(change.attribute);
    if (change.action != "DELETE") made.only_removes_ = false;
  }
  for (size_t i = 0; i < changes.size(); i += kChangesPerPart)
    TRY(made.add_part(request, &changes[i],
                      changes.data() + std::min(changes.size(), i + kChangesPerPart)));
  return made;
}

Status LegacyUpdate::add_part(Request& request, const Change* first, const Change* last) {
  ddb::expression::Placeholders placeholders;
  std::string set, remove, add, del;
  bool uses_empty_list = false;
  for (const Change* change = first; change != last; ++change) {
    const std::string number = std::to_string(change - first);
    const std::string name = "#" + number, value = ":" + number;
    placeholders.add_name(keep(request, name), change->attribute);
    if (change->value) placeholders.add_value(keep(request, value), change->value);
    if (change->action == "PUT") {
      set.append(set.empty() ? "SET " : ",").append(name + "=" + value);
    } else if (change->action == "DELETE") {
      if (change->value)
        del.append(del.empty() ? "DELETE " : ",").append(name + " " + value);
      else
        remove.append(remove.empty() ? "REMOVE " : ",").append(name);
    } else if (change->value.type() == ddb::Type::kL) {
      uses_empty_list = true;
      set.append(set.empty() ? "SET " : ",")
          .append(name + "=list_append(if_not_exists(" + name + ",:e)," + value + ")");
    } else {
      add.append(add.empty() ? "ADD " : ",").append(name + " " + value);
    }
  }
  if (uses_empty_list) placeholders.add_value(kEmptyListName, ddb::ValueView(&kEmptyList));
  parts_.push_back(TRY(ddb::expression::Update::parse(
      keep(request, set + " " + remove + " " + add + " " + del), placeholders)));
  return {};
}

Status LegacyUpdate::apply(ddb::ItemView old, ddb::ItemView key, ddb::ItemBatch& out) {
  if (parts_.empty()) {
    ddb::ItemBuilder builder(out.nodes());
    const auto root = static_cast<uint32_t>(out.nodes().size());
    builder.copy(old ? old : key, {});
    out.add_root(root, 0);
    return {};
  }
  between_.resize(parts_.size() - 1);
  for (size_t i = 0; i < parts_.size(); ++i) {
    const bool last = i + 1 == parts_.size();
    if (!last) {
      if (!between_[i]) between_[i] = std::make_unique<ddb::ItemBatch>();
      between_[i]->reset();
    }
    ddb::ItemBatch& to = last ? out : *between_[i];
    Status applied = parts_[i].apply(old, key, to);
    if (!applied.ok()) {
      if (applied.error().message().find("incorrect data type") != std::string::npos)
        return validation("Type mismatch for attribute to update");
      return std::move(applied).error();
    }
    if (!last) old = to.item(0);
  }
  return {};
}

bool LegacyUpdate::touched(ddb::ItemView item, ddb::ItemBatch& out) const {
  if (!item) return false;
  const auto root = static_cast<uint32_t>(out.nodes().size());
  ddb::ItemBuilder builder(out.nodes());
  builder.open(ddb::Type::kM);
  uint32_t members = 0;
  for (std::string_view attribute : attributes_)
    if (ddb::ValueView value = item.find(attribute)) {
      builder.copy(value, value.name());
      ++members;
    }
  if (members == 0) {
    out.nodes().resize(root);
    return false;
  }
  builder.close(root, members);
  out.add_root(root, 0);
  return true;
}

}  // namespace offramp::engine
