// Presence, type, emptiness and size of key attributes.
#include "engine/keys.h"

#include "engine/error.h"

namespace offramp::engine {
namespace {

std::string_view kind_of_value(ddb::Type type) {
  return type == ddb::Type::kB ? "binary" : "string";
}

Status check_size(ddb::ValueView value, bool partition) {
  if (value.type() == ddb::Type::kN) return {};
  if (partition && value.bytes().size() > kPartitionBytesMax)
    return invalid_parameter("Size of hashkey has exceeded the maximum size limit of2048 bytes");
  if (!partition && value.bytes().size() > kSortBytesMax)
    return invalid_parameter(
        "Aggregated size of all range keys has exceeded the size limit of 1024 bytes");
  return {};
}

bool is_empty(ddb::ValueView value) {
  return value.type() != ddb::Type::kN && value.bytes().empty();
}

Error empty_key(std::string_view prefix, const model::KeyAttribute& attribute) {
  return validation(std::string(prefix) +
                    " The AttributeValue for a key attribute cannot contain an empty " +
                    std::string(kind_of_value(attribute.type)) + " value. Key: " + attribute.name);
}

Status check_item_key(ddb::ItemView item, const model::KeyAttribute& attribute, bool partition) {
  ddb::ValueView value = item.find(attribute.name);
  if (!value) return invalid_parameter("Missing the key " + attribute.name + " in the item");
  if (value.type() != attribute.type)
    return invalid_parameter("Type mismatch for key " + attribute.name +
                             " expected: " + std::string(ddb::type_tag(attribute.type)) +
                             " actual: " + std::string(ddb::type_tag(value.type())));
  if (is_empty(value)) return empty_key("One or more parameter values are not valid.", attribute);
  return check_size(value, partition);
}

Status check_index_key(ddb::ItemView item, const target::ServedIndex& index,
                       const model::KeyAttribute& attribute, bool partition) {
  ddb::ValueView value = item.find(attribute.name);
  if (!value) return {};
  if (value.type() != attribute.type)
    return invalid_parameter("Type mismatch for Index Key " + attribute.name +
                             " Expected: " + std::string(ddb::type_tag(attribute.type)) +
                             " Actual: " + std::string(ddb::type_tag(value.type())) +
                             " IndexName: " + index.name);
  if (is_empty(value))
    return validation(
        "One or more parameter values are not valid. A value specified for a secondary index key "
        "is not supported. "
        "The AttributeValue for a key attribute cannot contain an empty " +
        std::string(kind_of_value(attribute.type)) + " value. IndexName: " + index.name +
        ", IndexKey: " + attribute.name);
  return check_size(value, partition);
}

}  // namespace

Status check_key(const Table& table, ddb::ItemView key) {
  constexpr std::string_view kMismatch = "The provided key element does not match the schema";
  if (key.size() != (table.sort() ? 2U : 1U)) return validation(std::string(kMismatch));
  for (const model::KeyAttribute* attribute : {&table.partition(), table.sort()}) {
    if (!attribute) continue;
    ddb::ValueView value = key.find(attribute->name);
    if (!value || value.type() != attribute->type) return validation(std::string(kMismatch));
    if (is_empty(value)) return empty_key("One or more parameter values were invalid:", *attribute);
    TRY(check_size(value, attribute == &table.partition()));
  }
  return {};
}

Status check_item_keys(const Table& table, ddb::ItemView item) {
  TRY(check_item_key(item, table.partition(), true));
  if (table.sort()) TRY(check_item_key(item, *table.sort(), false));
  return check_index_keys(table, item);
}

Status check_index_keys(const Table& table, ddb::ItemView item) {
  for (size_t i = 0; i < table.served.indexes.size(); ++i) {
    const target::ServedIndex& index = table.served.indexes[i];
    if (table.indexes[i].state == IndexInfo::State::kDeleting) continue;
    for (const model::KeyAttribute& attribute : index.partition)
      if (!table.is_key(attribute.name)) TRY(check_index_key(item, index, attribute, true));
    for (const model::KeyAttribute& attribute : index.sort)
      if (!table.is_key(attribute.name)) TRY(check_index_key(item, index, attribute, false));
  }
  return {};
}

Error key_not_scalar(std::string_view attribute, bool of_index) {
  return validation(
      "Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
      "allowed: " +
      std::string(of_index ? "IndexKey: " : "Key: ") + std::string(attribute));
}

bool same_key(const Table& table, ddb::ItemView a, ddb::ItemView b) {
  auto same = [&](const model::KeyAttribute& attribute) {
    ddb::ValueView left = a.find(attribute.name), right = b.find(attribute.name);
    return left && right && ddb::equal(left, right);
  };
  return same(table.partition()) && (!table.sort() || same(*table.sort()));
}

}  // namespace offramp::engine
