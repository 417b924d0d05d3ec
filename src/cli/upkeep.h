// Upkeep: what `serve` does beside requests: streams begin shards and forget what is old, expired
// items are deleted, indexes are made and removed. A thread for each, because any may take long.
// All end, soon, with the object.
#pragma once

#include <chrono>
#include <memory>
#include <thread>

#include "engine/engine.h"

namespace offramp::cli {

class Upkeep {
 public:
  // `engine` outlives it. `between_expiries`: from the end of a pass to the next one.
  Upkeep(engine::Engine& engine, std::chrono::seconds between_expiries);
  ~Upkeep();

 private:
  const std::unique_ptr<engine::Expiry> expiry_;
  const std::unique_ptr<engine::IndexBuilds> builds_;
  std::jthread streams_, expiries_, indexes_;
};

}  // namespace offramp::cli
