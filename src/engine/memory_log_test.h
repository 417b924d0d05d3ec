// LogStore: a MemoryStore that keeps change logs, for tests of streams.
//
// A change's time is the clock's. Everything of the logs is guarded by log_mutex_, which is taken
// with or without the items' mutex, never before it.
#pragma once

#include <optional>

#include "engine/memory_store_test.h"
#include "io/clock.h"

namespace offramp::engine {

class LogStore : public MemoryStore {
 public:
  explicit LogStore(io::Clock& clock) : clock_(clock) {
    on_change = [this](const target::ServedTable& table, ddb::ItemView old, ddb::ItemView fresh,
                       const std::string& origin) { log(table, old, fresh, origin); };
  }

  Status begin_log(const target::ServedTable& table, const target::ChangeLogEntry& entry,
                   std::string_view expected, std::string_view json) override {
    TRY(update_entry(table.name, expected, json));
    std::lock_guard lock(log_mutex_);
    logs_[name_of(entry.name)].entry = entry;
    ++logs_version_;
    return {};
  }
  Status end_log(const target::ServedTable& table, const target::ChangeLogName& name,
                 std::string_view expected, std::string_view json) override {
    TRY(update_entry(table.name, expected, json));
    std::lock_guard lock(log_mutex_);
    Log* log = find(name);
    if (!log) return no_log();
    log->entry.on = false;
    ++logs_version_;
    return {};
  }
  Status drop_table(const target::ServedTable& table) override {
    TRY(MemoryStore::drop_table(table));
    std::lock_guard lock(log_mutex_);
    for (auto& [name, log] : logs_)
      if (log.entry.name.table_id == table.id) log.entry.on = false;
    ++logs_version_;
    return {};
  }
  // As attach() does when tables were made anew.
  void lose_log_of(const std::string& table_id) {
    std::lock_guard lock(log_mutex_);
    for (auto& [name, log] : logs_)
      if (log.entry.name.table_id == table_id) log.entry.on = false;
    ++logs_version_;
  }
  Result<uint64_t> logs_version() override {
    std::lock_guard lock(log_mutex_);
    return logs_version_;
  }
  Result<std::vector<target::ChangeLogEntry>> logs() override {
    std::lock_guard lock(log_mutex_);
    std::vector<target::ChangeLogEntry> out;
    for (auto& [name, log] : logs_) out.push_back(log.entry);
    return out;
  }
  Status update_log(const target::ChangeLogName& name, std::string_view expected,
                    std::string_view json) override {
    if (auto before = before_update_log) before();  // a copy: it may take itself away
    std::lock_guard lock(log_mutex_);
    Log* log = find(name);
    if (!log || log->entry.json != expected)
      return Error(ErrorKind::kConflict, "store.catalog_changed", "changed");
    log->entry.json = json;
    ++logs_version_;
    return {};
  }
  Result<target::ChangeLogRange> log_range(const target::ChangeLogName& name) override {
    std::lock_guard lock(log_mutex_);
    Log* log = find(name);
    if (!log) return no_log();
    return target::ChangeLogRange{
        log->changes.empty() ? log->last + 1 : log->changes.front().number, log->last + 1};
  }
  Result<uint64_t> log_mark(const target::ChangeLogName& name) override {
    std::lock_guard lock(log_mutex_);
    Log* log = find(name);
    if (!log) return no_log();
    return ++log->last;
  }
  Result<uint64_t> trim_log(const target::ChangeLogName& name, int64_t before_ms) override {
    std::lock_guard lock(log_mutex_);
    Log* log = find(name);
    if (!log) return no_log();
    uint64_t trimmed = 0;
    for (; !log->changes.empty() && log->changes.front().at_ms < before_ms && trimmed < 10;
         ++trimmed)
      log->changes.pop_front();
    return trimmed;
  }
  Status drop_log(const target::ChangeLogName& name) override {
    std::lock_guard lock(log_mutex_);
    if (!find(name)) return no_log();
    logs_.erase(name_of(name));
    ++logs_version_;
    return {};
  }
  Status read_changes(const target::ChangeLogName& name, uint64_t after, uint64_t until,
                      size_t changes_max, size_t bytes_max, target::ChangePage& page) override {
    if (auto before = before_changes) before();
    std::lock_guard lock(log_mutex_);
    Log* log = find(name);
    if (!log) return no_log();
    ++pages_read;
    page.items.reset();
    page.changes.clear();
    page.next = std::max(after, std::min({until, log->last, known_to.value_or(UINT64_MAX)}));
    bool held = known_to && *known_to < std::min(until, log->last);
    page.behind = held ? behind : std::chrono::milliseconds(0);
    size_t bytes = 0;
    for (const Kept& kept : log->changes) {
      if (kept.number <= after || kept.number > page.next) continue;
      target::Change change{.number = kept.number, .at_ms = kept.at_ms, .origin = kept.origin};
      change.has_old = add(kept.old, page.items, change.old_root, bytes);
      change.has_new = add(kept.fresh, page.items, change.new_root, bytes);
      page.changes.push_back(std::move(change));
      if (page.changes.size() < changes_max && bytes < bytes_max) continue;
      page.next = kept.number;
      break;
    }
    return {};
  }

  // For tests.
  std::optional<uint64_t> known_to;  // a transaction is open that may log a number above this one
  std::chrono::milliseconds behind{1500};  // told when it holds something back
  std::function<void()> before_update_log, before_changes;
  int pages_read = 0;

 private:
  struct Kept {
    uint64_t number;
    int64_t at_ms;
    std::optional<OwnedItem> old, fresh;
    std::string origin;
  };
  struct Log {
    target::ChangeLogEntry entry;
    uint64_t last = 0;
    std::deque<Kept> changes;
  };

  static std::string name_of(const target::ChangeLogName& name) {
    return name.table_id + " " + name.label;
  }
  static Error no_log() { return Error(ErrorKind::kConfig, "store.no_log", "no log"); }
  Log* find(const target::ChangeLogName& name) {
    auto found = logs_.find(name_of(name));
    return found == logs_.end() ? nullptr : &found->second;
  }
  void log(const target::ServedTable& table, ddb::ItemView old, ddb::ItemView fresh,
           const std::string& origin) {
    std::lock_guard lock(log_mutex_);
    int64_t ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(clock_.wall().time_since_epoch())
            .count();
    for (auto& [name, log] : logs_) {
      if (log.entry.name.table_id != table.id || !log.entry.on) continue;
      Kept kept{++log.last, ms, {}, {}, origin};
      if (old) kept.old.emplace(old);
      if (fresh) kept.fresh.emplace(fresh);
      log.changes.push_back(std::move(kept));
    }
  }
  // The item's number in the batch.
  static bool add(const std::optional<OwnedItem>& item, ddb::ItemBatch& items, uint32_t& root,
                  size_t& bytes) {
    if (!item) return false;
    root = static_cast<uint32_t>(items.size());
    items.append(item->view());
    bytes += ddb::item_size(item->view());
    return true;
  }

  io::Clock& clock_;
  std::mutex log_mutex_;
  uint64_t logs_version_ = 1;
  std::map<std::string, Log> logs_;
};

}  // namespace offramp::engine
