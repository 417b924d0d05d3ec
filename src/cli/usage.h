// Wrong use, as an error that names the argument and the next step.
#pragma once

#include <CLI/CLI.hpp>

#include "base/error.h"

namespace offramp::cli {

// What the parser refused, with the command's name and, for a mistyped command or option, the
// nearest one there is.
Error usage_error(const CLI::App& app, int argc, const char* const* argv,
                  const CLI::ParseError& refused);

}  // namespace offramp::cli
