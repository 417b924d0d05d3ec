// What every command prints alike.
#include <cstdio>

#include "cli/command.h"
#include "ddb/wire_json.h"

namespace offramp::cli {

void print_error(const Error& error) {
  std::fprintf(stderr, "offramp: error: %s [%s]\n", error.message().c_str(), error.code().c_str());
}

std::string json_quoted(std::string_view text) {
  std::string out;
  ddb::append_json_string(text, out);
  return out;
}

}  // namespace offramp::cli
