// What a store need not have.
#include "target/store.h"

namespace offramp::target {

namespace {

Error no_log() {
  return Error(ErrorKind::kUnsupported, "store.no_changes", "this database keeps no change log");
}

}  // namespace

Status StoreSession::set_origin(std::string_view) { return no_log(); }
Status StoreSession::changes(const ServedTable&, const ChangeLogName&, uint64_t, uint64_t, size_t,
                             size_t, ChangePage&) {
  return no_log();
}
Status Store::switch_log(const ServedTable&, std::string_view, bool, std::string_view,
                         std::string_view) {
  return no_log();
}
Result<ChangeLogRange> Store::log_range(const ChangeLogName&) { return no_log(); }
Result<uint64_t> Store::log_mark(const ChangeLogName&) { return no_log(); }
Result<uint64_t> Store::trim_log(const ChangeLogName&, int64_t, bool) { return no_log(); }

}  // namespace offramp::target
