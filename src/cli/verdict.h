// The verdict of a verification, as text.
#pragma once

#include "migrate/verify/verify.h"

namespace offramp::cli {

void print_verdict(const migrate::verify::Report& report, const std::string& folder);

}  // namespace offramp::cli
