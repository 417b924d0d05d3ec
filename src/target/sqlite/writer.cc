// Binding and committing; see writer.h.
#include "target/sqlite/writer.h"

#include "base/assert.h"
#include "target/sqlite/cells.h"
#include "target/sqlite/parent_links.h"
#include "target/sqlite/schema.h"

namespace offramp::target::sqlite {

using mapping::Cell;
using mapping::Table;
using mapping::TableRole;

Writer::Writer(io::SqliteDb db, std::shared_ptr<const mapping::CompiledMapping> mapping,
               const std::string& migration)
    : mapping_(std::move(mapping)), migration_(migration), db_(std::move(db)) {}

Result<std::unique_ptr<Writer>> Writer::start(
    const Options& options, std::shared_ptr<const mapping::CompiledMapping> mapping,
    const std::string& migration) {
  io::SqliteDb db = TRY(open_connection(options, Access::kWrite));
  std::unique_ptr<Writer> writer(new Writer(std::move(db), std::move(mapping), migration));
  writer->options_ = options;
  TRY(writer->prepare_statements());
  writer->thread_ = std::thread([raw = writer.get()] { raw->run(); });
  return writer;
}

Writer::~Writer() {
  queue_.close();
  if (thread_.joinable()) thread_.join();
}

Status Writer::prepare_statements() {
  const auto& tables = mapping_->tables();
  inserts_.resize(tables.size());
  first_rowid_.resize(tables.size());
  int variables_max = sqlite3_limit(db_.get(), SQLITE_LIMIT_VARIABLE_NUMBER, -1);
  for (size_t t = 0; t < tables.size(); ++t) {
    Inserts& inserts = inserts_[t];
    inserts.linked = is_linked(tables[t]);
    int per_row = static_cast<int>(tables[t].columns.size()) + inserts.linked;
    inserts.rows_per_statement = std::max(1, std::min(kRowsPerStatement, variables_max / per_row));
    inserts.many =
        TRY(db_.prepare(insert_sql(tables[t], inserts.rows_per_statement, inserts.linked)));
    inserts.one = TRY(db_.prepare(insert_sql(tables[t], 1, inserts.linked)));
    if (inserts.linked && tables[t].role != TableRole::kChild)
      inserts.next_rowid =
          TRY(db_.query_int64("SELECT ifnull(max(" + std::string(rowid_name(tables[t])) +
                              "), 0) + 1 FROM " + quote_name(tables[t].name)));
  }
  checkpoint_ = TRY(db_.prepare(
      "INSERT INTO _offramp_checkpoint VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET "
      "records = excluded.records, token = excluded.token, done = excluded.done"));
  return {};
}

std::optional<Error> Writer::error() const {
  std::lock_guard lock(mutex_);
  return error_;
}

Status Writer::submit(WriterJob job) {
  if (auto failed = error()) return *failed;
  if (!queue_.push(std::move(job))) {
    if (auto failed = error()) return *failed;
    return Error(ErrorKind::kCancelled, "sqlite.closed", "the SQLite target has been closed");
  }
  return {};
}

Status Writer::flush() {
  auto promise = std::make_unique<std::promise<Status>>();
  std::future<Status> answer = promise->get_future();
  WriterJob job;
  job.flushed = std::move(promise);
  TRY(submit(std::move(job)));
  return answer.get();
}

void Writer::fail(Error error) {
  if (!sqlite3_get_autocommit(db_.get())) (void)db_.execute("ROLLBACK");
  in_transaction_ = false;
  pending_.clear();
  {
    std::lock_guard lock(mutex_);
    error_ = std::move(error);
  }
  queue_.close();  // blocked loaders wake up and see error_
}

void Writer::run() {
  while (auto job = queue_.pop()) {
    bool failed = error().has_value();
    if (!failed) {
      Status status = handle(*job);
      if (!status.ok()) fail(std::move(status).error().with_context("loading into SQLite"));
    }
    if (job->flushed) {
      auto error_now = error();
      job->flushed->set_value(error_now ? Status(*error_now) : Status());
    }
  }
  if (in_transaction_) (void)db_.execute("ROLLBACK");
}

Status Writer::handle(WriterJob& job) {
  if (job.flushed) return commit();
  if (!in_transaction_) {
    TRY(db_.execute("BEGIN IMMEDIATE"));
    in_transaction_ = true;
    begun_ = std::chrono::steady_clock::now();
  }
  TRY(write(*job.batch, job.parents));
  pending_[job.batch->partition] = job.batch->after;
  bool old = std::chrono::steady_clock::now() - begun_ > kTransactionAgeMax;
  if (rows_ >= options_.rows_per_transaction || bytes_ >= options_.bytes_per_transaction || old)
    TRY(commit());
  job.batch
      .reset();  // SQLite has its own copy of the rows by now: the memory goes back to its pool
  return {};
}

Status Writer::write(const LoadBatch& batch, const std::vector<std::vector<uint32_t>>& parents) {
  const auto& tables = batch.rows.tables;
  for (size_t t = 0; t < tables.size(); ++t) {
    first_rowid_[t] = inserts_[t].next_rowid;
    inserts_[t].next_rowid += tables[t].rows;
  }
  for (uint32_t t = 0; t < tables.size(); ++t)
    if (tables[t].rows > 0) TRY(write_table(t, tables[t], parents[t]));
  return {};
}

Result<int64_t> Writer::rowid_of(uint32_t table, const Cell* row, uint32_t index,
                                 const std::vector<uint32_t>& parents) const {
  const Table& spec = mapping_->tables()[table];
  if (spec.role != TableRole::kChild) return first_rowid_[table] + index;
  int64_t ordinal = row[spec.key_columns - 1].integer;
  if (ordinal < 0 || ordinal >= kOrdinalEnd)
    return Error(ErrorKind::kBadItem, "sqlite.list_too_long",
                 "an item has a list with more than " + std::to_string(kOrdinalEnd) +
                     " members for table " + spec.name +
                     "; leave that list out of the plan's children");
  return child_rowid(first_rowid_[spec.parent] + parents[index], ordinal);
}

Status Writer::write_table(uint32_t table, const mapping::TableRows& rows,
                           const std::vector<uint32_t>& parents) {
  Inserts& inserts = inserts_[table];
  const size_t stride = mapping_->tables()[table].columns.size();
  const Cell* row = rows.cells.data();
  for (uint32_t done = 0; done < rows.rows;) {
    uint32_t count = rows.rows - done >= static_cast<uint32_t>(inserts.rows_per_statement)
                         ? static_cast<uint32_t>(inserts.rows_per_statement)
                         : 1;
    io::SqliteStatement& statement = count > 1 ? inserts.many : inserts.one;
    int parameter = 1;
    for (uint32_t i = 0; i < count; ++i, row += stride) {
      if (inserts.linked) statement.bind(parameter++, TRY(rowid_of(table, row, done + i, parents)));
      for (size_t column = 0; column < stride; ++column) {
        bind_cell(statement.get(), parameter++, row[column]);
        bytes_ += row[column].size;
      }
    }
    TRY(statement.run());
    done += count;
  }
  rows_ += rows.rows;
  return {};
}

Status Writer::commit() {
  if (!in_transaction_) return {};
  for (const auto& [partition, position] : pending_) {
    checkpoint_.bind(1, std::string_view(migration_));
    checkpoint_.bind(2, std::string_view(partition));
    checkpoint_.bind(3, static_cast<int64_t>(position.records));
    checkpoint_.bind_blob(4, position.token);
    checkpoint_.bind(5, int64_t{position.done});
    TRY(checkpoint_.run());
  }
  TRY(db_.execute("COMMIT"));
  pending_.clear();
  in_transaction_ = false;
  rows_ = bytes_ = 0;
  return {};
}

namespace {

class SqliteLoader : public Loader {
 public:
  SqliteLoader(std::shared_ptr<Writer> writer,
               std::shared_ptr<const mapping::CompiledMapping> mapping)
      : writer_(std::move(writer)), mapping_(std::move(mapping)), links_(mapping_) {}

  Status append(std::unique_ptr<LoadBatch> batch) override {
    if (auto failed = writer_->error()) return *failed;
    const auto& tables = mapping_->tables();
    ASSERT(batch->rows.tables.size() <= tables.size());
    batch->rows.tables.resize(tables.size());
    WriterJob job;
    TRY(links_.find(*batch, job.parents));
    for (size_t t = 0; t < tables.size(); ++t)
      encoder_.encode_rows(tables[t], batch->rows.tables[t], batch->rows.arena);
    job.batch = std::move(batch);
    return writer_->submit(std::move(job));
  }
  Status flush() override { return writer_->flush(); }

 private:
  const std::shared_ptr<Writer> writer_;
  const std::shared_ptr<const mapping::CompiledMapping> mapping_;
  ParentLinks links_;
  Encoder encoder_;
};

}  // namespace

std::unique_ptr<Loader> make_loader(std::shared_ptr<Writer> writer,
                                    std::shared_ptr<const mapping::CompiledMapping> mapping) {
  return std::make_unique<SqliteLoader>(std::move(writer), std::move(mapping));
}

}  // namespace offramp::target::sqlite
