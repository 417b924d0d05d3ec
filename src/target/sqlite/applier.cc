// The lane's position first, then the rows, then the write-ahead log's size.
//
// The log: now and then a commit copies its pages into the file, as far as readers allow; when all
// are copied and nobody reads them, the log begins anew. While there are readers it grows, so
// beyond Options::log_pages_max a commit waits shortly for them to let go; our readers do, at the
// end of each batch (reader.h). A foreign one that does not costs kLogWaitMs per checkpoint_pages.
#include "target/sqlite/applier.h"

#include "target/sqlite/apply.h"

namespace offramp::target::sqlite {

namespace {

constexpr int kLogWaitMs = 250;

class SqliteApplier : public Applier {
 public:
  SqliteApplier(const Options& options, io::SqliteDb db,
                std::shared_ptr<const mapping::CompiledMapping> mapping, std::string migration,
                std::string lane, std::shared_ptr<std::mutex> turn)
      : db_(std::move(db)),
        migration_(std::move(migration)),
        lane_(std::move(lane)),
        turn_(std::move(turn)),
        writer_(db_, std::move(mapping)),
        busy_timeout_ms_(options.busy_timeout_ms),
        checkpoint_pages_(options.checkpoint_pages),
        log_pages_max_(options.log_pages_max) {}

  Status start() {
    first_ = TRY(db_.prepare(
        "INSERT INTO _offramp_checkpoint VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET "
        "records = excluded.records, token = excluded.token, done = excluded.done "
        "WHERE token = x''"));
    next_ =
        TRY(db_.prepare("UPDATE _offramp_checkpoint SET records = ?3, token = ?4, done = ?5 "
                        "WHERE migration = ?1 AND partition = ?2 AND token = ?6"));
    sqlite3_wal_hook(db_.get(), &SqliteApplier::on_commit, this);
    return {};
  }

  Status apply(const mapping::RowBatch& keys, const mapping::RowBatch& rows,
               std::string_view expected_token, const model::Position& after) override {
    std::lock_guard lock(*turn_);
    Status status = in_transaction(db_, [&]() -> Status {
      TRY(move_position(expected_token, after));
      return writer_.write(keys, rows);
    });
    if (status.ok()) shorten_log();
    return status;
  }

 private:
  Status move_position(std::string_view expected, const model::Position& after) {
    io::SqliteStatement& statement = expected.empty() ? first_ : next_;
    statement.bind(1, std::string_view(migration_));
    statement.bind(2, std::string_view(lane_));
    statement.bind(3, static_cast<int64_t>(after.records));
    statement.bind_blob(4, after.token);
    statement.bind(5, int64_t{after.done});
    if (!expected.empty()) statement.bind_blob(6, expected);
    TRY(statement.run());
    if (sqlite3_changes(db_.get()) == 1) return {};
    return Error(ErrorKind::kConflict, "applier.superseded",
                 "the position of lane " + lane_ + " in " + db_.path() +
                     " has been moved by another writer; stop the other offramp, then run the "
                     "same command again");
  }

  static int on_commit(void* self, sqlite3*, const char*, int pages) {
    static_cast<SqliteApplier*>(self)->log_pages_ = pages;
    return SQLITE_OK;
  }

  // Only tidiness: what cannot be done now is done by a later commit.
  void shorten_log() {
    if (log_pages_ < checked_at_) checked_at_ = 0;  // the log has begun anew
    if (log_pages_ - checked_at_ < checkpoint_pages_) return;
    checked_at_ = log_pages_;
    bool waits = log_pages_ >= log_pages_max_;
    if (waits) set_busy_timeout(db_, kLogWaitMs);
    sqlite3_wal_checkpoint_v2(db_.get(), "main",
                              waits ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE,
                              nullptr, nullptr);
    if (waits) set_busy_timeout(db_, busy_timeout_ms_);
  }

  io::SqliteDb db_;
  const std::string migration_, lane_;
  const std::shared_ptr<std::mutex> turn_;
  ChangeWriter writer_;
  io::SqliteStatement first_, next_;
  const int busy_timeout_ms_, checkpoint_pages_, log_pages_max_;
  int log_pages_ = 0;   // in the log after the newest commit
  int checked_at_ = 0;  // log_pages_ at the newest checkpoint; 0: not yet in this log
};

}  // namespace

Result<std::unique_ptr<Applier>> make_applier(
    const Options& options, std::shared_ptr<const mapping::CompiledMapping> mapping,
    const std::string& migration, const std::string& lane, std::shared_ptr<std::mutex> turn) {
  auto applier =
      std::make_unique<SqliteApplier>(options, TRY(open_connection(options, Access::kWrite)),
                                      std::move(mapping), migration, lane, std::move(turn));
  TRY(applier->start());
  return std::unique_ptr<Applier>(std::move(applier));
}

}  // namespace offramp::target::sqlite
