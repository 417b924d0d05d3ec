// Reading of the store's catalog.
#include "engine/catalog.h"

#include <chrono>

#include "engine/constraints.h"
#include "engine/error.h"
#include "io/fiber.h"

namespace offramp::engine {
namespace {

constexpr int64_t kCheckNs = 1'000'000'000;

}  // namespace

std::shared_ptr<const Catalog::Tables> Catalog::snapshot() const {
  std::lock_guard lock(mutex_);
  return snapshot_;
}

std::shared_ptr<const PlanTables> Catalog::plan_tables() const {
  std::lock_guard lock(mutex_);
  return plan_tables_;
}

Status Catalog::refresh_when_due() {
  int64_t now = clock_.now().time_since_epoch().count();
  int64_t due = next_check_ns_.load(std::memory_order_relaxed);
  // Whoever moves the time asks; the others go on with what is there.
  if (now < due || !next_check_ns_.compare_exchange_strong(due, now + kCheckNs)) return {};
  Status refreshed = refresh();
  // What is known may be a little older; a request that needs the store hears of its trouble there.
  if (!refreshed.ok() && refreshed.error().kind() == ErrorKind::kUnavailable) return {};
  return refreshed;
}

Status Catalog::refresh() {
  Status refreshed;
  // One that waits for another's must not hold up its thread.
  io::run_blocking([&] { refreshed = reload(); });
  return refreshed;
}

Status Catalog::reload() {
  std::lock_guard reload(reload_mutex_);
  uint64_t version = TRY(store_.catalog_version());
  if (loaded_ && version == version_) return {};
  std::shared_ptr<const Tables> old = snapshot();
  auto tables = std::make_shared<Tables>();
  std::shared_ptr<const PlanTables> plans = plan_tables();
  for (const target::CatalogEntry& entry : TRY(store_.catalog())) {
    auto known = old->find(entry.name);
    bool same = known != old->end() && known->second->entry == entry.json;
    TableRef table = same ? known->second : TRY(load_table(entry, store_.limits(), *plans));
    // A plan's table hides one that was made here, and one of another plan cannot be served.
    if (table->served.made_here != plans->contains(entry.name))
      tables->emplace(entry.name, std::move(table));
  }
  tables->insert(plans->begin(), plans->end());  // those without an entry
  version_ = version;
  loaded_ = true;
  std::lock_guard lock(mutex_);
  snapshot_ = std::move(tables);
  return {};
}

Result<TableRef> Catalog::find(std::string_view name_or_arn) {
  std::string_view name = table_of(name_or_arn);
  TRY(refresh_when_due());
  for (bool again : {false, true}) {
    if (again) TRY(refresh());
    std::shared_ptr<const Tables> tables = snapshot();
    auto found = tables->find(name);
    if (found != tables->end()) return found->second;
  }
  return TableRef();
}

Result<std::shared_ptr<const Catalog::Tables>> Catalog::all() {
  TRY(refresh());
  return snapshot();
}

Status Catalog::add_plan_table(TableRef table) {
  {
    std::lock_guard reload(reload_mutex_);
    auto plans = std::make_shared<PlanTables>(*plan_tables());
    plans->insert_or_assign(table->served.name, table);
    loaded_ = false;
    std::lock_guard lock(mutex_);
    plan_tables_ = std::move(plans);
  }
  return refresh();
}

}  // namespace offramp::engine
