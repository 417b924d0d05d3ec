// The SELECTs of pages: from the shape of a request, which is what its SQL depends on, to the
// statement.
#pragma once

#include <cstdint>

#include "target/postgres/serve/access_path.h"
#include "target/postgres/serve/channel.h"
#include "target/postgres/serve/table_sql.h"

namespace offramp::target::postgres {

enum class ReadKind : uint8_t {
  kOrdered,     // rows in the order of the page
  kCandidates,  // rows of the partition (or all) in the order of their key, to be looked at
  kHidden,      // AccessPath::Parent::hidden rows, in the order of their key, to be looked at
};
enum class Compare : uint8_t { kNone, kStrict, kInclusive };

// Parameters come in the order of the members that ask for them.
struct ReadShape {
  uint8_t path = 0;    // 0: the table; i + 1: its index i
  uint8_t parent = 0;  // into AccessPath::parents
  uint8_t child = 0;  // 0: the parent's rows; i + 1: those of its child table i that belong to them
  ReadKind kind = ReadKind::kOrdered;
  bool query = false;  // values of the partition: key columns of the table itself, else attributes
  uint8_t equals = 0;  // sort attributes that must be equal
  Compare lower = Compare::kNone,
          upper = Compare::kNone;  // one value each, of the attribute behind
  uint8_t after = 0;  // values of the place to go on from, of the first attributes of the order
  Compare after_compare = Compare::kStrict;
  bool forward = true;
  bool segmented = false;  // segments, segment
  bool continued = false;  // not kOrdered: the key columns of the row to go on after
  bool probe = false;      // one more row, of NULLs, when the overflow table is not empty
  // Last: the number of rows (of the parent) at most.

  uint64_t packed() const;
};

Statement read_statement(const AccessPath& path, const ReadShape& shape, const TableNames& parent,
                         const TableNames* child, const TableNames& overflow);

// Rows of the overflow table behind a key_hash; of `partition_attribute` = value (jsonb, first) if
// it is named.
Statement read_overflow_statement(const TableNames& overflow,
                                  const std::string* partition_attribute);

}  // namespace offramp::target::postgres
