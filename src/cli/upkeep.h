// Upkeep: what `serve` does beside requests: deleting expired items, making and removing indexes. A
// thread for each, because making an index may take long. Both end, soon, with the object.
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
  std::jthread expires_, builds_thread_;
};

}  // namespace offramp::cli
