// A row's key for people: ('ORDER#1', 42). Long or binary keys are shown in hex and cut.
#pragma once

#include <string>

#include "mapping/rows.h"

namespace offramp::target::postgres {

std::string key_text(const mapping::Cell* cells, uint32_t columns);

// True when both rows begin with the same key.
bool same_key(const mapping::Cell* a, const mapping::Cell* b, uint32_t columns);

}  // namespace offramp::target::postgres
