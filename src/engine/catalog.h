// Catalog: the tables that are served, as a snapshot that all workers share.
//
// The snapshot is read again when the store's version changed: asked at most once a second, and at
// once when a table is not found or the store said that its tables are gone. Any thread: snapshot_
// and plan_tables_ are guarded by mutex_, reload() runs one at a time under reload_mutex_; tables
// are constant.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/table.h"
#include "io/clock.h"
#include "target/store.h"

namespace offramp::engine {

class Catalog {
 public:
  using Tables = std::map<std::string, TableRef, std::less<>>;

  Catalog(target::Store& store, io::Clock& clock) : store_(store), clock_(clock) {}

  // By name or ARN; an empty reference when there is none.
  Result<TableRef> find(std::string_view name_or_arn);
  // All, by name, as of now.
  Result<std::shared_ptr<const Tables>> all();
  // Reads the catalog again if the store's version changed since it was read.
  Status refresh();
  // A table of a plan, before the first request; its name hides a table that was made here.
  Status add_plan_table(TableRef table);
  std::shared_ptr<const PlanTables> plan_tables() const;

 private:
  std::shared_ptr<const Tables> snapshot() const;
  Status refresh_when_due();
  Status reload();

  target::Store& store_;
  io::Clock& clock_;
  std::mutex reload_mutex_;
  uint64_t version_ = 0;  // guarded by reload_mutex_
  bool loaded_ = false;   // guarded by reload_mutex_
  std::atomic<int64_t> next_check_ns_{0};
  mutable std::mutex mutex_;
  std::shared_ptr<const Tables> snapshot_ = std::make_shared<const Tables>();
  std::shared_ptr<const PlanTables> plan_tables_ = std::make_shared<const PlanTables>();
};

}  // namespace offramp::engine
