// Kill points: named places where a crash test lets the process die, as by kill -9.
//
// OFFRAMP_KILL_AT=NAME[:N] kills the process the N-th time (1 unless said) that it comes to
// kill_point(NAME). Without the variable a kill point costs one branch. Thread-safe.
#pragma once

#include <string_view>

namespace offramp::base {

void kill_point(std::string_view name);

}  // namespace offramp::base
