// What DescribeTable says about a table's stream, and DescribeStream about its shards. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/table_spec.h"
#include "source/change_source.h"

namespace offramp::source::streams {

struct TableStream {
  std::string table_arn;
  std::string table_status;
  std::string stream_arn;  // of the newest stream; empty: the table never had one
  bool enabled = false;
  std::string view_type;  // of an enabled stream
  model::KeySchema key;
};

// kCorrupt when `answer` is no description of a table.
Result<TableStream> parse_table_stream(const std::string& answer, const std::string& table);

struct StreamPage {
  std::string status;  // ENABLING, ENABLED, DISABLING or DISABLED
  std::string view_type;
  std::vector<Shard> shards;
  std::string last_shard;  // to go on with; empty: this is the last page
};

// kCorrupt when `answer` is no description of a stream, or a shard of it has no usable name or
// sequence.
Result<StreamPage> parse_stream_page(const std::string& answer, const std::string& stream);

}  // namespace offramp::source::streams
