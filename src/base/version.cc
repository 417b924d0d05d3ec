// The version that --version and the journal show.
#include "base/version.h"

namespace offramp::base {
std::string_view version() { return "0.1.0"; }
}  // namespace offramp::base
