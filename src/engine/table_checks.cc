// First the constraints of single parameters, then what they must be together.
#include "engine/table_checks.h"

#include <algorithm>
#include <set>
#include <vector>

#include "engine/error.h"
#include "engine/stream_settings.h"
#include "engine/tags.h"

namespace offramp::engine {
namespace {

constexpr size_t kKeyNameBytesMax = 255;
constexpr size_t kLocalIndexesMax = 5, kGlobalIndexesMax = 20, kIncludedMax = 100,
                 kIncludedPerIndexMax = 20;
constexpr size_t kGlobalKeysMax = 8, kGlobalKeysOfAKindMax = 4;
constexpr int64_t kUnitsMax = 1'000'000'000'000;

std::string at(const std::string& path, size_t number) {
  return path + "." + std::to_string(number) + ".member.";
}

template <class F>
void each(Json list, F&& visit) {
  if (!list.is_array()) return;
  size_t number = 0;
  for (simdjson::dom::element element : list.array()) visit(Json(element), ++number);
}

void constrain_keys(Json keys, const std::string& path, size_t keys_max, Constraints& constraints) {
  if (!constraints.not_null(keys, path)) return;
  constraints.length(keys, path, 1, keys_max);
  each(keys, [&](Json key, size_t number) {
    Json name = key["AttributeName"], type = key["KeyType"];
    if (constraints.not_null(name, at(path, number) + "attributeName"))
      constraints.length(name, at(path, number) + "attributeName", 1, kKeyNameBytesMax);
    if (constraints.not_null(type, at(path, number) + "keyType"))
      constraints.one_of(type, at(path, number) + "keyType", {"HASH", "RANGE"});
  });
}

void constrain_index(Json index, const std::string& here, size_t keys_max,
                     Constraints& constraints) {
  if (constraints.not_null(index["IndexName"], here + "indexName"))
    constraints.index_name(index["IndexName"], here + "indexName");
  constrain_keys(index["KeySchema"], here + "keySchema", keys_max, constraints);
  Json projection = index["Projection"];
  if (constraints.not_null(projection, here + "projection")) {
    constraints.one_of(projection["ProjectionType"], here + "projection.projectionType",
                       {"ALL", "INCLUDE", "KEYS_ONLY"});
    constraints.length(projection["NonKeyAttributes"], here + "projection.nonKeyAttributes", 1,
                       kIncludedPerIndexMax);
    each(projection["NonKeyAttributes"], [&](Json name, size_t place) {
      constraints.length(name,
                         here + "projection.nonKeyAttributes." + std::to_string(place) + ".member",
                         1, kKeyNameBytesMax);
    });
  }
  constrain_throughput(index["ProvisionedThroughput"], here + "provisionedThroughput", constraints);
}

void constrain_indexes(Json indexes, const std::string& path, size_t keys_max,
                       Constraints& constraints) {
  each(indexes, [&](Json index, size_t number) {
    constrain_index(index, at(path, number), keys_max, constraints);
  });
}

Status check_constraints(Json root) {
  if (!root["TableName"])
    return validation("The parameter 'TableName' is required but was not present in the request");
  Constraints constraints;
  TRY(constraints.table_name(root));
  Json attributes = root["AttributeDefinitions"];
  constraints.not_null(attributes, "attributeDefinitions");
  constrain_attributes(attributes, constraints);
  constrain_keys(root["KeySchema"], "keySchema", 2, constraints);
  constrain_indexes(root["LocalSecondaryIndexes"], "localSecondaryIndexes", 2, constraints);
  constrain_indexes(root["GlobalSecondaryIndexes"], "globalSecondaryIndexes", kGlobalKeysMax,
                    constraints);
  constraints.one_of(root["BillingMode"], "billingMode", {"PROVISIONED", "PAY_PER_REQUEST"});
  constrain_throughput(root["ProvisionedThroughput"], "provisionedThroughput", constraints);
  constrain_stream(root["StreamSpecification"], constraints);
  constraints.one_of(root["TableClass"], "tableClass", {"STANDARD", "STANDARD_INFREQUENT_ACCESS"});
  return constraints.done();
}

using Names = std::vector<std::string>;

Names names_of(Json list) {
  Names names;
  each(list, [&](Json element, size_t) { names.emplace_back(element["AttributeName"].text()); });
  return names;
}
bool contains(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}
std::string joined(const Names& names) {
  std::string out = "[";
  for (const std::string& name : names) out += (out.size() > 1 ? ", " : "") + name;
  return out + "]";
}

class TableChecks {
 public:
  explicit TableChecks(Json root)
      : root_(root),
        defined_(names_of(root["AttributeDefinitions"])),
        keys_(names_of(root["KeySchema"])),
        used_(keys_) {}

  // Of one index to be added.
  TableChecks(Names defined, size_t included) : defined_(std::move(defined)), included_(included) {}
  Status added_index(Json one, bool on_demand) {
    TRY(index(one, kGlobalKeysOfAKindMax, kGlobalKeysOfAKindMax));
    TRY(projection(one));
    if (included_ > kIncludedMax)
      return invalid_parameter(
          "Number of attributes in NonKeyAttributes exceeds the per-table limit of 100");
    std::string name(one["IndexName"].text());
    Json throughput = one["ProvisionedThroughput"];
    if (on_demand && throughput)
      return invalid_parameter(
          "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: " + name +
          " when BillingMode is PAY_PER_REQUEST");
    if (!on_demand && !throughput)
      return invalid_parameter("ProvisionedThroughput must be specified for index: " + name);
    return check_throughput_bounds(throughput);
  }

  Status all() {
    TRY(billing());
    TRY(table_keys());
    TRY(local_indexes());
    TRY(global_indexes());
    TRY(attributes_used());
    if (included_ > kIncludedMax)
      return invalid_parameter(
          "Number of attributes in NonKeyAttributes exceeds the per-table limit of 100");
    return check_stream(root_["StreamSpecification"]);
  }

 private:
  bool on_demand() const { return root_["BillingMode"].text() == "PAY_PER_REQUEST"; }

  Status billing() {
    Json throughput = root_["ProvisionedThroughput"];
    if (on_demand() && throughput)
      return invalid_parameter(
          "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
          "PAY_PER_REQUEST");
    if (!on_demand() && !throughput)
      return invalid_parameter(
          "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is "
          "PROVISIONED");
    return check_throughput_bounds(throughput);
  }

  Status table_keys() {
    Json schema = root_["KeySchema"];
    bool undefined = std::any_of(keys_.begin(), keys_.end(),
                                 [&](auto& key) { return !contains(defined_, key); });
    if (keys_.size() == 2 && (undefined || (keys_[0] == keys_[1] && defined_.size() == 1)))
      return validation("Invalid KeySchema: Some index key attribute have no definition");
    if (undefined) return undefined_keys(keys_);
    TRY(key_kinds(schema, keys_, 1, 1));
    std::set<std::string> distinct(defined_.begin(), defined_.end());
    if (distinct.size() != defined_.size())
      return validation("Cannot have two attributes with the same name");
    if (!root_["LocalSecondaryIndexes"] && !root_["GlobalSecondaryIndexes"] &&
        keys_.size() != defined_.size())
      return invalid_parameter(
          "Number of attributes in KeySchema does not exactly match number of attributes defined "
          "in "
          "AttributeDefinitions");
    return {};
  }

  Error undefined_keys(const Names& keys) const {
    return invalid_parameter(
        "Some index key attributes are not defined in AttributeDefinitions. Keys: " + joined(keys) +
        ", AttributeDefinitions: " + joined(defined_));
  }

  // HASH attributes first, then RANGE ones, none twice.
  static Status key_kinds(Json schema, const Names& keys, size_t hash_max, size_t range_max) {
    std::set<std::string> distinct(keys.begin(), keys.end());
    if (distinct.size() != keys.size())
      return validation(
          "Both the Hash Key and the Range Key element in the KeySchema have the same name");
    size_t hash = 0, range = 0;
    Status status;
    each(schema, [&](Json key, size_t number) {
      if (!status.ok()) return;
      bool is_hash = key["KeyType"].text() == "HASH";
      if (number == 1 && !is_hash)
        status = validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
      else if (is_hash && (range > 0 || hash == hash_max))
        status =
            validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
      else if (!is_hash && range == range_max)
        status = validation("Invalid KeySchema: Too many RANGE key elements");
      ++(is_hash ? hash : range);
    });
    return status;
  }

  // What both kinds of index have in common.
  Status index(Json index, size_t hash_max, size_t range_max) {
    Names keys = names_of(index["KeySchema"]);
    for (const std::string& key : keys) {
      if (!contains(defined_, key)) return undefined_keys(keys);
      used_.push_back(key);
    }
    return key_kinds(index["KeySchema"], keys, hash_max, range_max);
  }

  Status projection(Json index) {
    Json projection = index["Projection"], included = projection["NonKeyAttributes"];
    std::string_view type = projection["ProjectionType"].text();
    if (type.empty()) return invalid_parameter("Unknown ProjectionType: null");
    if (included && type != "INCLUDE")
      return invalid_parameter("ProjectionType is " + std::string(type) +
                               ", but NonKeyAttributes is specified");
    if (!included && type == "INCLUDE")
      return invalid_parameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified");
    included_ += included.size();
    std::string name(index["IndexName"].text());
    if (!index_names_.insert(name).second)
      return invalid_parameter("Duplicate index name: " + name);
    return {};
  }

  Status local_indexes() {
    Json indexes = root_["LocalSecondaryIndexes"];
    if (!indexes) return {};
    if (indexes.size() == 0) return invalid_parameter("List of LocalSecondaryIndexes is empty");
    if (keys_.size() != 2)
      return invalid_parameter(
          "Table KeySchema does not have a range key, which is required when specifying a "
          "LocalSecondaryIndex");
    TRY(for_each_element(indexes, [&](Json one) -> Status {
      TRY(index(one, 1, 1));
      Names keys = names_of(one["KeySchema"]);
      std::string name(one["IndexName"].text());
      if (keys.size() != 2)
        return invalid_parameter("Index KeySchema does not have a range key for index: " + name);
      if (keys[0] != keys_[0])
        return invalid_parameter(
            "Index KeySchema does not have the same leading hash key as table KeySchema for "
            "index: " +
            name + ". index hash key: " + keys[0] + ", table hash key: " + keys_[0]);
      return projection(one);
    }));
    if (indexes.size() > kLocalIndexesMax)
      return invalid_parameter("Number of LocalSecondaryIndexes exceeds per-table limit of 5");
    return {};
  }

  Status global_indexes() {
    Json indexes = root_["GlobalSecondaryIndexes"];
    if (!indexes) return {};
    if (indexes.size() == 0) return invalid_parameter("List of GlobalSecondaryIndexes is empty");
    TRY(for_each_element(indexes, [&](Json one) -> Status {
      TRY(index(one, kGlobalKeysOfAKindMax, kGlobalKeysOfAKindMax));
      TRY(projection(one));
      std::string name(one["IndexName"].text());
      Json throughput = one["ProvisionedThroughput"];
      if (on_demand() && throughput)
        return invalid_parameter("ProvisionedThroughput should not be specified for index: " +
                                 name + " when BillingMode is PAY_PER_REQUEST");
      if (!on_demand() && !throughput)
        return invalid_parameter("ProvisionedThroughput is not specified for index: " + name);
      return check_throughput_bounds(throughput);
    }));
    if (indexes.size() > kGlobalIndexesMax)
      return invalid_parameter("GlobalSecondaryIndex count exceeds the per-table limit of 20");
    return {};
  }

  Status attributes_used() {
    for (const std::string& name : defined_)
      if (!contains(used_, name)) {
        std::set<std::string> used(used_.begin(), used_.end());
        return invalid_parameter(
            "Some AttributeDefinitions are not used. AttributeDefinitions: " + joined(defined_) +
            ", keys used: " + joined(Names(used.begin(), used.end())));
      }
    return {};
  }

  Json root_;
  Names defined_, keys_, used_;
  std::set<std::string> index_names_;
  size_t included_ = 0;
};

}  // namespace

void constrain_attributes(Json attributes, Constraints& constraints) {
  each(attributes, [&](Json attribute, size_t number) {
    std::string here = at("attributeDefinitions", number);
    if (constraints.not_null(attribute["AttributeName"], here + "attributeName"))
      constraints.length(attribute["AttributeName"], here + "attributeName", 1, kKeyNameBytesMax);
    if (constraints.not_null(attribute["AttributeType"], here + "attributeType"))
      constraints.one_of(attribute["AttributeType"], here + "attributeType", {"B", "N", "S"});
  });
}

void constrain_throughput(Json throughput, const std::string& path, Constraints& constraints) {
  if (!throughput) return;
  for (const char* kind : {"WriteCapacityUnits", "ReadCapacityUnits"}) {
    std::string here = path + (kind[0] == 'W' ? ".writeCapacityUnits" : ".readCapacityUnits");
    if (constraints.not_null(throughput[kind], here))
      constraints.at_least(throughput[kind], here, 1);
  }
}

Status check_throughput_bounds(Json throughput) {
  for (std::string_view kind : {"ReadCapacityUnits", "WriteCapacityUnits"})
    if (throughput[kind].integer() > kUnitsMax)
      return validation("Given value " + std::to_string(throughput[kind].integer()) + " for " +
                        std::string(kind) + " is out of bounds");
  return {};
}

void constrain_index_update(Json update, const std::string& path, Constraints& constraints) {
  if (Json create = update["Create"])
    constrain_index(create, path + ".create.", kGlobalKeysMax, constraints);
  for (const char* action : {"Update", "Delete"}) {
    Json change = update[action];
    if (!change) continue;
    std::string here = path + (action[0] == 'U' ? ".update." : ".delete.");
    if (constraints.not_null(change["IndexName"], here + "indexName"))
      constraints.index_name(change["IndexName"], here + "indexName");
    constrain_throughput(change["ProvisionedThroughput"], here + "provisionedThroughput",
                         constraints);
  }
}

Status check_added_index(Json index, const std::vector<std::string>& defined, bool on_demand,
                         size_t included) {
  return TableChecks(defined, included).added_index(index, on_demand);
}

Status check_create_table(Json root) {
  TRY(check_constraints(root));
  TRY(TableChecks(root).all());
  return check_tags(root["Tags"]);
}

}  // namespace offramp::engine
