// offramp: moves a DynamoDB table to another database, verified.
#include <curl/curl.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>

#include "base/version.h"
#include "cli/command.h"
#include "cli/usage.h"
#include "migrate/workers.h"

int main(int argc, char** argv) {
  using namespace offramp;
  std::signal(SIGPIPE, SIG_IGN);
  curl_global_init(CURL_GLOBAL_DEFAULT);

  CLI::App app(
      "offramp moves a DynamoDB table to another database and proves that both sides are equal.",
      "offramp");
  app.set_version_flag("--version", std::string(base::version()));
  app.footer(
      "Example:\n"
      "  offramp plan export:AWSDynamoDB/01715685260608-c488b4e1 sqlite:app.sqlite -o plan.yaml\n"
      "  offramp run plan.yaml\n"
      "Exit codes: 0 done, 1 differences or refused items, 2 wrong use or plan (nothing was "
      "touched),\n"
      "3 a side failed or a gap (run the same command again), 4 a defect of offramp.");
  app.require_subcommand(1);
  cli::Action action;
  cli::add_plan(app, action);
  cli::add_run(app, action);
  cli::add_status(app, action);
  cli::add_verify(app, action);
  cli::add_letters(app, action);
  cli::add_dump(app, action);
  cli::add_serve(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    cli::print_error(cli::usage_error(app, argc, argv, error));
    return 2;
  }
  Result<int> result = Error(ErrorKind::kInternal, "defect", "no result");
  try {
    result = action();
  } catch (...) {
    result = migrate::error_of(std::current_exception());
  }
  // A result that nobody could read is no success.
  if (result.ok() && (std::fflush(stdout) != 0 || std::ferror(stdout)))
    result = Error(ErrorKind::kUnavailable, "output.write",
                   std::string("cannot write to standard output: ") + std::strerror(errno));
  if (result.ok()) return *result;
  cli::print_error(result.error());
  return base::exit_code(result.error().kind());
}
