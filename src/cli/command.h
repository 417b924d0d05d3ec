// A command registers itself with the argument parser and leaves behind what to do.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "base/result.h"
#include "ddb/wire_json.h"
#include "migrate/progress.h"

namespace offramp::cli {

// Set by the command that the arguments chose; returns the exit code.
using Action = std::function<Result<int>()>;

constexpr const char* kPlanHelp = "the plan file, or PLAN::TABLE for one of its moves";

void add_plan(CLI::App& app, Action& action);
void add_run(CLI::App& app, Action& action);
void add_status(CLI::App& app, Action& action);
void add_verify(CLI::App& app, Action& action);
void add_letters(CLI::App& app, Action& action);
void add_dump(CLI::App& app, Action& action);
void add_serve(CLI::App& app, Action& action);

// "error: …" and the code, on stderr; JSON on stdout too when a command was asked for JSON.
void print_error(const Error& error);

// "123" → "123", "1234" → "1,234".
using migrate::with_commas;

using ddb::json_quoted;

}  // namespace offramp::cli
