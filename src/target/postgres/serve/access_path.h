// AccessPath: how a served table, or one of its indexes, is read in order: which attributes order
// it, and what they are in the SQL of every parent table. Constant once made.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "target/postgres/serve/attribute_sql.h"
#include "target/store.h"

namespace offramp::target::postgres {

struct AccessPath {
  // `alias`: see attribute_sql.h.
  AccessPath(const ServedTable& table, const ServedIndex* index, std::string_view alias = "t.");

  // What the rows of one parent table say of an attribute; by the order of `attributes`.
  struct Parent {
    uint32_t table = 0;
    std::vector<std::optional<AttributeSql>> sql;
    uint32_t partition_columns =
        0;  // of the table itself: the leading key columns that a partition gives
    bool query_ordered = false;  // rows come in order_of(query)
    bool scan_ordered = false;
    std::string
        hidden;  // a condition on rows whose place in the index SQL cannot say; may be empty
  };

  bool index;  // not the table itself
  // All attributes that matter: partition, sort, then the table's key, none twice.
  std::vector<model::KeyAttribute> attributes;
  size_t partition_count, sort_count;  // the first ones of `attributes`
  // Into `attributes`: what orders the entries of one partition, and of a scan.
  std::vector<uint32_t> query_order, scan_order;
  std::vector<Parent> parents;

  const std::vector<uint32_t>& order_of(bool query) const {
    return query ? query_order : scan_order;
  }
};

}  // namespace offramp::target::postgres
