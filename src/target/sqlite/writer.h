// The one thread that writes a load, and the loaders that feed it.
//
// Loaders encode cells on their callers' threads and hand whole batches over a bounded queue; the
// writer binds cells in place and commits every Options::rows_per_transaction rows, when asked by
// flush(), or after kTransactionAgeMax. The checkpoints of the batches go into the same transaction
// as their rows (C5), in the order of the queue. Threads: db_ and all that follows it belongs to
// the writer's thread; error_ is guarded by mutex_; the queue guards itself. The first error is
// sticky: the open transaction is rolled back and every later call gives that error.
#pragma once

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/bounded_queue.h"
#include "io/sqlite_db.h"
#include "target/sqlite/connection.h"
#include "target/target.h"

namespace offramp::target::sqlite {

constexpr size_t kQueuedBatchesMax = 8;
constexpr int kRowsPerStatement = 16;
constexpr std::chrono::seconds kTransactionAgeMax{5};

struct WriterJob {
  std::unique_ptr<LoadBatch> batch;               // rows in storage form
  std::vector<std::vector<uint32_t>> parents;     // as ParentLinks::find gives them
  std::unique_ptr<std::promise<Status>> flushed;  // set: commit, then answer (no batch)
};

class Writer {
 public:
  static Result<std::unique_ptr<Writer>> start(
      const Options& options, std::shared_ptr<const mapping::CompiledMapping> mapping,
      const std::string& migration);
  // What has not been flushed may be lost, rows and positions together.
  ~Writer();

  Status submit(WriterJob job);
  Status flush();
  std::optional<Error> error() const;

 private:
  struct Inserts {
    io::SqliteStatement many, one;
    int rows_per_statement = 1;
    bool linked = false;
    int64_t next_rowid = 1;  // linked parents
  };
  Writer(io::SqliteDb db, std::shared_ptr<const mapping::CompiledMapping> mapping,
         const std::string& migration);
  Status prepare_statements();
  void run();
  Status handle(WriterJob& job);
  Status write(const LoadBatch& batch, const std::vector<std::vector<uint32_t>>& parents);
  Status write_table(uint32_t table, const mapping::TableRows& rows,
                     const std::vector<uint32_t>& parents);
  Result<int64_t> rowid_of(uint32_t table, const mapping::Cell* row, uint32_t index,
                           const std::vector<uint32_t>& parents) const;
  Status commit();
  void fail(Error error);

  const std::shared_ptr<const mapping::CompiledMapping> mapping_;
  const std::string migration_;
  base::BoundedQueue<WriterJob> queue_{kQueuedBatchesMax};
  mutable std::mutex mutex_;
  std::optional<Error> error_;

  io::SqliteDb db_;
  Options options_;
  std::vector<Inserts> inserts_;
  std::vector<int64_t> first_rowid_;  // of this batch's rows, per linked parent table
  io::SqliteStatement checkpoint_;
  std::map<std::string, model::Position> pending_;  // checkpoints of the open transaction
  bool in_transaction_ = false;
  int64_t rows_ = 0, bytes_ = 0;
  std::chrono::steady_clock::time_point begun_;

  std::thread thread_;
};

// Takes batches for `writer`, which must outlive it by shared ownership.
std::unique_ptr<Loader> make_loader(std::shared_ptr<Writer> writer,
                                    std::shared_ptr<const mapping::CompiledMapping> mapping);

}  // namespace offramp::target::sqlite
