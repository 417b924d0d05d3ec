// SqliteStore: tables of a file, or of memory, served as DynamoDB tables.
//
// Any thread. Changes of the catalog go through the write queue like all writes. catalog_version()
// is asked with every request, so a few connections take turns: each slot is guarded by its mutex.
#pragma once

#include <array>
#include <atomic>

#include "target/sqlite/serve/core.h"
#include "target/store.h"

namespace offramp::target::sqlite::serve {

class SqliteStore : public Store {
 public:
  // `path`: a file, made when it is not there, or ":memory:".
  static Result<std::unique_ptr<Store>> open(const std::string& path);

  const mapping::Limits& limits() const override { return limits_; }
  std::string description() const override;
  Result<std::unique_ptr<StoreSession>> session() override;
  Result<uint64_t> catalog_version() override;
  Result<std::vector<CatalogEntry>> catalog() override;
  Status create_table(const ServedTable& table, std::string_view json) override;
  Status adopt(const ServedTable& table, std::string_view json) override;
  Status update_entry(std::string_view name, std::string_view expected_json,
                      std::string_view json) override;
  Status begin_log(const ServedTable& table, const ChangeLogEntry& entry,
                   std::string_view expected_json, std::string_view json) override;
  Status end_log(const ServedTable& table, const ChangeLogName& name,
                 std::string_view expected_json, std::string_view json) override;
  Result<uint64_t> logs_version() override;
  Result<std::vector<ChangeLogEntry>> logs() override;
  Status update_log(const ChangeLogName& name, std::string_view expected_json,
                    std::string_view json) override;
  Result<ChangeLogRange> log_range(const ChangeLogName& log) override;
  Result<uint64_t> log_mark(const ChangeLogName& log) override;
  Result<uint64_t> trim_log(const ChangeLogName& log, int64_t before_ms) override;
  Status drop_log(const ChangeLogName& log) override;
  Status drop_table(const ServedTable& table) override;
  Status attach(const ServedTable& table) override;
  Result<TableSize> table_size(const ServedTable& table) override;
  Result<bool> build_index(const ServedTable& table, size_t index, std::stop_token stop) override;
  Result<bool> remove_index(const ServedTable& table, size_t index) override;

 private:
  explicit SqliteStore(std::shared_ptr<Core> core);
  struct Slot {
    std::mutex mutex;
    std::unique_ptr<Connection> own;  // of a file
    io::SqliteStatement version, logs_version;
  };
  // A free slot, with its connection.
  Result<Slot*> take_slot(std::unique_lock<std::mutex>& lock);
  // The number in `statement`, made of `sql` when it is first needed.
  Result<uint64_t> read_version(io::SqliteStatement Slot::*statement, const char* sql);

  const std::shared_ptr<Core> core_;
  const mapping::Limits limits_;
  std::array<Slot, 4> slots_;
  std::atomic<unsigned> next_slot_{0};
};

}  // namespace offramp::target::sqlite::serve
