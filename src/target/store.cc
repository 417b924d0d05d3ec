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
Status Store::adopt(const ServedTable& table, std::string_view) {
  return Error(ErrorKind::kUnsupported, "store.no_plan_entries",
               "this database keeps no settings of " + table.name);
}
Status Store::begin_log(const ServedTable&, const ChangeLogEntry&, std::string_view,
                        std::string_view) {
  return no_log();
}
Status Store::end_log(const ServedTable&, const ChangeLogName&, std::string_view,
                      std::string_view) {
  return no_log();
}
Result<uint64_t> Store::logs_version() { return uint64_t{0}; }
Result<std::vector<ChangeLogEntry>> Store::logs() { return std::vector<ChangeLogEntry>(); }
Status Store::update_log(const ChangeLogName&, std::string_view, std::string_view) {
  return no_log();
}
Result<ChangeLogRange> Store::log_range(const ChangeLogName&) { return no_log(); }
Result<uint64_t> Store::log_mark(const ChangeLogName&) { return no_log(); }
Result<uint64_t> Store::trim_log(const ChangeLogName&, int64_t) { return no_log(); }
Status Store::drop_log(const ChangeLogName&) { return no_log(); }

namespace {
Error no_index_builds() {
  return Error(ErrorKind::kUnsupported, "store.no_index_builds",
               "indexes of a table that exists cannot be changed in this database");
}
}  // namespace
Result<bool> Store::build_index(const ServedTable&, size_t, std::stop_token) {
  return no_index_builds();
}
Result<bool> Store::remove_index(const ServedTable&, size_t) { return no_index_builds(); }

}  // namespace offramp::target
