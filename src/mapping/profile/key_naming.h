// Names for tables and key columns, out of what keys look like: CUSTOMER#17 / ORDER#4 are orders
// with customer_id and order_id.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ddb/item_batch.h"
#include "mapping/profile/kinds.h"
#include "mapping/profile/names.h"
#include "model/table_spec.h"

namespace offramp::mapping::profile {

struct NamedKey {
  std::vector<std::string> patterns;                   // per key attribute: "ORDER#{order_id}"
  std::vector<std::string> columns;                    // in order, each once
  std::vector<std::vector<std::string>> by_attribute;  // the columns of each key attribute

  // The text that a key column holds for an item.
  std::string_view part(const std::string& column, ddb::ItemView item) const;
  // The column stands in a key attribute of type S.
  bool is_text(const std::string& column, const model::KeySchema& key) const;

  struct Place {
    std::string attribute, signature;
    size_t part;
  };
  std::map<std::string, Place> places;  // where each column is first read
};

// Wanted names of the kinds' tables, distinct where the keys allow.
std::vector<std::string> table_base_names(const std::vector<Kind>& kinds,
                                          std::string_view source_table);

// Claims names for the kind's key columns.
NamedKey name_key(const Kind& kind, const ddb::ItemBatch& sample,
                  const std::vector<std::string>& attributes, NameScope& columns);

}  // namespace offramp::mapping::profile
