// The simplest Target: everything in memory. A template for new targets and a double for tests;
// holds the whole table, so it is not for large ones. What is appended is "durable" at once: rows
// and position in one step (C5). Threads: any may call; what is shared is in the store, under its
// mutex.
#pragma once

#include "target/memory/memory_store.h"
#include "target/target.h"

namespace offramp::target::memory {

class MemoryTarget : public Target {
 public:
  explicit MemoryTarget(std::shared_ptr<MemoryStore> store) : store_(std::move(store)) {}
  static Capabilities static_capabilities() { return {}; }

  Capabilities capabilities() const override { return static_capabilities(); }
  std::string description() const override { return "memory"; }
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
  const std::shared_ptr<MemoryStore> store_;
  std::shared_ptr<const mapping::CompiledMapping> mapping_;  // set before any other thread calls
  std::string migration_;
};

}  // namespace offramp::target::memory
