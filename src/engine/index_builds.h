// IndexBuilds: what is left to do, in the background, after UpdateTable has begun to create or
// delete an index.
//
//   CREATING ──→ BACKFILLING ──→ ACTIVE          DELETING ──→ gone
//            (at once)    (the store has built it)    (nobody reads by it any more; the store has
//            removed it)
//
// What is true:
// - The state is in the catalog's entry and is changed by compare-and-swap, so whichever process
// comes goes on, also after
//   a kill at any instant. The store lets one process at a time work at an index, and can do every
//   step again.
// - Rows are not touched and the mapping does not change (ADR 0012): it does not matter what other
// processes know.
// - A failed step is tried again after a while; its error is logged.
// One thread at a time.
#pragma once

#include <map>
#include <stop_token>

#include "engine/catalog.h"
#include "engine/engine.h"

namespace offramp::engine {

// An index is removed so long after it was deleted: by then every process knows, and has answered
// who read by it.
constexpr int64_t kIndexRemovedAfterMs = 3'000;

class IndexBuilds {
 public:
  IndexBuilds(const EngineOptions& options, target::Store& store, Catalog& catalog)
      : options_(options), store_(store), catalog_(catalog) {}

  // Does what can be done now, which may take long. Ends early when `stop` is requested.
  void sweep(std::stop_token stop);

 private:
  Status step(const Table& table, size_t index, std::stop_token stop);
  Status create(const Table& table, size_t index, std::stop_token stop);
  Status remove(const Table& table, size_t index);
  Status advance(const Table& table, size_t index, IndexInfo::State from, IndexInfo::State to);

  const EngineOptions& options_;
  target::Store& store_;
  Catalog& catalog_;
  std::map<std::string, io::Clock::Steady> rests_until_;  // by table id and index, after an error
};

}  // namespace offramp::engine
