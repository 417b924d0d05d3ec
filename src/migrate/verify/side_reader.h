// Reads both sides in parallel: partitions of the source and of the target are tasks of one pool of
// threads.
#pragma once

#include <functional>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "ddb/item_batch.h"
#include "source/item_source.h"
#include "target/target.h"

namespace offramp::migrate::verify {

enum class Side { kSource, kTarget };

struct ReadOptions {
  int threads = 2;
  bool source = true, target = true;
  std::stop_token stop;
};

// Calls `each` for every batch of the chosen sides; `worker` is 0 … threads-1 and one worker is
// never called twice at once. The first error stops all.
using EachBatch = std::function<Status(int worker, Side side, ddb::ItemBatch& batch)>;
Status read_sides(source::ItemSource& source, const std::vector<source::Partition>& partitions,
                  target::Target& target, const ReadOptions& options, const EachBatch& each);

}  // namespace offramp::migrate::verify
