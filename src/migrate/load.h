// The load: every undone partition of a source, read, split into rows and written with its
// position, in parallel.
//
// C5: rows and position are one transaction of the target. C7: an item that cannot become rows is a
// dead letter in the journal before the position passes it. C9: a resume continues each partition
// at its durable position. C10: the number of batches in flight is bounded by loaders and the
// target's own queue.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "mapping/compiled_mapping.h"
#include "migrate/journal.h"
#include "migrate/load_token.h"
#include "migrate/progress.h"
#include "source/item_source.h"
#include "target/target.h"

namespace offramp::migrate {

// More open letters than this stop the load: the plan does not fit the data.
constexpr uint64_t kOpenLettersMax = 100'000;

// What the load has done since the process began, for those who watch it.
struct LoadMeter {
  std::atomic<uint64_t> records{0}, bytes{0}, stored{0}, overflow{0}, skipped{0}, refused{0};
  std::atomic<bool> finishing{false};  // all is written; keys and indexes are being made
};

struct LoadOptions {
  int loaders = 2;
  LoadMeter* meter = nullptr;  // counted into when given
  std::stop_token stop;
};

struct LoadOutcome {
  LoadCounts counts;                          // over all partitions and all runs
  uint64_t records = 0;                       // read, over all runs
  std::vector<mapping::AttributeFate> fates;  // of this run's items
};

Result<LoadOutcome> load(source::ItemSource& source,
                         const std::vector<source::Partition>& partitions, target::Target& target,
                         std::shared_ptr<const mapping::CompiledMapping> mapping, Journal& journal,
                         Progress& progress, const LoadOptions& options);

// An item as a dead letter.
Letter make_letter(const std::string& partition, uint64_t ordinal, ddb::ItemView item,
                   const model::KeySchema& key, std::string code, std::string reason);

}  // namespace offramp::migrate
