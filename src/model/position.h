// Where a load stands inside one partition.
#pragma once

#include <cstdint>
#include <string>

namespace offramp::model {

// A position says "all records before `records` have been dealt with; go on at `token`".
struct Position {
  uint64_t records = 0;  // records of the partition before this position, good and bad
  std::string
      token;  // the source's own resume token (empty = from the start); never item content but keys
  bool done = false;  // the partition has been read to its end
};

}  // namespace offramp::model
