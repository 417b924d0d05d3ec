// offramp: moves a DynamoDB table to another database, verified.
#include <CLI/CLI.hpp>
#include <curl/curl.h>

#include <clocale>
#include <csignal>
#include <exception>

#include "base/version.h"
#include "cli/command.h"

int main(int argc, char** argv) {
  using namespace offramp;
  std::signal(SIGPIPE, SIG_IGN);
  curl_global_init(CURL_GLOBAL_DEFAULT);

  CLI::App app("offramp moves a DynamoDB table to another database and proves that both sides are equal.", "offramp");
  app.set_version_flag("--version", std::string(base::version()));
  app.footer("Example:\n"
             "  offramp plan export:AWSDynamoDB/01715685260608-c488b4e1 sqlite:app.sqlite -o plan.yaml\n"
             "  offramp run plan.yaml\n"
             "Exit codes: 0 done, 1 differences or refused items, 2 wrong use or plan (nothing was touched),\n"
             "3 a side failed or a gap (run the same command again), 4 a defect of offramp.");
  app.require_subcommand(1);
  cli::Action action;
  cli::add_plan(app, action);
  cli::add_run(app, action);
  cli::add_status(app, action);
  cli::add_verify(app, action);
  cli::add_letters(app, action);
  cli::add_dump(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    Result<int> result = action();
    if (result.ok()) return *result;
    cli::print_error(result.error());
    return base::exit_code(result.error().kind());
  } catch (const std::exception& error) {
    cli::print_error(Error(ErrorKind::kInternal, "defect", std::string("unexpected: ") + error.what()));
    return 4;
  }
}
