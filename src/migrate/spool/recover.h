// What a spool's folder holds, found out when it is opened.
//
// C6: a broken record at the end of the newest segment that no later record has seen on disk was
// never acknowledged and is cut off; everything else that is broken, or missing between two
// segments, is kCorrupt. Records of older segments are checked when they are read.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "migrate/spool/files.h"
#include "migrate/spool/spool.h"

namespace offramp::migrate::spool {

struct Segment {
  uint64_t first = 0;  // the first batch that it may hold
  std::string path;
  uint64_t bytes = 0;           // what is durable of it
  uint64_t changes_before = 0;  // of all batches before it
};

using Shards = std::map<std::string, model::ShardState>;

struct Recovered {
  Origin origin;
  std::string folder;             // of the generation
  std::vector<Segment> segments;  // rising; the last one is written to
  std::vector<BaseNote> bases;    // rising, and never of the same batches as a segment
  Shards shards;
  uint64_t newest = 0;
  uint64_t changes = 0;  // of all batches up to the newest
};

enum class Recovery { kRepair, kLook };
// kRepair removes leftovers and cuts off what was never acknowledged; kLook writes nothing.
// Nothing when no generation was begun.
Result<std::optional<Recovered>> recover(const std::string& folder, Recovery how);

// "FOLDER/gen-GENERATION".
std::string generation_folder(const std::string& folder, uint64_t generation);

}  // namespace offramp::migrate::spool
