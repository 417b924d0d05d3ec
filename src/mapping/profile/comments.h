// What a proposed plan says beside its facts: comment lines for the head, each table and each
// column.
//
// Plain data, made by propose(), written by the plan writer. Lines hold no '\n' and no item content
// (C12).
#pragma once

#include <map>
#include <string>
#include <vector>

namespace offramp::mapping::profile {

struct TableComments {
  std::vector<std::string> heading;
  std::map<std::string, std::string>
      columns;  // column or child table name → note at the end of its line
};

struct Comments {
  std::vector<std::string> header;
  std::vector<TableComments> tables;  // same order as the MappingSpec; may be shorter
};

}  // namespace offramp::mapping::profile
