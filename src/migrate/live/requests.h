// Asking the process that works on a plan to do something that only it may do.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "migrate/journal.h"

namespace offramp::migrate::live {

// Puts a request into the journal and waits for its answer (JSON). Kinds: "verify" {threads,
// sample, repair, read_units_per_second}, "retry" {ids}, "reload" {} (letters were changed).
Result<std::string> ask_running(Journal& journal, const std::string& kind,
                                const std::string& arguments, std::stop_token stop,
                                const std::function<bool()>& still_running);

}  // namespace offramp::migrate::live
