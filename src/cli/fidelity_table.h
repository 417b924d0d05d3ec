// How many values took the `extra` way instead of their column, as text.
#pragma once

#include <vector>

#include "mapping/compiled_mapping.h"

namespace offramp::cli {

// One line per attribute that has a column and did not always fit it; nothing when all fitted.
void print_extra_share(const std::vector<mapping::AttributeFate>& fates);

}  // namespace offramp::cli
