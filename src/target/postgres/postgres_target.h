// PostgresTarget: Target over libpq; each method hands to the file of its name.
//
// The control connections, the binding and the snapshot are guarded by mutex_; loaders, appliers
// and readers have connections of their own, so loader(), applier() and read() may be called and
// used by several threads. Readers see the snapshot of the newest read_partitions(). A control
// connection that was lost is opened anew.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "target/postgres/binding.h"
#include "target/postgres/change_writer.h"
#include "target/postgres/connection.h"
#include "target/postgres/snapshot.h"
#include "target/target.h"

namespace offramp::target::postgres {

class PostgresTarget : public Target {
 public:
  static Result<std::unique_ptr<Target>> open(const std::string& url);

  Capabilities capabilities() const override;
  std::string description() const override { return description_; }
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
  PostgresTarget(std::string url, std::string schema, std::string description,
                 Connection connection)
      : url_(std::move(url)),
        schema_(std::move(schema)),
        description_(std::move(description)),
        connection_(std::move(connection)) {}
  std::shared_ptr<const Binding> bind(std::shared_ptr<const mapping::CompiledMapping> mapping,
                                      const std::string& migration) const;
  std::shared_ptr<const Binding> binding();
  // The connection, opened anew when it was lost. Under mutex_.
  Result<Connection*> control();
  // Reads by the control connection; once more when that shows that it was lost. Under mutex_.
  template <class Read>
  auto read_again_if_lost(Read read) -> decltype(read(std::declval<Connection&>()));

  const std::string url_, schema_, description_;
  std::mutex mutex_;
  Connection connection_;
  bool holds_lock_ = false;  // this process writes, so connection_ holds the migration's lock
  std::shared_ptr<const Binding> binding_;
  std::unique_ptr<Staging> staging_;  // of connection_
  // For apply(): statements there count on settings that reading must not have.
  std::unique_ptr<Connection> writing_;
  std::unique_ptr<ChangeWriter> writer_;  // of writing_
  std::shared_ptr<Snapshot> snapshot_;
};

Capabilities postgres_capabilities();

}  // namespace offramp::target::postgres
