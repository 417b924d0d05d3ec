// Checks of what Query and Scan have in common.
#include "engine/page.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/keys.h"

namespace offramp::engine {
namespace {

constexpr std::string_view kInvalidStart = "The provided starting key is invalid: ";

std::string bracketed(const std::vector<std::string_view>& names) {
  std::string out = "[";
  for (std::string_view name : names) out.append(out.size() > 1 ? ", " : "").append(name);
  return out + "]";
}

template <class Names>
std::vector<std::string_view> not_projected(const IndexView& view, const Names& names) {
  std::vector<std::string_view> out;
  for (std::string_view name : names)
    if (!view.projects(name)) out.push_back(name);
  std::sort(out.begin(), out.end());
  return out;
}

// The service leaves these as they are: number errors and what a set's own check says.
bool stands_alone(std::string_view message) {
  constexpr std::string_view kInvalid = "One or more parameter values were invalid: ";
  if (message.starts_with(kInvalid)) {
    message.remove_prefix(kInvalid.size());
    return message.starts_with("An number set") || message.starts_with("Input collection");
  }
  return !message.starts_with("Supplied AttributeValue");
}

}  // namespace

Status constrain_page(Json root, Constraints& constraints) {
  constraints.return_consumed_capacity(root);
  constraints.length(root["AttributesToGet"], "attributesToGet", 1, SIZE_MAX);
  TRY(constraints.table_name(root));
  constraints.one_of(
      root["Select"], "select",
      {"SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"});
  constraints.index_name(root["IndexName"], "indexName");
  constraints.one_of(root["ConditionalOperator"], "conditionalOperator", {"OR", "AND"});
  return {};
}

Result<ddb::ItemView> read_start_key(Request& request) {
  const Json json = request["ExclusiveStartKey"];
  if (!json) return ddb::ItemView();
  auto start = request.item(json);
  if (start.ok() || stands_alone(start.error().message())) return start;
  return validation(std::string(kInvalidStart) + start.error().message());
}

Status read_page_expressions(Context& context, PageShape& shape) {
  const Json root = context.request.root();
  if (const Json text = root["FilterExpression"])
    shape.filter = TRY(ddb::expression::Condition::parse_api(text.text(), "FilterExpression",
                                                             context.placeholders));
  if (const Json text = root["ProjectionExpression"])
    shape.projection = TRY(ddb::expression::Projection::parse(text.text(), context.placeholders));
  return {};
}

Status read_page_attributes(Json root, PageShape& shape) {
  const std::vector<std::string_view> names = TRY(read_attributes_to_get(root));
  if (!names.empty()) shape.projection = ddb::expression::Projection::of_attributes(names);
  return {};
}

Result<TableRef> table_to_read(Context& context) {
  const std::string_view name = context.request["TableName"].text();
  TableRef table = TRY(context.table(name));
  const Json index = context.request["IndexName"];
  if (!index) return table;
  const int found = table->find_index(index.text());
  if (found >= 0 && table->indexes[static_cast<size_t>(found)].state == IndexInfo::State::kActive)
    return table;
  TRY(context.catalog.refresh());
  return context.table(name);
}

Result<IndexView> find_view(Json root, const Table& table) {
  const Json name = root["IndexName"];
  if (!name) return IndexView(table, -1);
  const int index = table.find_index(name.text());
  const IndexInfo::State state =
      index < 0 ? IndexInfo::State::kDeleting : table.indexes[static_cast<size_t>(index)].state;
  if (state == IndexInfo::State::kDeleting)
    return validation("The table does not have the specified index: " + std::string(name.text()));
  if (state != IndexInfo::State::kActive)
    return validation("Cannot read from backfilling global secondary index: " +
                      std::string(name.text()));
  IndexView view(table, index);
  if (view.is_global() && root["ConsistentRead"].boolean())
    return validation("Consistent reads are not supported on global secondary indexes");
  return view;
}

Status check_select(Json root, const IndexView& view) {
  const std::string_view select = root["Select"].text();
  const std::string projection = root["ProjectionExpression"] ? "ProjectionExpression"
                                 : root["AttributesToGet"]    ? "AttributesToGet"
                                                              : "";
  if (select == "SPECIFIC_ATTRIBUTES") {
    if (projection.empty())
      return validation(
          "Must specify the AttributesToGet or ProjectionExpression when choosing to get "
          "SPECIFIC_ATTRIBUTES");
    return {};
  }
  if (!select.empty() && !projection.empty())
    return validation("Cannot specify the " + projection + " when choosing to get " +
                      (select == "COUNT" ? "only the Count" : std::string(select)));
  if (select == "ALL_PROJECTED_ATTRIBUTES" && view.is_table())
    return validation("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName");
  if (select == "ALL_ATTRIBUTES" && view.is_global() && !view.whole())
    return invalid_parameter(
        "Select type ALL_ATTRIBUTES is not supported for global secondary index " +
        view.index().name + " because its projection type is not ALL");
  return {};
}

Status check_shape(const PageShape& shape, const IndexView& view) {
  if (shape.filter) TRY(check_scalar_keys(view.table(), *shape.filter));
  if (!shape.projection) return {};
  TRY(check_scalar_keys(view.table(), *shape.projection));
  if (!view.is_global()) return {};
  const std::vector<std::string> names = shape.projection->attributes();
  const std::vector<std::string_view> missing = not_projected(view, names);
  if (missing.empty()) return {};
  return invalid_parameter("Global secondary index " + view.index().name + " does not project " +
                           bracketed(missing));
}

Status check_filter_projected(const PageShape& shape, const IndexView& view) {
  if (view.whole() || !shape.filters()) return {};
  std::vector<std::string> read;
  if (shape.filter) read = shape.filter->attributes();
  const std::vector<std::string_view> missing =
      shape.filter ? not_projected(view, read)
                   : not_projected(view, shape.legacy_filter.attributes());
  if (missing.empty()) return {};
  return invalid_parameter(
      "Secondary index " + view.index().name +
      " does not project one or more filter attributes: " + bracketed(missing));
}

bool start_key_fits(const IndexView& view, ddb::ItemView start) {
  size_t attributes = 0;
  view.for_each_table_key([&](const model::KeyAttribute&) { ++attributes; });
  if (!view.is_table())
    view.for_each_key([&](const model::KeyAttribute& key) {
      if (!view.table().is_key(key.name)) ++attributes;
    });
  return start.size() == attributes;
}

Status check_start_values(const IndexView& view, ddb::ItemView start) {
  const IndexView table(view.table(), -1);
  bool fits = true;
  table.for_each_key([&](const model::KeyAttribute& key) {
    const ddb::ValueView value = start.find(key.name);
    fits = fits && value && value.type() == key.type;
  });
  if (!fits)
    return validation(std::string(kInvalidStart) +
                      "The provided key element does not match the schema");
  Status values;
  for (const IndexView* of : {&table, &view})
    of->for_each_key([&](const model::KeyAttribute& key) {
      const KeyRole role = of->is_partition(key.name) ? KeyRole::kPartition : KeyRole::kSort;
      if (values.ok()) values = check_key_value(*of, key.name, role, start.find(key.name));
    });
  if (!values.ok()) return validation(std::string(kInvalidStart) + values.error().message());
  return {};
}

Status check_key_value(const IndexView& view, std::string_view attribute, KeyRole role,
                       ddb::ValueView value) {
  if (value.type() == ddb::Type::kN) return {};
  if (role == KeyRole::kPartition && value.bytes().size() > kPartitionBytesMax)
    return invalid_parameter("Size of hashkey has exceeded the maximum size limit of2048 bytes");
  if (role == KeyRole::kSort && value.bytes().size() > kSortBytesMax)
    return invalid_parameter(
        "Aggregated size of all range keys has exceeded the size limit of 1024 bytes");
  if (!value.bytes().empty()) return {};
  const std::string empty = value.type() == ddb::Type::kB ? "binary" : "string";
  std::string text = "One or more parameter values are not valid. ";
  if (!view.is_table()) text += "A value specified for a secondary index key is not supported. ";
  text += "The AttributeValue for a key attribute cannot contain an empty " + empty + " value. ";
  text += view.is_table() ? "Key: " : "IndexName: " + view.index().name + ", IndexKey: ";
  return validation(text.append(attribute));
}

bool can_follow(const IndexView& view, const target::PageRequest& request, ddb::ItemView last) {
  if (!view.is_table()) return true;
  const model::KeyAttribute* sort = view.table().sort();
  if (!sort) return false;
  const auto& bound = request.forward ? request.upper : request.lower;
  return !bound || !bound->inclusive || !ddb::equal(bound->values[0], last.find(sort->name));
}

}  // namespace offramp::engine
