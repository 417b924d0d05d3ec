// Where the binary rows of one query come from: a COPY that is running, or rows read before.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "target/postgres/connection.h"

namespace offramp::target::postgres {

// One row as COPY BINARY sends it; owns its bytes.
struct RowMessage {
  Connection::CopyRow bytes;
  size_t size = 0;
  size_t offset = 0;  // the first row comes behind the stream's header
  std::string_view view() const { return {bytes.get() + offset, size - offset}; }
};

class RowMessages {
 public:
  virtual ~RowMessages() = default;
  // False at the end.
  virtual Result<bool> next(RowMessage& message) = 0;
};

// Runs COPY (select) TO STDOUT on a connection of its own.
Result<std::unique_ptr<RowMessages>> stream_rows(Connection connection, const std::string& select,
                                                 const std::string& doing);
// Reads all rows of `select` at once, for few rows.
Result<std::unique_ptr<RowMessages>> fetch_rows(Connection& connection, const std::string& select,
                                                const std::string& doing);

}  // namespace offramp::target::postgres
