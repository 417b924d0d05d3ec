// What every command prints alike.
#include <cstdio>

#include "cli/command.h"
#include "ddb/wire_json.h"

namespace offramp::cli {

void print_error(const Error& error) {
  std::fprintf(stderr, "offramp: error: %s [%s]\n", error.message().c_str(), error.code().c_str());
}

}  // namespace offramp::cli
