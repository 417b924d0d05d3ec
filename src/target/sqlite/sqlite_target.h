// Target for SQLite files: STRICT tables, write-ahead log, one writer thread for the load.
//
// Threads: any may call; mutex_ guards connection_ and writer_. Readers, the load's writer and
// appliers have connections of their own, so none of them waits for mutex_ longer than to be made.
#pragma once

#include <mutex>
#include <optional>

#include "target/sqlite/connection.h"
#include "target/sqlite/writer.h"
#include "target/target.h"

namespace offramp::target::sqlite {

class SqliteTarget : public Target {
 public:
  static Capabilities static_capabilities();
  // Checks the path, and the file where there is one; makes nothing.
  static Result<std::unique_ptr<Target>> open(const Options& options);

  Capabilities capabilities() const override { return static_capabilities(); }
  std::string description() const override;
  Status prepare(std::shared_ptr<const mapping::CompiledMapping> mapping,
                 const std::string& migration, Start start) override;
  Status attach(std::shared_ptr<const mapping::CompiledMapping> mapping,
                const std::string& migration) override;
  Result<std::map<std::string, model::Position>> positions() override;
  Result<std::unique_ptr<Loader>> loader() override;
  Result<FinishOutcome> finish_load(const std::function<Status(const Duplicate&)>& duplicate,
                                    const std::function<void(const std::string&)>& step) override;
  Result<std::unique_ptr<Applier>> applier(const std::string& lane) override;
  Status apply(const mapping::RowBatch& keys, const mapping::RowBatch& rows) override;
  Result<std::vector<ReadPartition>> read_partitions(int pieces) override;
  Result<std::unique_ptr<RowReader>> read(const ReadPartition& partition) override;
  Status get(const mapping::RowBatch& keys, ddb::ItemBatch& batch) override;
  Result<std::vector<std::pair<std::string, uint64_t>>> row_counts() override;

 private:
  explicit SqliteTarget(Options options) : options_(std::move(options)) {}
  Status check_bound() const;

  const Options options_;
  const std::shared_ptr<std::mutex> turn_ = std::make_shared<std::mutex>();  // writers of changes
  std::mutex mutex_;
  std::shared_ptr<const mapping::CompiledMapping> mapping_;
  std::string migration_;
  std::optional<io::SqliteDb> connection_;
  std::shared_ptr<Writer> writer_;  // from the first loader() to finish_load()
};

}  // namespace offramp::target::sqlite
