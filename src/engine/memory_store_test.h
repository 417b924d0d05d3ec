// MemoryStore: a Store in this process's memory, for tests of the engine and as the model that real
// stores are held to.
//
// Items are kept in the order of their keys as bytes that compare as the service orders them.
// Everything is guarded by mutex_, which a write holds from reading to writing: the strictest
// isolation. Faults can be injected.
#pragma once

#include <xxhash.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "ddb/item_size.h"
#include "ddb/number.h"
#include "ddb/wire_json.h"
#include "engine/error.h"
#include "target/store.h"

namespace offramp::engine {

// A copy of an item that owns its bytes.
class OwnedItem {
 public:
  explicit OwnedItem(ddb::ItemView item) : nodes_(item.node(), item.node() + item.node()->span) {
    for (ddb::Node& node : nodes_) {
      if (node.name) node.name = keep({node.name, node.name_size});
      if (node.data && !ddb::is_container(node.type)) node.data = keep({node.data, node.size});
    }
  }
  ddb::ItemView view() const { return ddb::ItemView(nodes_.data()); }

 private:
  const char* keep(std::string_view text) { return texts_.emplace_back(text).data(); }
  std::vector<ddb::Node> nodes_;
  std::deque<std::string> texts_;
};

class MemoryStore : public target::Store {
 public:
  MemoryStore() { limits_.identifier_bytes_max = 63; }

  const mapping::Limits& limits() const override { return limits_; }
  std::string description() const override { return "memory"; }
  Result<std::unique_ptr<target::StoreSession>> session() override;

  Result<uint64_t> catalog_version() override {
    std::lock_guard lock(mutex_);
    ++version_questions;
    if (catalog_away) return Error(ErrorKind::kUnavailable, "store.away", "no connection");
    return version_;
  }
  Result<std::vector<target::CatalogEntry>> catalog() override {
    std::lock_guard lock(mutex_);
    std::vector<target::CatalogEntry> out;
    for (const auto& [name, json] : entries_) out.push_back({name, json});
    return out;
  }
  Status create_table(const target::ServedTable& table, std::string_view json) override {
    std::lock_guard lock(mutex_);
    if (entries_.contains(table.name))
      return Error(ErrorKind::kConflict, "store.table_exists", "table exists");
    if (taken.contains(table.into))
      return Error(ErrorKind::kConflict, "store.name_taken", "name taken");
    entries_.emplace(table.name, json);
    items_[table.id];
    ++version_;
    return {};
  }
  Status adopt(const target::ServedTable& table, std::string_view json) override {
    std::lock_guard lock(mutex_);
    if (!entries_.emplace(table.name, json).second)
      return Error(ErrorKind::kConflict, "store.table_exists", "table exists");
    ++version_;
    return {};
  }
  Status update_entry(std::string_view name, std::string_view expected,
                      std::string_view json) override {
    std::lock_guard lock(mutex_);
    auto found = entries_.find(name);
    if (found == entries_.end() || found->second != expected)
      return Error(ErrorKind::kConflict, "store.catalog_changed", "changed");
    found->second = json;
    ++version_;
    return {};
  }
  Status drop_table(const target::ServedTable& table) override {
    std::lock_guard lock(mutex_);
    auto found = entries_.find(table.name);
    if (found == entries_.end() || !items_.erase(table.id))
      return Error(ErrorKind::kConfig, "store.no_table", "no table");
    entries_.erase(found);
    ++version_;
    return {};
  }
  Status attach(const target::ServedTable& table) override {
    std::lock_guard lock(mutex_);
    items_[table.id];
    return {};
  }
  Result<target::TableSize> table_size(const target::ServedTable& table) override {
    std::lock_guard lock(mutex_);
    target::TableSize size;
    for (const auto& [key, item] : items_[table.id]) {
      ++size.items;
      size.bytes += ddb::item_size(item.view());
    }
    return size;
  }

  Result<bool> build_index(const target::ServedTable& table, size_t index,
                           std::stop_token) override {
    built.push_back(table.indexes[index].into);
    if (before_build) TRY(before_build());
    return !another_builds;
  }
  Result<bool> remove_index(const target::ServedTable& table, size_t index) override {
    removed.push_back(table.indexes[index].name);
    return !another_builds;
  }

  // For tests; set before use.
  std::vector<std::string> built, removed;  // asked for; what indexes have is looked up anyway
  bool another_builds = false;
  std::function<Status()> before_build;
  std::set<std::string> taken;     // names of SQL tables that something else has
  uint64_t version_questions = 0;  // guarded by mutex_
  bool catalog_away = false;       // guarded by mutex_
  // Called by a write after `decide` and before it takes effect, outside of what the test may
  // observe: an error here fails the write; kRetry makes it decide again.
  std::function<Status()> before_commit;
  std::function<Status()> before_read;
  std::function<void()> after_read;  // of a page, unlocked
  std::vector<std::string> origins;  // that sessions were given

  // Called with mutex_ held for every item that is put or removed; an empty view: no item.
  std::function<void(const target::ServedTable& table, ddb::ItemView old, ddb::ItemView fresh,
                     const std::string& origin)>
      on_change;
  // What MemorySession::changes() answers.
  virtual Status read_changes(const target::ChangeLogName&, uint64_t, uint64_t, size_t, size_t,
                              target::ChangePage&) {
    return Error(ErrorKind::kUnsupported, "store.no_changes", "no logs");
  }

  // Bytes that compare as the service orders values of one type.
  static std::string ordered(ddb::ValueView value) {
    if (value.type() != ddb::Type::kN) {
      std::string out;
      for (char c : value.bytes())
        out.append(c == 0 ? std::string("\0\xff", 2) : std::string(1, c));
      return out + std::string("\0\0", 2);
    }
    ddb::Number number = ddb::Number::parse(value.bytes()).value();
    if (number.zero()) return std::string(1, '\x80');
    std::string digits =
        std::to_string(static_cast<uint64_t>(number.coefficient() / 10'000'000'000'000'000'000ULL));
    std::string low =
        std::to_string(static_cast<uint64_t>(number.coefficient() % 10'000'000'000'000'000'000ULL));
    digits = digits == "0" ? low : digits + std::string(19 - low.size(), '0') + low;
    int magnitude = number.exponent() + static_cast<int>(digits.size()) + 200;
    std::string out = {static_cast<char>(magnitude >> 8), static_cast<char>(magnitude)};
    out += digits + std::string(1, '\0');
    if (number.negative())
      for (char& c : out) c = static_cast<char>(~c);
    return std::string(1, number.negative() ? '\x7f' : '\x81') + out;
  }

 private:
  friend class MemorySession;
  using Items = std::map<std::string, OwnedItem>;

  mapping::Limits limits_;
  std::mutex mutex_;
  uint64_t version_ = 1;
  std::map<std::string, std::string, std::less<>> entries_;
  std::map<std::string, Items> items_;  // by the table's id
};

class MemorySession : public target::StoreSession {
 public:
  explicit MemorySession(MemoryStore& store) : store_(store) {}

  Status get(std::span<const target::ItemRef> refs, ddb::ItemBatch& batch,
             std::vector<ddb::ItemView>& found) override {
    if (store_.before_read) TRY(store_.before_read());
    std::lock_guard lock(store_.mutex_);
    return look_up(refs, batch, found);
  }

  Status write(std::span<const target::ItemRef> refs, const Decide& decide) override {
    for (int tries = 0; tries < 10; ++tries) {
      std::lock_guard lock(store_.mutex_);
      TRY(look_up(refs, batch_, found_));
      std::vector<target::Decision> decisions(refs.size());
      TRY(decide(found_, decisions));
      if (store_.before_commit) {
        Status status = store_.before_commit();
        if (!status.ok() && status.error().kind() == ErrorKind::kRetry) continue;
        TRY(std::move(status));
      }
      return apply(refs, decisions);
    }
    return Error(ErrorKind::kConflict, "store.conflict", "conflict");
  }

  Status write_blind(std::span<const target::ItemRef> refs,
                     std::span<const target::Decision> decisions) override {
    std::lock_guard lock(store_.mutex_);
    if (store_.before_commit) TRY(store_.before_commit());
    return apply(refs, decisions);
  }

  Status read(const target::PageRequest& request, target::Page& page) override {
    TRY(read_page(request, page));
    if (store_.after_read) store_.after_read();
    return {};
  }
  Status set_origin(std::string_view origin) override {
    std::lock_guard lock(store_.mutex_);
    store_.origins.emplace_back(origin);
    origin_ = origin;
    return {};
  }
  Status changes(const target::ServedTable&, const target::ChangeLogName& log, uint64_t after,
                 uint64_t until, size_t changes_max, size_t bytes_max,
                 target::ChangePage& page) override {
    return store_.read_changes(log, after, until, changes_max, bytes_max, page);
  }

 private:
  Status read_page(const target::PageRequest& request, target::Page& page);
  static std::string key_of(const target::ServedTable& table, ddb::ItemView item) {
    std::string key = MemoryStore::ordered(item.find(table.key.partition.name));
    if (table.key.sort) key += MemoryStore::ordered(item.find(table.key.sort->name));
    return key;
  }
  Result<MemoryStore::Items*> items(const target::ServedTable& table) {
    auto found = store_.items_.find(table.id);
    if (found == store_.items_.end())
      return Error(ErrorKind::kConfig, "store.no_table", "no table");
    return &found->second;
  }
  Status look_up(std::span<const target::ItemRef> refs, ddb::ItemBatch& batch,
                 std::vector<ddb::ItemView>& found) {
    batch.reset();
    std::vector<bool> there;
    for (const target::ItemRef& ref : refs) {
      MemoryStore::Items& all = *TRY(items(*ref.table));
      auto item = all.find(key_of(*ref.table, ref.key));
      there.push_back(item != all.end());
      if (item != all.end()) batch.append(item->second.view());
    }
    found.clear();
    for (size_t i = 0, at = 0; i < refs.size(); ++i)
      found.push_back(there[i] ? batch.item(at++) : ddb::ItemView());
    return {};
  }
  Status apply(std::span<const target::ItemRef> refs, std::span<const target::Decision> decisions) {
    for (const target::ItemRef& ref : refs) TRY(items(*ref.table));
    for (size_t i = 0; i < refs.size(); ++i) {
      if (decisions[i].kind == target::Decision::Kind::kKeep) continue;
      MemoryStore::Items& all = *TRY(items(*refs[i].table));
      std::string key = key_of(*refs[i].table, refs[i].key);
      bool put = decisions[i].kind == target::Decision::Kind::kPut;
      auto old = all.find(key);
      if (store_.on_change && (put || old != all.end()))
        store_.on_change(*refs[i].table, old == all.end() ? ddb::ItemView() : old->second.view(),
                         put ? decisions[i].item : ddb::ItemView(), origin_);
      if (put)
        all.insert_or_assign(std::move(key), OwnedItem(decisions[i].item));
      else
        all.erase(key);
    }
    return {};
  }

  struct Entry {
    std::string order;
    ddb::ItemView item;
  };
  // The index's (or table's) key as bytes; false when the item is not in the index.
  static bool entry_key(const target::PageRequest& request, ddb::ItemView item, std::string& out);
  static bool matches(const target::PageRequest& request, ddb::ItemView item);

  MemoryStore& store_;
  std::string origin_;
  ddb::ItemBatch batch_;
  std::vector<ddb::ItemView> found_;
};

inline bool MemorySession::entry_key(const target::PageRequest& request, ddb::ItemView item,
                                     std::string& out) {
  out.clear();
  if (request.index)
    for (const auto* part : {&request.index->partition, &request.index->sort})
      for (const model::KeyAttribute& attribute : *part) {
        ddb::ValueView value = item.find(attribute.name);
        if (!value || value.type() != attribute.type) return false;
        out += MemoryStore::ordered(value);
      }
  out += key_of(*request.table, item);
  return true;
}

inline bool MemorySession::matches(const target::PageRequest& request, ddb::ItemView item) {
  const target::ServedTable& table = *request.table;
  std::vector<std::string> partition, sort;
  if (request.index) {
    for (const auto& attribute : request.index->partition) partition.push_back(attribute.name);
    for (const auto& attribute : request.index->sort) sort.push_back(attribute.name);
  } else {
    partition.push_back(table.key.partition.name);
    if (table.key.sort) sort.push_back(table.key.sort->name);
  }
  if (request.partition.empty()) {
    std::string key;
    for (const std::string& name : partition) key += MemoryStore::ordered(item.find(name));
    return XXH3_64bits(key.data(), key.size()) % request.segments == request.segment;
  }
  for (size_t i = 0; i < partition.size(); ++i)
    if (!ddb::equal(item.find(partition[i]), request.partition[i])) return false;
  for (size_t i = 0; i < request.sort_equal.size(); ++i)
    if (!ddb::equal(item.find(sort[i]), request.sort_equal[i])) return false;
  if (!request.lower && !request.upper && !request.prefix) return true;
  ddb::ValueView value = item.find(sort[request.sort_equal.size()]);
  if (request.prefix && !value.bytes().starts_with(request.prefix.bytes())) return false;
  std::string key = MemoryStore::ordered(value);
  if (request.lower) {
    std::string bound = MemoryStore::ordered(request.lower->values[0]);
    if (request.lower->inclusive ? key < bound : key <= bound) return false;
  }
  if (request.upper) {
    std::string bound = MemoryStore::ordered(request.upper->values[0]);
    if (request.upper->inclusive ? key > bound : key >= bound) return false;
  }
  return true;
}

inline Status MemorySession::read_page(const target::PageRequest& request, target::Page& page) {
  if (store_.before_read) TRY(store_.before_read());
  std::lock_guard lock(store_.mutex_);
  page.items.reset();
  page.more = false;
  std::vector<Entry> entries;
  std::string order, after;
  for (const auto& [key, item] : *TRY(items(*request.table)))
    if (entry_key(request, item.view(), order) && matches(request, item.view()))
      entries.push_back({order, item.view()});
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.order < b.order; });
  if (!request.forward) std::reverse(entries.begin(), entries.end());
  if (request.after) entry_key(request, request.after, after);
  size_t bytes = 0;
  for (const Entry& entry : entries) {
    if (request.after && (request.forward ? entry.order <= after : entry.order >= after)) continue;
    if (page.items.size() >= request.items_max || bytes >= request.bytes_max) {
      page.more = true;
      break;
    }
    page.items.append(entry.item);
    bytes += ddb::item_size(entry.item);
  }
  return {};
}

inline Result<std::unique_ptr<target::StoreSession>> MemoryStore::session() {
  return std::unique_ptr<target::StoreSession>(std::make_unique<MemorySession>(*this));
}

}  // namespace offramp::engine
