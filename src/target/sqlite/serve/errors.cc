#include "target/sqlite/serve/errors.h"

namespace offramp::target::sqlite::serve {
namespace {

// SQLite has no code of its own for what a statement names and the file does not have.
bool names_what_is_gone(const std::string& message) {
  for (const char* what : {"no such table", "no such index", "no such column"})
    if (message.find(what) != message.npos) return true;
  return false;
}

}  // namespace

Error store_error(Error error) {
  const std::string& code = error.code();
  if (names_what_is_gone(error.message()))
    return Error(ErrorKind::kConfig, "store.no_table", error.message());
  if (code == "sqlite.busy") return Error(ErrorKind::kConflict, "store.conflict", error.message());
  if (code == "sqlite.constraint" || code == "sqlite.too_big" || code == "applier.refused")
    return Error(ErrorKind::kBadItem, "store.refused", error.message());
  return error;
}

}  // namespace offramp::target::sqlite::serve
