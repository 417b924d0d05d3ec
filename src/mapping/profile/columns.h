// Columns, child tables and their expected losses, out of the value statistics of one kind.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mapping/compiled_mapping.h"
#include "mapping/profile/names.h"
#include "mapping/profile/propose.h"
#include "mapping/profile/value_stats.h"

namespace offramp::mapping::profile {

struct ColumnContext {
  std::string table;
  std::string noun;                         // singular of the table, begins its child tables' names
  std::vector<std::string> key_attributes;  // become key columns, not columns
  std::vector<std::string> key_columns;
  std::map<std::string, std::string> copies;  // attribute → key column that always holds the same
  std::string ttl_attribute;
};

struct ColumnProposal {
  std::vector<model::ColumnSpec> columns;
  std::vector<model::ChildSpec> children;
  std::vector<AttributeFate> fates;
  std::vector<std::string> fate_notes;              // beside fates
  std::map<std::string, std::string> notes;         // column → note
  std::map<std::string, std::string> by_attribute;  // top-level attribute → indexable column
};

// `columns` holds the key columns already; `tables` gives names to child tables.
ColumnProposal propose_columns(const ValueStats& stats, const ColumnContext& context,
                               const ProposeOptions& options, NameScope& columns, NameScope& tables,
                               std::vector<NameFix>& fixes);

}  // namespace offramp::mapping::profile
