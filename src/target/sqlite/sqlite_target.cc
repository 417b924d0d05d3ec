// The Target's methods, each a step of a file beside this one.
#include "target/sqlite/sqlite_target.h"

#include <filesystem>

#include "target/sqlite/applier.h"
#include "target/sqlite/apply.h"
#include "target/sqlite/finish.h"
#include "target/sqlite/item_rows.h"
#include "target/sqlite/reader.h"
#include "target/sqlite/schema.h"

namespace offramp::target::sqlite {

Capabilities SqliteTarget::static_capabilities() {
  Capabilities out;
  out.limits.identifier_bytes_max = 255;  // SQLite has no limit; longer names serve nobody
  out.limits.columns_max = 1990;          // SQLITE_MAX_COLUMN is 2000
  out.limits.key_bytes_max =
      64 << 10;  // an index entry may be as large as a row; DynamoDB's keys end at 3 KiB
  out.limits.cell_bytes_max = 512u << 20;  // SQLITE_MAX_LENGTH is 1,000,000,000 per value and row
  out.limits.text_allows_nul = false;      // stored whole, but SQLite's own functions stop at it
  out.folds_case = true;
  out.loaders_default = 2;  // they decode; one thread writes
  out.one_writer = true;
  out.temporal_types = false;  // text as the source wrote it serves SQL as well and costs nothing
  out.uuid_type = false;
  return out;
}

Result<std::unique_ptr<Target>> SqliteTarget::open(const Options& options) {
  std::unique_ptr<SqliteTarget> target(new SqliteTarget(options));
  if (std::filesystem::exists(options.path)) {
    TRY(open_connection(options, Access::kWrite));
  } else {
    TRY(check_path(options.path, Access::kCreate));
  }
  return std::unique_ptr<Target>(std::move(target));
}

std::string SqliteTarget::description() const {
  return std::string("SQLite ") + sqlite3_libversion() + " " + options_.path;
}

Status SqliteTarget::prepare(std::shared_ptr<const mapping::CompiledMapping> mapping,
                             const std::string& migration, Start start) {
  std::lock_guard lock(mutex_);
  if (start == Start::kResuming && !std::filesystem::exists(options_.path))
    return Error(ErrorKind::kGap, "sqlite.file_gone",
                 "the SQLite file " + options_.path + " of migration " + migration +
                     " is gone; put it back, or begin a new migration");
  if (!connection_) connection_ = TRY(open_connection(options_, Access::kCreate));
  TRY(prepare_tables(*connection_, *mapping, migration, start));
  mapping_ = std::move(mapping);
  migration_ = migration;
  return {};
}

Status SqliteTarget::attach(std::shared_ptr<const mapping::CompiledMapping> mapping,
                            const std::string& migration) {
  std::lock_guard lock(mutex_);
  if (!connection_) connection_ = TRY(open_connection(options_, Access::kWrite));
  TRY(check_attached(*connection_, *mapping, migration));
  mapping_ = std::move(mapping);
  migration_ = migration;
  return {};
}

Status SqliteTarget::check_bound() const {
  if (mapping_) return {};
  return Error(ErrorKind::kInternal, "sqlite.not_prepared",
               "neither prepare() nor attach() has been called");
}

Result<std::map<std::string, model::Position>> SqliteTarget::positions() {
  std::lock_guard lock(mutex_);
  TRY(check_bound());
  return read_positions(*connection_, migration_);
}

Result<std::unique_ptr<Loader>> SqliteTarget::loader() {
  std::lock_guard lock(mutex_);
  TRY(check_bound());
  if (!writer_) writer_ = TRY(Writer::start(options_, mapping_, migration_));
  return make_loader(writer_, mapping_);
}

Result<Target::FinishOutcome> SqliteTarget::finish_load(
    const std::function<Status(const Duplicate&)>& duplicate,
    const std::function<void(const std::string&)>& step) {
  std::lock_guard lock(mutex_);
  TRY(check_bound());
  if (writer_) {
    TRY(writer_->flush());
    writer_.reset();
  }
  return target::sqlite::finish_load(*connection_, options_, mapping_, migration_, duplicate, step);
}

Result<std::unique_ptr<Applier>> SqliteTarget::applier(const std::string& lane) {
  std::lock_guard lock(mutex_);
  TRY(check_bound());
  return make_applier(options_, mapping_, migration_, lane, turn_);
}

Status SqliteTarget::apply(const mapping::RowBatch& keys, const mapping::RowBatch& rows) {
  std::lock_guard turn(*turn_);
  std::lock_guard lock(mutex_);
  TRY(check_bound());
  ChangeWriter writer(*connection_, mapping_);
  return in_transaction(*connection_, [&] { return writer.write(keys, rows); });
}

Result<std::vector<ReadPartition>> SqliteTarget::read_partitions(int pieces) {
  std::lock_guard lock(mutex_);
  TRY(check_bound());
  return cut_tables(*connection_, *mapping_, pieces);
}

Result<std::unique_ptr<RowReader>> SqliteTarget::read(const ReadPartition& partition) {
  std::shared_ptr<const mapping::CompiledMapping> mapping;
  {
    std::lock_guard lock(mutex_);
    TRY(check_bound());
    mapping = mapping_;
  }
  return open_reader(options_, std::move(mapping), partition);
}

Status SqliteTarget::get(const mapping::RowBatch& keys, ddb::ItemBatch& batch) {
  std::lock_guard lock(mutex_);
  TRY(check_bound());
  TRY(connection_->execute("BEGIN"));
  Status status = [&]() -> Status {
    for (uint32_t t = 0; t < keys.tables.size(); ++t) {
      const mapping::TableRows& rows = keys.tables[t];
      if (rows.rows == 0) continue;
      ItemFetcher fetcher =
          TRY(ItemFetcher::create(*connection_, mapping_, t, ItemFetcher::By::kKey));
      for (uint32_t row = 0; row < rows.rows; ++row)
        TRY(fetcher.by_key(&rows.cells[row * mapping_->tables()[t].key_columns], batch.size(),
                           batch));
    }
    return {};
  }();
  Status ended = connection_->execute("COMMIT");
  return status.ok() ? std::move(ended) : std::move(status);
}

Result<std::vector<std::pair<std::string, uint64_t>>> SqliteTarget::row_counts() {
  std::lock_guard lock(mutex_);
  TRY(check_bound());
  std::vector<std::pair<std::string, uint64_t>> out;
  for (const mapping::Table& table : mapping_->tables())
    out.emplace_back(table.name, TRY(connection_->query_int64("SELECT count(*) FROM " +
                                                              quote_name(table.name))));
  return out;
}

}  // namespace offramp::target::sqlite
