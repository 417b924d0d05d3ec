// What DescribeTable and DescribeTimeToLive say about a table.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "ddb/client/client.h"
#include "model/table_spec.h"

namespace offramp::source::scan {

struct TableDescription {
  model::TableSpec spec;  // item_count is DynamoDB's own, up to six hours old
  std::string arn;
  std::string id;  // of this incarnation: another table of the same name has another
  std::vector<std::string> remarks;  // e.g. that the TTL attribute could not be asked for
};

// kConfig when the table does not exist or cannot be read in its state.
Result<TableDescription> describe_table(ddb::client::Client& client, const std::string& table);

// The pure part: from the text of DescribeTable's answer.
Result<TableDescription> parse_table_description(const std::string& answer,
                                                 const std::string& table);

}  // namespace offramp::source::scan
