#include "target/postgres/migration_lock.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <chrono>
#include <thread>

namespace offramp::target::postgres {
namespace {

constexpr std::chrono::milliseconds kPoll{20};
constexpr std::chrono::seconds kPatience{60};

uint64_t lock_key(const std::string& migration) {
  std::string text = "offramp " + migration;
  return XXH3_64bits(text.data(), text.size());
}

uint64_t lane_key(const std::string& migration, const std::string& lane) {
  std::string text = "offramp lane " + migration + '\0' + lane;
  return XXH3_64bits(text.data(), text.size());
}

// How pg_locks shows an advisory lock with one 64-bit key (documentation, "pg_locks").
std::string holders_sql(uint64_t key) {
  return fmt::format(
      "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = "
      "{}::oid AND "
      "objid = {}::oid AND objsubid = 1 AND granted AND pid <> pg_backend_pid() AND database = "
      "(SELECT oid FROM pg_database WHERE datname = current_database())",
      key >> 32, key & 0xffffffff);
}

// Takes the lock alone; sessions that hold it are ended, again and again until they are gone.
Status take_from_others(Connection& connection, uint64_t key, std::string_view what) {
  std::string take = fmt::format("SELECT pg_try_advisory_lock({})", static_cast<int64_t>(key));
  auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    QueryResult taken = TRY(connection.query(take, {}, "wait for earlier sessions"));
    if (taken.text(0, 0) == "t") return {};
    TRY(connection.query(holders_sql(key), {}, "end earlier sessions"));
    if (std::chrono::steady_clock::now() > deadline)
      return Error(ErrorKind::kUnavailable, "postgres.earlier_session",
                   fmt::format("{}: a session of an earlier run of {} does not end; is another "
                               "offramp at work on it "
                               "from another machine? End it (pg_stat_activity, application_name "
                               "offramp) and run the "
                               "same command again",
                               connection.where(), what));
    std::this_thread::sleep_for(kPoll);
  }
}

}  // namespace

Status hold_migration_lock(Connection& connection, const std::string& migration) {
  auto key = static_cast<int64_t>(lock_key(migration));
  TRY(connection.query(fmt::format("SELECT pg_advisory_lock_shared({})", key), {},
                       "take the migration's lock"));
  return {};
}

Status end_earlier_sessions(Connection& connection, const std::string& migration) {
  uint64_t key = lock_key(migration);
  TRY(take_from_others(connection, key, "this migration"));
  TRY(connection.query(fmt::format("SELECT pg_advisory_unlock({})", static_cast<int64_t>(key)), {},
                       "release the migration's lock"));
  return {};
}

Status take_lane(Connection& connection, const std::string& migration, const std::string& lane) {
  return take_from_others(connection, lane_key(migration, lane), "lane " + lane);
}

}  // namespace offramp::target::postgres
