#include "target/postgres/loader.h"

#include <fmt/format.h>

#include "target/postgres/bookkeeping.h"
#include "target/postgres/copy_decoder.h"
#include "target/postgres/key_text.h"

namespace offramp::target::postgres {

CopyLoader::CopyLoader(std::shared_ptr<const Binding> binding, Connection connection)
    : binding_(std::move(binding)), connection_(std::move(connection)) {
  for (const mapping::Table& table : binding_->tables()) {
    uint32_t columns = table.column_count();
    encoders_.emplace_back(table, columns);
    copy_sql_.push_back(fmt::format("COPY {} ({}) FROM STDIN (FORMAT binary)",
                                    binding_->name(table), column_list(table, columns)));
  }
}

Status CopyLoader::stick(Status status) {
  if (!status.ok()) {
    connection_.rollback();
    error_ = status.error();
  }
  return status;
}

Status CopyLoader::append(std::unique_ptr<LoadBatch> batch) {
  if (error_) return *error_;
  return stick(append_rows(*batch));
}

Status CopyLoader::flush() {
  if (error_) return *error_;
  return stick(commit(Durable::kNow));
}

Status CopyLoader::append_rows(const LoadBatch& batch) {
  ASSERT(batch.rows.tables.size() == encoders_.size());
  // A key that is pending already is written out first; one that comes twice in this batch needs
  // the slow path.
  bool batch_twice = false;
  if (!insert_keys(batch.rows)) {
    if (pending_rows_ > 0) {
      TRY(commit(Durable::kLater));
      batch_twice = !insert_keys(batch.rows);
    } else {
      batch_twice = true;
    }
  }
  if (batch_twice && batch.items.size() > 0) {
    TRY(commit(Durable::kLater));
    TRY(append_one_by_one(batch));
  } else {
    TRY(encode(batch.rows));
  }
  positions_[batch.partition] = batch.after;
  auto now = std::chrono::steady_clock::now();
  if (!pending_since_) pending_since_ = now;
  bool full = pending_rows_ >= kPendingRowsMax || pending_bytes_ >= kPendingBytesMax ||
              waves_ > 0 || now - *pending_since_ >= kPendingTimeMax;
  return full ? commit(Durable::kLater) : Status();
}

bool CopyLoader::insert_keys(const mapping::RowBatch& rows) {
  bool all_new = true;
  for (uint32_t t = 0; t < encoders_.size(); ++t) {
    const mapping::Table& table = binding_->tables()[t];
    if (table.role == mapping::TableRole::kChild) continue;
    const mapping::Cell* cells = rows.tables[t].cells.data();
    for (uint32_t row = 0; row < rows.tables[t].rows; ++row)
      all_new &= keys_.insert(key_hash(cells + row * table.columns.size(), table.key_columns, t));
  }
  return all_new;
}

Status CopyLoader::append_one_by_one(const LoadBatch& batch) {
  keys_.clear();
  mapping::Splitter splitter(binding_->mapping);
  mapping::RowBatch rows;
  std::vector<uint64_t> split_rows(encoders_.size());
  std::string why;
  for (size_t i = 0; i < batch.items.size(); ++i) {
    rows.reset(encoders_.size());
    mapping::Outcome outcome = splitter.split(batch.items.item(i), rows, why);
    if (outcome != mapping::Outcome::kRow && outcome != mapping::Outcome::kOverflow) continue;
    uint32_t t = splitter.table();
    uint64_t hash = key_hash(rows.tables[t].cells.data(), binding_->tables()[t].key_columns, t);
    if (!keys_.insert(hash)) {
      TRY(write_wave());
      keys_.clear();
      keys_.insert(hash);
    }
    TRY(encode(rows));
    for (size_t table = 0; table < rows.tables.size(); ++table)
      split_rows[table] += rows.tables[table].rows;
  }
  for (size_t table = 0; table < split_rows.size(); ++table)
    if (split_rows[table] != batch.rows.tables[table].rows)
      return Error(ErrorKind::kInternal, "postgres.split",
                   fmt::format("table {}: a batch's items and rows disagree",
                               binding_->tables()[table].name));
  return {};
}

Status CopyLoader::encode(const mapping::RowBatch& rows) {
  for (uint32_t t = 0; t < encoders_.size(); ++t) {
    const mapping::TableRows& table = rows.tables[t];
    if (table.rows == 0) continue;
    size_t before = encoders_[t].bytes();
    TRY(encoders_[t].append(table, 0, table.rows));
    pending_bytes_ += encoders_[t].bytes() - before;
    pending_rows_ += table.rows;
  }
  return {};
}

Status CopyLoader::write_wave() {
  if (pending_rows_ == 0) return {};
  // The first wave runs under the transaction's own id, each other under one of its own.
  TRY(connection_.execute(waves_ == 0 ? "BEGIN" : "SAVEPOINT offramp", "begin a transaction"));
  for (uint32_t t = 0; t < encoders_.size(); ++t)
    if (!encoders_[t].empty()) TRY(write_table(t));
  if (waves_ > 0) TRY(connection_.execute("RELEASE SAVEPOINT offramp", "release a savepoint"));
  ++waves_;
  for (CopyEncoder& encoder : encoders_) {
    encoder.clear();
    encoder.shrink(2 * kPendingBytesMax);
  }
  pending_rows_ = 0;
  pending_bytes_ = 0;
  return {};
}

Status CopyLoader::write_table(uint32_t table) {
  std::string doing = "load rows into " + binding_->tables()[table].name;
  TRY(connection_.begin_copy_in(copy_sql_[table], doing));
  TRY(connection_.put_copy(encoders_[table].finish(), doing));
  Status status = connection_.end_copy_in(doing);
  if (!status.ok()) return name_refused_row(std::move(status).error(), table);
  return {};
}

Status CopyLoader::commit(Durable durable) {
  if (pending_rows_ > 0) TRY(write_wave());
  bool something = waves_ > 0 || !positions_.empty();
  if (something || (durable == Durable::kNow && commits_later_)) {
    if (waves_ == 0) TRY(connection_.execute("BEGIN", "begin a transaction"));
    if (something) TRY(write_positions(connection_, *binding_, positions_));
    if (durable == Durable::kLater) {
      TRY(connection_.execute("SET LOCAL synchronous_commit TO off", "set a parameter"));
    } else if (!something) {
      // A transaction with an id of its own, so that its commit waits for the log up to here.
      TRY(connection_.execute("SELECT txid_current()", "begin a transaction"));
    }
    TRY(connection_.execute("COMMIT", "commit loaded rows"));
    commits_later_ = durable == Durable::kLater;
  }
  waves_ = 0;
  positions_.clear();
  keys_.clear();
  pending_since_.reset();
  return {};
}

// The server says which row of the COPY it refused; its key helps to find the item (C12 allows
// keys).
Error CopyLoader::name_refused_row(Error error, uint32_t table) const {
  if (connection_.last_copy_line() == 0 || error.kind() != ErrorKind::kBadItem) return error;
  std::string_view bytes = encoders_[table].row_bytes(connection_.last_copy_line() - 1);
  const mapping::Table& described = binding_->tables()[table];
  CopyDecoder decoder(described, described.column_count());
  std::vector<mapping::Cell> cells;
  base::Arena text, members(64 * sizeof(mapping::Cell));
  if (bytes.empty() || !decoder.decode(bytes, cells, text, members).ok()) return error;
  return std::move(error).with_context("item with key " +
                                       key_text(cells.data(), described.key_columns));
}

}  // namespace offramp::target::postgres
