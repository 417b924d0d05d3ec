// StoreLog: a store's tables with change logs, and readers of them; for the suite that every store
// passes and for a store's own tests. Whatever is read here is read up to a mark, so that it is
// known when all is there.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <thread>

#include "target/store_conformance_fixture.h"

namespace offramp::target {

inline int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// One change with its items as canonical JSON; "" where there is none.
struct SeenChange {
  uint64_t number = 0;
  int64_t at_ms = 0;
  std::string old_item, new_item, origin;
  bool operator==(const SeenChange&) const = default;
};

class StoreLog : public StoreConformance {
 protected:
  static std::string entry_json(const ServedTable& table) {
    return "{\"table\":\"" + table.name + "\"}";
  }
  static ChangeLogName log_name(const ServedTable& table, const std::string& label = "one") {
    return {table.id, label};
  }
  ChangeLogName begin(const ServedTable& table, const std::string& label = "one") {
    ChangeLogEntry entry{log_name(table, label), "{\"log\":1}", true};
    expect_ok(store_->begin_log(table, entry, entry_json(table), entry_json(table)));
    return entry.name;
  }
  void end(const ServedTable& table, const ChangeLogName& log) {
    expect_ok(store_->end_log(table, log, entry_json(table), entry_json(table)));
  }
  uint64_t mark(const ChangeLogName& log) {
    auto number = store_->log_mark(log);
    if (!number.ok()) ADD_FAILURE() << number.error().message();
    return number.ok() ? *number : 0;
  }

  // Appends what is behind `after`, up to `until`, in pages; waits for what is not yet known.
  void read_on(StoreSession& session, const ServedTable& table, const ChangeLogName& log,
               uint64_t after, uint64_t until, std::vector<SeenChange>& out,
               size_t changes_max = 1000, size_t bytes_max = 1 << 20) {
    ChangePage page;
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (after < until) {
      Status status = session.changes(table, log, after, until, changes_max, bytes_max, page);
      expect_ok(status);
      if (!status.ok()) return;
      take(page, after, until, changes_max, out);
      if (page.next == after) {
        ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "the log does not go on";
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      after = page.next;
    }
  }
  static void take(const ChangePage& page, uint64_t after, uint64_t until, size_t changes_max,
                   std::vector<SeenChange>& out) {
    EXPECT_LE(page.changes.size(), changes_max);
    EXPECT_GE(page.next, after);
    EXPECT_LE(page.next, until);
    for (const Change& change : page.changes) {
      EXPECT_GT(change.number, after) << "the order is that of the numbers";
      EXPECT_LE(change.number, page.next);
      EXPECT_TRUE(change.has_old || change.has_new);
      after = change.number;
      auto json = [&](bool has, uint32_t root) {
        return has ? ddb::canonical_item_json(page.items.item(root)) : std::string();
      };
      out.push_back({change.number, change.at_ms, json(change.has_old, change.old_root),
                     json(change.has_new, change.new_root), change.origin});
    }
  }
  std::vector<SeenChange> read_all(const ServedTable& table, const ChangeLogName& log) {
    std::vector<SeenChange> out;
    read_on(*session_, table, log, 0, mark(log), out);
    return out;
  }
  // What is told while `threads` write, of which `running` are not done yet, and behind them: which
  // is what is told to somebody who reads all of it then.
  std::vector<SeenChange> read_beside(const ServedTable& table, const ChangeLogName& log,
                                      std::vector<std::thread>& threads, std::atomic<int>& running,
                                      size_t changes_max = 100) {
    std::vector<SeenChange> seen;
    auto reader = open_session(*store_);
    ChangePage page;
    uint64_t after = 0;
    while (running > 0) {
      // No mark: that is a write, and one after another they would keep the writers waiting.
      uint64_t until = store_->log_range(log).value().next - 1;
      Status status = reader->changes(table, log, after, until, changes_max, 1 << 20, page);
      expect_ok(status);
      if (!status.ok()) break;
      take(page, after, until, changes_max, seen);
      after = page.next;
    }
    for (auto& thread : threads) thread.join();
    read_on(*reader, table, log, after, mark(log), seen);
    std::vector<SeenChange> again = read_all(table, log);
    EXPECT_EQ(numbers(again), numbers(seen)) << "what was read while others wrote is all there is";
    EXPECT_EQ(told(again), told(seen));
    return seen;
  }
  // Changes that have left something as it was are nobody's business.
  std::vector<SeenChange> changes_of(const ServedTable& table, const ChangeLogName& log) {
    std::vector<SeenChange> out = read_all(table, log);
    std::erase_if(out, [](const SeenChange& change) { return change.old_item == change.new_item; });
    return out;
  }
  // Of the item with this key, or the key alone.
  static std::string key_text(const ServedTable& table, const std::string& json) {
    return ModelTable(table).key_of(mapping::TestItem(json).view());
  }
  // Each item's changes are a chain that begins with what was there; what they end with, by key.
  static std::map<std::string, std::string> ends_of_chains(
      const ServedTable& table, const std::vector<SeenChange>& changes,
      const std::vector<std::string>& before = {}) {
    std::map<std::string, std::string> now;
    for (const std::string& json : before) now[key_text(table, json)] = canonical(json);
    for (const SeenChange& change : changes) {
      const std::string& some = change.new_item.empty() ? change.old_item : change.new_item;
      std::string& item = now[key_text(table, some)];
      EXPECT_EQ(change.old_item, item) << "change " << change.number;
      item = change.new_item;
    }
    return now;
  }
  // "old -> new" of each.
  static std::string numbers(const std::vector<SeenChange>& changes) {
    std::string out;
    for (const SeenChange& change : changes) out += std::to_string(change.number) + " ";
    return out;
  }
  static std::vector<std::string> told(const std::vector<SeenChange>& changes) {
    std::vector<std::string> out;
    for (const SeenChange& change : changes)
      out.push_back(change.old_item + " -> " + change.new_item);
    return out;
  }
  static std::string step(const std::string& old_json, const std::string& new_json) {
    return (old_json.empty() ? "" : canonical(old_json)) + " -> " +
           (new_json.empty() ? "" : canonical(new_json));
  }
  bool is_on(const ChangeLogName& log) {
    std::vector<ChangeLogEntry> entries = store_->logs().value();
    for (const ChangeLogEntry& entry : entries)
      if (entry.name.table_id == log.table_id && entry.name.label == log.label) return entry.on;
    ADD_FAILURE() << "no such log";
    return false;
  }
};

}  // namespace offramp::target
