#include "target/sqlite/serve/sqlite_store.h"

#include <chrono>
#include <thread>

#include "ddb/item_size.h"
#include "target/served_mapping.h"
#include "target/sqlite/schema.h"
#include "target/sqlite/serve/catalog.h"
#include "target/sqlite/serve/change_log.h"
#include "target/sqlite/serve/errors.h"
#include "target/sqlite/serve/late_index.h"
#include "target/sqlite/serve/session.h"
#include "target/sqlite/sqlite_target.h"

namespace offramp::target::sqlite::serve {

namespace {

// Rows that are counted one by one (milliseconds); above, the newest row's number stands for it.
constexpr int64_t kRowsCountedMax = 200'000;
constexpr int kRowsSampled = 50;
// Rows that get their entries in an added index in one transaction, a few milliseconds; then the
// writers have the file for as long, but no longer than this.
constexpr int kRowsPerFill = 200;
constexpr std::chrono::milliseconds kFillRestMax{20};

mapping::Limits store_limits() {
  mapping::Limits out = SqliteTarget::static_capabilities().limits;
  // SQLite compares and keeps such text whole; only its text functions stop at the NUL. So every
  // key and every indexed value has its place in its column.
  out.text_allows_nul = true;
  return out;
}

template <class Body>
class FunctionJob : public WriteJob {
 public:
  explicit FunctionJob(Body body) : body_(std::move(body)) {}
  Status run(Connection& connection) override {
    return as_store(in_savepoint(connection, [&] { return body_(connection.db); }));
  }

 private:
  Body body_;
};

template <class Body>
Status run_job(Core& core, Body body) {
  FunctionJob<Body> job(std::move(body));
  return core.writes.run(job);
}

}  // namespace

SqliteStore::SqliteStore(std::shared_ptr<Core> core)
    : core_(std::move(core)), limits_(store_limits()) {}

Result<std::unique_ptr<Store>> SqliteStore::open(const std::string& path) {
  auto connection = TRY(open_store_connection(path, Use::kWrite));
  TRY(make_catalog(connection->db));
  return std::unique_ptr<Store>(
      new SqliteStore(std::make_shared<Core>(path, std::move(connection))));
}

std::string SqliteStore::description() const {
  return std::string("SQLite ") + sqlite3_libversion() +
         (core_->in_memory ? " in memory" : " " + core_->path);
}

Result<std::unique_ptr<StoreSession>> SqliteStore::session() { return Session::open(core_); }

Result<SqliteStore::Slot*> SqliteStore::take_slot(std::unique_lock<std::mutex>& lock) {
  if (core_->in_memory) {
    lock = std::unique_lock(core_->shared);
    return slots_.data();
  }
  Slot* slot = nullptr;
  for (Slot& candidate : slots_) {
    lock = std::unique_lock(candidate.mutex, std::try_to_lock);
    if (lock) {
      slot = &candidate;
      break;
    }
  }
  if (!slot) {
    slot = &slots_[next_slot_++ % slots_.size()];
    lock = std::unique_lock(slot->mutex);
  }
  if (!slot->own) slot->own = TRY(open_store_connection(core_->path, Use::kRead));
  return slot;
}

Result<uint64_t> SqliteStore::read_version(io::SqliteStatement Slot::*which, const char* sql) {
  std::unique_lock<std::mutex> lock;
  Slot* slot = TRY(take_slot(lock));
  io::SqliteStatement& statement = slot->*which;
  if (!statement.get()) statement = TRY((slot->own ? *slot->own : *core_->writer).db.prepare(sql));
  StatementReset reset(statement.get());
  if (!TRY(statement.step()))
    return Error(ErrorKind::kCorrupt, "sqlite.catalog", "a table of versions is empty");
  return static_cast<uint64_t>(statement.int64(0));
}

Result<uint64_t> SqliteStore::catalog_version() {
  return read_version(&Slot::version, kCatalogVersionSql);
}

Result<uint64_t> SqliteStore::logs_version() {
  return read_version(&Slot::logs_version, kLogsVersionSql);
}

Result<std::vector<ChangeLogEntry>> SqliteStore::logs() {
  std::unique_lock<std::mutex> lock;
  Slot* slot = TRY(take_slot(lock));
  return read_logs((slot->own ? *slot->own : *core_->writer).db);
}

Result<ChangeLogRange> SqliteStore::log_range(const ChangeLogName& log) {
  std::unique_lock<std::mutex> lock;
  Slot* slot = TRY(take_slot(lock));
  Connection& connection = slot->own ? *slot->own : *core_->writer;
  ChangeLogRange out;
  TRY(as_store(in_snapshot(connection, [&]() -> Status {
    out = TRY(serve::log_range(connection.db, log));
    return {};
  })));
  return out;
}

Status SqliteStore::begin_log(const ServedTable& table, const ChangeLogEntry& entry,
                              std::string_view expected_json, std::string_view json) {
  return run_job(*core_, [&](io::SqliteDb& db) -> Status {
    TRY(serve::update_entry(db, table.name, expected_json, json));
    return serve::begin_log(db, table, entry);
  });
}

Status SqliteStore::end_log(const ServedTable& table, const ChangeLogName& name,
                            std::string_view expected_json, std::string_view json) {
  return run_job(*core_, [&](io::SqliteDb& db) -> Status {
    TRY(serve::update_entry(db, table.name, expected_json, json));
    return serve::end_log(db, table, name);
  });
}

Status SqliteStore::update_log(const ChangeLogName& name, std::string_view expected_json,
                               std::string_view json) {
  return run_job(
      *core_, [&](io::SqliteDb& db) { return serve::update_log(db, name, expected_json, json); });
}

Result<uint64_t> SqliteStore::log_mark(const ChangeLogName& log) {
  uint64_t out = 0;
  TRY(run_job(*core_, [&](io::SqliteDb& db) -> Status {
    out = TRY(serve::log_mark(db, log));
    return {};
  }));
  return out;
}

Result<uint64_t> SqliteStore::trim_log(const ChangeLogName& log, int64_t before_ms) {
  uint64_t out = 0;
  TRY(run_job(*core_, [&](io::SqliteDb& db) -> Status {
    out = TRY(serve::trim_log(db, log, before_ms));
    return {};
  }));
  return out;
}

Status SqliteStore::drop_log(const ChangeLogName& log) {
  return run_job(*core_, [&](io::SqliteDb& db) { return serve::drop_log(db, log); });
}

Result<std::vector<CatalogEntry>> SqliteStore::catalog() {
  std::unique_lock<std::mutex> lock;
  Slot* slot = TRY(take_slot(lock));
  return read_catalog((slot->own ? *slot->own : *core_->writer).db);
}

Status SqliteStore::create_table(const ServedTable& table, std::string_view json) {
  return run_job(*core_, [&](io::SqliteDb& db) { return serve::create_table(db, table, json); });
}

Status SqliteStore::adopt(const ServedTable& table, std::string_view json) {
  return run_job(*core_, [&](io::SqliteDb& db) { return serve::adopt(db, table, json); });
}

Status SqliteStore::update_entry(std::string_view name, std::string_view expected_json,
                                 std::string_view json) {
  return run_job(
      *core_, [&](io::SqliteDb& db) { return serve::update_entry(db, name, expected_json, json); });
}

Status SqliteStore::drop_table(const ServedTable& table) {
  return run_job(*core_, [&](io::SqliteDb& db) { return serve::drop_table(db, table); });
}

Status SqliteStore::attach(const ServedTable& table) {
  return run_job(*core_, [&](io::SqliteDb& db) { return serve::attach(db, table); });
}

Result<bool> SqliteStore::build_index(const ServedTable& table, size_t index,
                                      std::stop_token stop) {
  LateIndex late(table, table.indexes[index]);
  if (!late.usable()) return true;
  TRY(run_job(*core_, [&](io::SqliteDb& db) -> Status {
    for (const std::string& sql : late.create_sql()) TRY(db.execute(sql));
    return {};
  }));
  const mapping::Table& rows = table.mapping->tables()[0];
  const std::string rowid(rowid_name(rows)), name = quote_name(rows.name);
  int64_t done = INT64_MIN, until = 0;
  for (bool more = true; more;) {
    if (stop.stop_requested())
      return Error(ErrorKind::kCancelled, "store.stopped", "making an index was stopped");
    auto begun = std::chrono::steady_clock::now();
    TRY(run_job(*core_, [&](io::SqliteDb& db) -> Status {
      until = TRY(db.query_int64("SELECT ifnull(max(r), " + std::to_string(done) +
                                 ") FROM (SELECT " + rowid + " AS r FROM " + name + " WHERE " +
                                 rowid + " > " + std::to_string(done) + " ORDER BY " + rowid +
                                 " LIMIT " + std::to_string(kRowsPerFill) + ")"));
      more = until != done;
      if (!more) return {};
      io::SqliteStatement fill = TRY(db.prepare(late.fill_sql()));
      fill.bind(1, done);
      fill.bind(2, until);
      return fill.run();
    }));
    done = until;
    if (more)
      std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(
          std::chrono::steady_clock::now() - begun, kFillRestMax));
  }
  return true;
}

Result<bool> SqliteStore::remove_index(const ServedTable& table, size_t number) {
  const ServedIndex& index = table.indexes[number];
  TRY(run_job(*core_, [&](io::SqliteDb& db) -> Status {
    if (index.into.empty())
      return db.execute(
          "DROP INDEX IF EXISTS " +
          quote_name(table.mapping->tables()[0].indexes[layout_number(table, index)].name));
    for (const std::string& sql : LateIndex(table, index).drop_sql()) TRY(db.execute(sql));
    return {};
  }));
  return true;
}

Result<TableSize> SqliteStore::table_size(const ServedTable& table) {
  std::unique_lock<std::mutex> lock;
  Slot* slot = TRY(take_slot(lock));
  Connection& connection = slot->own ? *slot->own : *core_->writer;
  TableSize out;
  auto count = [&](const mapping::Table& t) -> Status {
    std::string name = quote_name(t.name);
    int64_t newest = TRY(connection.db.query_int64(
        "SELECT ifnull(max(" + std::string(rowid_name(t)) + "), 0) FROM " + name));
    out.items += static_cast<uint64_t>(
        newest <= kRowsCountedMax ? TRY(connection.db.query_int64("SELECT count(*) FROM " + name))
                                  : newest);
    return {};
  };
  for (const mapping::Table& t : table.mapping->tables()) {
    if (t.role == mapping::TableRole::kChild ||
        (t.role == mapping::TableRole::kOverflow && table.made_here))
      continue;
    Status counted = count(t);
    if (!counted.ok()) return store_error(std::move(counted).error());
  }
  PageRequest request;
  request.table = &table;
  request.items_max = kRowsSampled;
  Page page;
  TRY(as_store(
      in_snapshot(connection, [&] { return connection.access(table).read(request, page); })));
  uint64_t bytes = 0;
  for (size_t i = 0; i < page.items.size(); ++i) bytes += ddb::item_size(page.items.item(i));
  if (page.items.size() > 0) out.bytes = bytes * out.items / page.items.size();
  return out;
}

}  // namespace offramp::target::sqlite::serve
