// The sqlite target's entry in the table of targets: `sqlite:FILE`.
#pragma once

#include "target/registry.h"

namespace offramp::target::sqlite {

const Entry& entry();

}  // namespace offramp::target::sqlite
