// A store whose sessions run on the fibers of one loop, whatever thread calls them: as a server's
// do.
#pragma once

#include "io/fiber_loop_test.h"
#include "target/store.h"

namespace offramp::target {

class FiberSession final : public StoreSession {
 public:
  FiberSession(std::shared_ptr<io::FiberLoop> loop, std::unique_ptr<StoreSession> session)
      : loop_(std::move(loop)), session_(std::move(session)) {}
  ~FiberSession() override {
    loop_->run([&] { session_.reset(); });  // it may watch sockets
  }

  Status get(std::span<const ItemRef> refs, ddb::ItemBatch& batch,
             std::vector<ddb::ItemView>& found) override {
    return run([&] { return session_->get(refs, batch, found); });
  }
  Status read(const PageRequest& request, Page& page) override {
    return run([&] { return session_->read(request, page); });
  }
  Status write(std::span<const ItemRef> refs, const Decide& decide) override {
    return run([&] { return session_->write(refs, decide); });
  }
  Status write_blind(std::span<const ItemRef> refs, std::span<const Decision> decisions) override {
    return run([&] { return session_->write_blind(refs, decisions); });
  }
  Status set_origin(std::string_view origin) override {
    return run([&] { return session_->set_origin(origin); });
  }
  Status changes(const ServedTable& table, const ChangeLogName& log, uint64_t after, uint64_t until,
                 size_t changes_max, size_t bytes_max, ChangePage& page) override {
    return run(
        [&] { return session_->changes(table, log, after, until, changes_max, bytes_max, page); });
  }

 private:
  template <class Call>
  Status run(Call call) {
    Status status;
    loop_->run([&] { status = call(); });
    return status;
  }
  const std::shared_ptr<io::FiberLoop> loop_;
  std::unique_ptr<StoreSession> session_;
};

class FiberStore final : public Store {
 public:
  explicit FiberStore(std::unique_ptr<Store> store) : store_(std::move(store)) {}

  Result<std::unique_ptr<StoreSession>> session() override {
    return std::unique_ptr<StoreSession>(
        std::make_unique<FiberSession>(loop_, TRY(store_->session())));
  }
  const mapping::Limits& limits() const override { return store_->limits(); }
  std::string description() const override { return store_->description(); }
  Result<uint64_t> catalog_version() override { return store_->catalog_version(); }
  Result<std::vector<CatalogEntry>> catalog() override { return store_->catalog(); }
  Status create_table(const ServedTable& table, std::string_view json) override {
    return store_->create_table(table, json);
  }
  Status update_entry(std::string_view name, std::string_view expected,
                      std::string_view json) override {
    return store_->update_entry(name, expected, json);
  }
  Status adopt(const ServedTable& table, std::string_view json) override {
    return store_->adopt(table, json);
  }
  Status begin_log(const ServedTable& table, const ChangeLogEntry& entry, std::string_view expected,
                   std::string_view json) override {
    return store_->begin_log(table, entry, expected, json);
  }
  Status end_log(const ServedTable& table, const ChangeLogName& name, std::string_view expected,
                 std::string_view json) override {
    return store_->end_log(table, name, expected, json);
  }
  Result<uint64_t> logs_version() override { return store_->logs_version(); }
  Result<std::vector<ChangeLogEntry>> logs() override { return store_->logs(); }
  Status update_log(const ChangeLogName& name, std::string_view expected,
                    std::string_view json) override {
    return store_->update_log(name, expected, json);
  }
  Result<ChangeLogRange> log_range(const ChangeLogName& log) override {
    return store_->log_range(log);
  }
  Result<uint64_t> log_mark(const ChangeLogName& log) override { return store_->log_mark(log); }
  Result<uint64_t> trim_log(const ChangeLogName& log, int64_t before_ms) override {
    return store_->trim_log(log, before_ms);
  }
  Status drop_log(const ChangeLogName& log) override { return store_->drop_log(log); }
  Status drop_table(const ServedTable& table) override { return store_->drop_table(table); }
  Status attach(const ServedTable& table) override { return store_->attach(table); }
  Result<bool> build_index(const ServedTable& table, size_t index, std::stop_token stop) override {
    return store_->build_index(table, index, std::move(stop));
  }
  Result<bool> remove_index(const ServedTable& table, size_t index) override {
    return store_->remove_index(table, index);
  }
  Result<TableSize> table_size(const ServedTable& table) override {
    return store_->table_size(table);
  }

 private:
  const std::unique_ptr<Store> store_;
  const std::shared_ptr<io::FiberLoop> loop_ = std::make_shared<io::FiberLoop>();
};

}  // namespace offramp::target
