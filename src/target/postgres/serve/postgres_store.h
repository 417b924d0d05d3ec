// PostgresStore: a PostgreSQL database that serves DynamoDB tables.
//
// Constant after open(): the URL, the schema that the tables are in (the first of the connection's
// search_path that exists), the description. Catalog and tables are changed over one connection
// under a mutex. A session on a plain thread has one of its own, the fibers of an event loop share
// some (loop_sessions.h). Any thread.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "target/postgres/connection.h"
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
  Status drop_table(const ServedTable& table) override;
  Status attach(const ServedTable& table) override;
  Result<TableSize> table_size(const ServedTable& table) override;

 private:
  struct Loops;
  PostgresStore(std::string url, std::string schema, std::string description,
                Connection connection);
  // Calls `use` with the connection, which is opened anew when it was lost; once more when a
  // reading call shows that it was lost.
  enum class Use { kReads, kWrites };
  template <class Call>
  auto with_connection(Use use, Call call) -> decltype(call(std::declval<Connection&>()));

  const std::string url_, schema_, description_;
  const mapping::Limits limits_;
  const std::shared_ptr<Loops> loops_;
  std::mutex mutex_;
  Connection connection_;  // guarded by mutex_
};

}  // namespace offramp::target::postgres
