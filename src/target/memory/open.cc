// `memory:` opens an empty store that lives as long as its target: for trials of a plan, and for
// tests.
#include "target/memory/open.h"

#include "target/memory/memory_target.h"

namespace offramp::target::memory {

namespace {

bool takes(std::string_view url) { return url == "memory:"; }

Result<std::unique_ptr<Target>> open(const std::string&) {
  return std::unique_ptr<Target>(std::make_unique<MemoryTarget>(std::make_shared<MemoryStore>()));
}

}  // namespace

const Entry& entry() {
  static const Entry entry{"memory", "memory:", takes, open, MemoryTarget::static_capabilities};
  return entry;
}

}  // namespace offramp::target::memory
