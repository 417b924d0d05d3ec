// What a write gives back.
#pragma once

#include <cstdint>

namespace offramp::ddb::partiql {

enum class Returning : uint8_t { kNothing, kAllOld, kAllNew, kModifiedOld, kModifiedNew };

}  // namespace offramp::ddb::partiql
