// A clock's wall time as a number, as it is stored and told.
#pragma once

#include <cstdint>

#include "io/clock.h"

namespace offramp::io {

// Milliseconds since 1970.
inline int64_t wall_ms(Clock& clock) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock.wall().time_since_epoch())
      .count();
}

}  // namespace offramp::io
