// Reading, binding and deciding of one write.
#include "engine/write_action.h"

#include "ddb/item_size.h"
#include "engine/error.h"
#include "engine/keys.h"

namespace offramp::engine {

using ddb::expression::Condition;
using ddb::expression::Update;

ddb::ItemView no_item() {
  static const ddb::Node node{nullptr, nullptr, 0, 0, 1, ddb::Type::kM, false};
  return ddb::ItemView(&node);
}

Status WriteAction::read(Context& context, Kind kind, Json body, Legacy legacy) {
  kind_ = kind;
  body_ = body;
  request_ = &context.request;
  bool update = kind == Kind::kUpdate;
  if (legacy == Legacy::kAllowed) {
    if (update)
      TRY(refuse_mixed(body, {"AttributeUpdates", "Expected"},
                       {"UpdateExpression", "ConditionExpression"}));
    else
      TRY(refuse_mixed(body, {"Expected"}, {"ConditionExpression"}));
  }
  bool any = body["ConditionExpression"] || (update && body["UpdateExpression"]);
  ExpressionUse use{
      any, any,
      update ? "UpdateExpression and ConditionExpression are null" : "ConditionExpression is null"};
  TRY(read_placeholders(context.request, body["ExpressionAttributeNames"],
                        body["ExpressionAttributeValues"], use, context.placeholders));
  key_ = TRY(context.request.item(body[kind == Kind::kPut ? "Item" : "Key"]));
  item_on_failure_ = body["ReturnValuesOnConditionCheckFailure"].text() == "ALL_OLD";
  std::string_view returned = body["ReturnValues"].text();
  if (!update && legacy == Legacy::kAllowed && !returned.empty() && returned != "NONE" &&
      returned != "ALL_OLD")
    return validation("ReturnValues can only be ALL_OLD or NONE");
  if (kind == Kind::kPut && ddb::item_size(key_) > ddb::kItemBytesMax)
    return validation("Item size has exceeded the maximum allowed size");
  return read_expressions(context, legacy);
}

Status WriteAction::read_expressions(Context& context, Legacy legacy) {
  if (legacy == Legacy::kAllowed) {
    if (kind_ == Kind::kUpdate && body_["AttributeUpdates"])
      legacy_update_ = TRY(LegacyUpdate::read(context.request));
    expected_ = TRY(read_expected(context.request));
  }
  if (Json text = body_["UpdateExpression"]; text && kind_ == Kind::kUpdate)
    update_ = TRY(Update::parse(text.text(), context.placeholders));
  if (Json text = body_["ConditionExpression"])
    condition_ =
        TRY(Condition::parse_api(text.text(), "ConditionExpression", context.placeholders));
  return context.placeholders.check_all_used();
}

void WriteAction::assemble(Context& context, Parts parts) {
  kind_ = parts.kind;
  request_ = &context.request;
  table_ = std::move(parts.table);
  key_ = parts.key;
  condition_ = std::move(parts.condition);
  update_ = std::move(parts.update);
  presence_ = parts.presence;
  item_on_failure_ = parts.item_on_failure;
}

Status WriteAction::find_table(Context& context) {
  table_ = TRY(context.table(body_["TableName"].text()));
  return {};
}

Status WriteAction::bind() {
  TRY(kind_ == Kind::kPut ? check_item_keys(*table_, key_) : check_key(*table_, key_));
  if (condition_) TRY(check_scalar_keys(*table_, *condition_));
  if (update_) TRY(check_scalar_keys(*table_, *update_));
  return check_written();
}

Status WriteAction::check_written() const {
  auto check = [&](const auto& written) -> Status {
    for (std::string_view name : written)
      if (table_->is_key(name))
        return invalid_parameter("Cannot update attribute " + std::string(name) +
                                 ". This attribute is part of the key");
    return {};
  };
  if (update_) TRY(check(update_->written_attributes()));
  if (legacy_update_) TRY(check(legacy_update_->written_attributes()));
  return {};
}

bool WriteAction::holds(ddb::ItemView old) const {
  if (condition_) return condition_->evaluate(old ? old : no_item());
  return expected_.empty() || expected_.evaluate(old);
}

ddb::ItemView WriteAction::Effect::apply(ddb::ItemView old, const ddb::ItemBatch& made,
                                         target::Decision& decision) const {
  decision.kind = kind;
  if (kind == target::Decision::Kind::kDelete) return {};
  if (kind == target::Decision::Kind::kKeep) return old;
  decision.item = put ? put : made.item(made_root);
  return decision.item;
}

Result<WriteAction::Effect> WriteAction::decide(ddb::ItemView old, ddb::ItemBatch& made) {
  using Does = target::Decision::Kind;
  if (presence_ == Presence::kAbsent && old) return duplicate_item();
  if (presence_ == Presence::kPresent && !old) return condition_failed();
  if (presence_ == Presence::kOptional && !old) return Effect{};
  if (!holds(old)) return condition_failed();
  if (kind_ == Kind::kCheck) return Effect{};
  if (kind_ == Kind::kPut) return Effect{Does::kPut, key_};
  if (kind_ == Kind::kDelete) return Effect{old ? Does::kDelete : Does::kKeep};

  bool changes = update_ || (legacy_update_ && !legacy_update_->empty());
  if (!changes) return old ? Effect{} : Effect{Does::kPut, key_};
  bool only_removes = update_ ? update_->only_removes() : legacy_update_->only_removes();
  if (!old && only_removes) return Effect{};
  TRY(update_ ? update_->apply(old, key_, made) : legacy_update_->apply(old, key_, made));
  uint32_t root = static_cast<uint32_t>(made.size() - 1);
  TRY(check_made(old, made.item(root)));
  return Effect{Does::kPut, {}, root};
}

Status WriteAction::check_made(ddb::ItemView old, ddb::ItemView item) const {
  if (ddb::item_size(item) > ddb::kItemBytesMax)
    return validation("Item size to update has exceeded the maximum allowed size");
  if (table_->served.indexes.empty()) return {};
  Status status = check_index_keys(*table_, item);
  if (status.ok()) return status;
  // What was there before and is not touched is not this update's fault.
  if (old && !check_index_keys(*table_, old).ok()) return {};
  if (!update_) return status;
  constexpr std::string_view kEmpty = "cannot contain an empty ";
  if (size_t empty = status.error().message().find(kEmpty); empty != std::string::npos) {
    std::string_view text = std::string_view(status.error().message()).substr(empty);
    return validation(
        "One or more parameter values are not valid. The update expression attempted to update a "
        "secondary index key "
        "to a value that is not supported. The AttributeValue for a key attribute " +
        std::string(text.substr(0, text.find('.') + 1)));
  }
  if (status.error().message().find("Type mismatch for Index Key") == std::string::npos)
    return status;
  // A value that the request gives is named; one that was computed is not.
  for (const target::ServedIndex& index : table_->served.indexes)
    for (const auto* part : {&index.partition, &index.sort})
      for (const model::KeyAttribute& attribute : *part) {
        ddb::ValueView value = item.find(attribute.name);
        if (value && value.type() != attribute.type && is_given(value)) return status;
      }
  return validation(
      "The update expression attempted to update the secondary index key to unsupported type");
}

bool WriteAction::is_given(ddb::ValueView value) const {
  if (!body_) return update_->names(value);
  Json values = body_["ExpressionAttributeValues"];
  if (!values.is_object()) return false;
  for (simdjson::dom::key_value_pair field : values.object()) {
    Result<ddb::ValueView> given = request_->value(Json(field.value));
    if (given.ok() && ddb::equal(*given, value)) return true;
  }
  return false;
}

bool WriteAction::touched(ddb::ItemView item, Update::Touched which, ddb::ItemBatch& out) const {
  if (update_) return update_->touched(item, which, out);
  return legacy_update_ && legacy_update_->touched(item, out);
}

void append_item_collection(const Table& table, ddb::ItemView key, std::string& out) {
  JsonWriter write(out);
  write.open('{');
  write.name("ItemCollectionKey");
  write.open('{');
  write.name(table.partition().name);
  ddb::append_value_json(key.find(table.partition().name), out);
  out.append("},\"SizeEstimateRangeGB\":[0,1]}");
}

}  // namespace offramp::engine
