// The memory target's entry in the table of targets: `memory:`.
#pragma once

#include "target/registry.h"

namespace offramp::target::memory {

const Entry& entry();

}  // namespace offramp::target::memory
