// SpoolView: what a spool holds, for another process than the one that writes it. Taken once, when
// it is opened; writes nothing. Constant.
#pragma once

#include <memory>

#include "migrate/spool/recover.h"
#include "migrate/spool/spool.h"

namespace offramp::migrate::spool {

// A file that vanishes or a record that is half written while it looks: it looks again.
Result<std::unique_ptr<Spool>> open_view(const std::string& folder);

}  // namespace offramp::migrate::spool
