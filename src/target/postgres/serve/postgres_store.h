// PostgresStore: a PostgreSQL database that serves DynamoDB tables.
//
// Constant after open(): the URL, the schema that the tables are in (the first of the connection's
// search_path that exists), the description. Catalog and tables are changed over one connection
// under a mutex; what is done with whole change logs, which may take longer, over another one if
// the server has one to give, while a fiber that asks for it lets others run. Sessions share some
// more (pooled_session.h). Any thread.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "target/postgres/connection.h"
#include "target/postgres/serve/pooled_session.h"
#include "target/store.h"

namespace offramp::target::postgres {

class PostgresStore final : public Store {
 public:
  static Result<std::unique_ptr<Store>> open(const std::string& url);

  const mapping::Limits& limits() const override { return limits_; }
  std::string description() const override { return description_; }
  Result<std::unique_ptr<StoreSession>> session() override;
  Result<uint64_t> catalog_version() override;
  Result<std::vector<CatalogEntry>> catalog() override;
  Status create_table(const ServedTable& table, std::string_view json) override;
  Status update_entry(std::string_view name, std::string_view expected_json,
                      std::string_view json) override;
  Status adopt(const ServedTable& table, std::string_view json) override;
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
  PostgresStore(std::string url, std::string schema, std::string description,
                Connection connection);
  enum class Use { kReads, kWrites };
  struct Access {
    std::mutex mutex;
    std::optional<Connection> connection;  // guarded by mutex
  };
  // Calls `call` with the connection, which is opened anew when it was lost; once more when a
  // reading call shows that it was lost. On a fiber, others run meanwhile.
  template <class Call>
  auto with_connection(Access& access, Use use, Call call)
      -> decltype(call(std::declval<Connection&>()));
  template <class Call>
  auto with_connection_here(Access& access, Use use, Call& call)
      -> decltype(call(std::declval<Connection&>()));

  const std::string url_, schema_, description_;
  const mapping::Limits limits_;
  const std::shared_ptr<LogHorizons> horizons_;
  const std::shared_ptr<SessionPool> pool_;
  const std::shared_ptr<LoopQueues> queues_;
  // Of those that do not come to have a connection of their own, the first is used. Statements of
  // logs and sizes may take long, which nothing else waits for.
  Access catalog_, logs_, sizes_;
};

}  // namespace offramp::target::postgres
