#include "target/postgres/server_error.h"

#include <fmt/format.h>

#include <cctype>

namespace offramp::target::postgres {
namespace {

struct Meaning {
  std::string_view prefix;  // of the SQLSTATE; the first that fits decides
  ErrorKind kind;
  std::string_view code;
  std::string_view next_step;
};

constexpr Meaning kMeanings[] = {
    {"28", ErrorKind::kConfig, "postgres.login",
     "check the user, PGPASSWORD or the pgpass file, and the server's pg_hba.conf"},
    {"3D000", ErrorKind::kConfig, "postgres.no_database",
     "create the database or correct its name in the target URL"},
    {"42501", ErrorKind::kConfig, "postgres.privilege",
     "grant the privilege to the connecting user, or connect as another one"},
    {"25006", ErrorKind::kConfig, "postgres.read_only",
     "connect to the primary server, not to a standby or a read-only session"},
    {"53100", ErrorKind::kUnavailable, "postgres.disk_full",
     "the server's disk is full: make room and run the same command again"},
    {"53", ErrorKind::kUnavailable, "postgres.resources",
     "the server lacks connections or memory: free some and run the same command again"},
    {"08", ErrorKind::kUnavailable, "postgres.lost", "run the same command again"},
    {"57P", ErrorKind::kUnavailable, "postgres.shutdown",
     "wait until the server is up and run the same command again"},
    {"57014", ErrorKind::kUnavailable, "postgres.cancelled",
     "someone cancelled the statement at the server: run the same command again"},
    {"58", ErrorKind::kUnavailable, "postgres.system",
     "see the server's log, then run the same command again"},
    {"40", ErrorKind::kRetry, "postgres.serialization", "run the same command again"},
    {"55P03", ErrorKind::kRetry, "postgres.locked", "run the same command again"},
    {"42P01", ErrorKind::kGap, "postgres.no_table",
     "the table is not there: it was dropped, or the load has not begun"},
    {"42P07", ErrorKind::kConflict, "postgres.exists", "drop it or rename it"},
    {"23505", ErrorKind::kConflict, "postgres.duplicate", "a key occurs twice"},
    {"22", ErrorKind::kBadItem, "postgres.refused_value",
     "the server refuses a value: map the attribute to another type or to `extra` in the plan"},
    {"23", ErrorKind::kBadItem, "postgres.refused_row",
     "a constraint of the table refuses a row: remove the constraint until the migration is over"},
    {"54", ErrorKind::kBadItem, "postgres.limit",
     "a row exceeds a limit of the server: drop that index from the plan, or map the attribute "
     "otherwise"},
    {"XX001", ErrorKind::kCorrupt, "postgres.corrupt",
     "the server reports damaged data: see its log"},
    {"XX002", ErrorKind::kCorrupt, "postgres.corrupt",
     "the server reports a damaged index: see its log"},
    {"XX", ErrorKind::kUnavailable, "postgres.internal",
     "see the server's log, then run the same command again"},
    {"0A", ErrorKind::kUnsupported, "postgres.unsupported", "use a newer PostgreSQL server"},
};

}  // namespace

Error server_error(std::string_view sqlstate, std::string_view primary, std::string_view doing,
                   std::string_view where) {
  if (sqlstate.starts_with("22")) primary = primary.substr(0, primary.find(": \""));
  for (const Meaning& meaning : kMeanings)
    if (sqlstate.starts_with(meaning.prefix))
      return Error(meaning.kind, std::string(meaning.code),
                   fmt::format("{}: cannot {}: {} (SQLSTATE {}); {}", where, doing, primary,
                               sqlstate, meaning.next_step));
  return Error(
      ErrorKind::kInternal, "postgres.unexpected",
      fmt::format("{}: cannot {}: {} (SQLSTATE {}); please report this as a defect of offramp",
                  where, doing, primary, sqlstate));
}

std::string_view sqlstate_of_message(std::string_view message) {
  for (size_t at = message.find(":  "); at != message.npos; at = message.find(":  ", at + 1)) {
    std::string_view rest = message.substr(at + 3);
    if (rest.size() < 6 || rest[5] != ':') continue;
    bool code = true;
    for (char c : rest.substr(0, 5))
      if (!std::isdigit(static_cast<unsigned char>(c)) && !(c >= 'A' && c <= 'Z')) code = false;
    if (code) return rest.substr(0, 5);
  }
  return {};
}

}  // namespace offramp::target::postgres
