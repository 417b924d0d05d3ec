// What the store conformance suite works with: a database, served tables, and the model: items kept
// in memory and ordered by the service's rules, against which every answer is compared.
//
// Random cases come from a seed that is printed on failure and can be given back in
// OFFRAMP_TEST_SEED.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>

#include "ddb/item_size.h"
#include "ddb/number.h"
#include "mapping/mapping_test.h"
#include "target/served_mapping.h"
#include "target/stores.h"
#include "target/target.h"

namespace offramp::target {

// A fresh database per test. Every store opened stands for a new process.
class StoreDatabase {
 public:
  virtual ~StoreDatabase() = default;
  virtual Result<std::unique_ptr<Store>> open_store() = 0;
  // The same database as the target of a migration. Null when it cannot be one (a database in
  // memory).
  virtual Result<std::unique_ptr<Target>> open_target() = 0;
  // As somebody with a SQL shell.
  virtual Status sql(const std::string& text) = 0;
  // The same in one transaction that says its origin, as the database's users say it.
  virtual Status sql_with_origin(const std::string& origin, const std::string& text) {
    return Error(ErrorKind::kUnsupported, "test", "no way to say " + origin + " for " + text);
  }
};
using MakeStoreDatabase = std::unique_ptr<StoreDatabase> (*)();

// The service's order of two values of one key type.
inline int compare_values(ddb::ValueView a, ddb::ValueView b) {
  if (a.type() != ddb::Type::kN) {
    int order = a.bytes().compare(b.bytes());
    return order < 0 ? -1 : order > 0;
  }
  auto order = ddb::compare_numbers(a.bytes(), b.bytes());
  return order < 0 ? -1 : order > 0;
}

// A key value as JSON, e.g. {"N":"1"}, that owns what ValueView needs.
class KeyValue {
 public:
  explicit KeyValue(const std::string& json)
      : item_(std::make_shared<mapping::TestItem>("{\"v\":" + json + "}")) {}
  ddb::ValueView view() const { return item_->view().find("v"); }

 private:
  std::shared_ptr<mapping::TestItem> item_;
};

inline std::string string_json(const std::string& text) {
  return "{\"S\":" + ddb::json_quoted(text) + "}";
}
inline std::string number_json(const std::string& text) { return "{\"N\":\"" + text + "\"}"; }
inline std::string value_json(ddb::ValueView value) {
  std::string out;
  ddb::append_value_json(value, out);
  return out;
}

// The items of one table, in memory.
class ModelTable {
 public:
  using Item = std::shared_ptr<const mapping::TestItem>;

  explicit ModelTable(ServedTable table) : table_(std::move(table)) {}
  const ServedTable& table() const { return table_; }

  void put(const std::string& json) {
    auto item = std::make_shared<mapping::TestItem>(json);
    std::string key = key_of(item->view());
    items_[key] = std::move(item);
  }
  void remove(ddb::ItemView key) { items_.erase(key_of(key)); }
  // Canonical JSON of the item under the key, or "".
  std::string get(ddb::ItemView key) const {
    auto found = items_.find(key_of(key));
    return found == items_.end() ? "" : ddb::canonical_item_json(found->second->view());
  }
  size_t size() const { return items_.size(); }
  std::vector<std::string> all() const {
    std::vector<std::string> out;
    for (const auto& [key, item] : items_) out.push_back(ddb::canonical_item_json(item->view()));
    std::sort(out.begin(), out.end());
    return out;
  }
  std::string key_of(ddb::ItemView item) const {
    std::string out = value_json(item.find(table_.key.partition.name));
    if (table_.key.sort) out += value_json(item.find(table_.key.sort->name));
    return out;
  }
  std::vector<model::KeyAttribute> sort_of(const ServedIndex* index) const {
    if (index) return index->sort;
    if (table_.key.sort) return {*table_.key.sort};
    return {};
  }
  bool in_index(ddb::ItemView item, const ServedIndex& index) const {
    for (const auto* part : {&index.partition, &index.sort})
      for (const model::KeyAttribute& attribute : *part) {
        ddb::ValueView value = item.find(attribute.name);
        if (!value || value.type() != attribute.type) return false;
      }
    return true;
  }

  // What a Query has to answer, all pages together, in order.
  std::vector<Item> query(const PageRequest& request) const {
    std::vector<Item> out;
    for (const auto& [key, item] : items_)
      if (fits(item->view(), request)) out.push_back(item);
    std::sort(out.begin(), out.end(), [&](const Item& a, const Item& b) {
      return compare(a->view(), b->view(), request.index, request.forward) < 0;
    });
    return out;
  }
  int compare(ddb::ItemView a, ddb::ItemView b, const ServedIndex* index, bool forward) const {
    std::vector<model::KeyAttribute> order = sort_of(index);
    if (index) {
      order.push_back(table_.key.partition);
      if (table_.key.sort) order.push_back(*table_.key.sort);
    }
    for (const model::KeyAttribute& attribute : order) {
      int result = compare_values(a.find(attribute.name), b.find(attribute.name));
      if (result != 0) return forward ? result : -result;
    }
    return 0;
  }

 private:
  bool fits(ddb::ItemView item, const PageRequest& request) const {
    if (request.index && !in_index(item, *request.index)) return false;
    std::vector<model::KeyAttribute> partition =
        request.index ? request.index->partition : std::vector{table_.key.partition};
    for (size_t i = 0; i < request.partition.size(); ++i)
      if (compare_values(item.find(partition[i].name), request.partition[i]) != 0) return false;
    std::vector<model::KeyAttribute> sort = sort_of(request.index);
    for (size_t i = 0; i < request.sort_equal.size(); ++i)
      if (compare_values(item.find(sort[i].name), request.sort_equal[i]) != 0) return false;
    if (request.lower || request.upper || request.prefix) {
      ddb::ValueView value = item.find(sort[request.sort_equal.size()].name);
      if (request.lower) {
        int order = compare_values(value, request.lower->values[0]);
        if (order < 0 || (order == 0 && !request.lower->inclusive)) return false;
      }
      if (request.upper) {
        int order = compare_values(value, request.upper->values[0]);
        if (order > 0 || (order == 0 && !request.upper->inclusive)) return false;
      }
      if (request.prefix && !value.bytes().starts_with(request.prefix.bytes())) return false;
    }
    return !request.after || compare(item, request.after, request.index, request.forward) > 0;
  }

  ServedTable table_;
  std::map<std::string, Item> items_;
};

class StoreConformance : public testing::TestWithParam<MakeStoreDatabase> {
 protected:
  void SetUp() override {
    database_ = GetParam()();
    store_ = open_store();
    ASSERT_TRUE(store_);
    session_ = open_session(*store_);
    ASSERT_TRUE(session_);
    const char* given = std::getenv("OFFRAMP_TEST_SEED");
    seed_ = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    random_.seed(seed_);
  }
  void TearDown() override {
    session_.reset();
    store_.reset();
    if (HasFailure()) std::cerr << "to repeat: OFFRAMP_TEST_SEED=" << seed_ << std::endl;
  }

  std::unique_ptr<Store> open_store() {
    auto store = database_->open_store();
    if (!store.ok()) ADD_FAILURE() << store.error().message();
    return store.ok() ? std::move(*store) : nullptr;
  }
  static std::unique_ptr<StoreSession> open_session(Store& store) {
    auto session = store.session();
    if (!session.ok()) ADD_FAILURE() << session.error().message();
    return session.ok() ? std::move(*session) : nullptr;
  }
  static void expect_ok(const Status& status) {
    EXPECT_TRUE(status.ok()) << status.error().code() << ": " << status.error().message();
  }
  static void expect_error(const Status& status, ErrorKind kind, std::string_view code) {
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().kind(), kind) << status.error().message();
    EXPECT_EQ(status.error().code(), code) << status.error().message();
  }
  size_t below(size_t end) { return std::uniform_int_distribution<size_t>(0, end - 1)(random_); }
  bool chance(int percent) { return below(100) < static_cast<size_t>(percent); }

  // A table as CreateTable makes it; not created yet.
  ServedTable describe(const std::string& name, model::KeySchema key,
                       std::vector<ServedIndex> indexes = {}) {
    ServedTable table;
    table.name = name;
    table.id = name + "-" + std::to_string(++tables_);
    table.key = std::move(key);
    table.indexes = std::move(indexes);
    table.into = plain_table_name(table, store_->limits());
    expect_ok(make_mapping(table, store_->limits()));
    return table;
  }
  ServedTable create(const std::string& name, model::KeySchema key,
                     std::vector<ServedIndex> indexes = {}) {
    ServedTable table = describe(name, std::move(key), std::move(indexes));
    Status created = store_->create_table(table, "{\"table\":\"" + name + "\"}");
    expect_ok(created);
    return table;
  }
  // A plan's tables, made and loaded by a migration.
  ServedTable load_plan(const model::MappingSpec& spec, model::KeySchema key,
                        const std::vector<std::string>& items,
                        std::vector<ServedIndex> indexes = {}) {
    ServedTable table;
    table.name = "planned";
    table.id = "plan";
    table.key = std::move(key);
    table.indexes = std::move(indexes);
    table.made_here = false;
    auto target = database_->open_target();
    EXPECT_TRUE(target.ok()) << target.error().message();
    auto mapping =
        mapping::CompiledMapping::compile(spec, table.key, (*target)->capabilities().limits);
    EXPECT_TRUE(mapping.ok()) << mapping.error().message();
    table.mapping = *mapping;
    expect_ok((*target)->prepare(table.mapping, "m1", Target::Start::kFirst));
    {
      auto loader = (*target)->loader();
      EXPECT_TRUE(loader.ok());
      auto batch = std::make_unique<LoadBatch>();
      batch->partition = "p";
      batch->after.records = items.size();
      batch->after.done = true;
      batch->rows.reset(table.mapping->tables().size());
      mapping::Splitter splitter(table.mapping);
      std::string why;
      std::vector<std::shared_ptr<mapping::TestItem>> alive;
      for (const std::string& json : items) {
        alive.push_back(std::make_shared<mapping::TestItem>(json));
        mapping::Outcome outcome = splitter.split(alive.back()->view(), batch->rows, why);
        EXPECT_TRUE(outcome == mapping::Outcome::kRow || outcome == mapping::Outcome::kOverflow)
            << why;
      }
      expect_ok((*loader)->append(std::move(batch)));
      expect_ok((*loader)->flush());
    }
    auto finished = (*target)->finish_load([](const Duplicate&) { return Status(); },
                                           [](const std::string&) {});
    EXPECT_TRUE(finished.ok()) << finished.error().message();
    target->reset();
    expect_ok(store_->attach(table));
    return table;
  }

  // One key; "" when there is no such item.
  std::string get(StoreSession& session, const ServedTable& table, const std::string& key_json) {
    mapping::TestItem key(key_json);
    ItemRef ref{&table, key.view()};
    ddb::ItemBatch batch;
    std::vector<ddb::ItemView> found;
    Status status = session.get({&ref, 1}, batch, found);
    expect_ok(status);
    if (!status.ok()) return "error";
    EXPECT_EQ(found.size(), 1u);
    return found.at(0) ? ddb::canonical_item_json(found[0]) : "";
  }
  Status put(StoreSession& session, const ServedTable& table, const std::string& json) {
    mapping::TestItem item(json);
    ItemRef ref{&table, item.view()};
    Decision decision{Decision::Kind::kPut, item.view()};
    return session.write_blind({&ref, 1}, {&decision, 1});
  }
  Status remove(StoreSession& session, const ServedTable& table, const std::string& key_json) {
    mapping::TestItem key(key_json);
    ItemRef ref{&table, key.view()};
    Decision decision{Decision::Kind::kDelete, {}};
    return session.write_blind({&ref, 1}, {&decision, 1});
  }
  static std::string canonical(const std::string& json) {
    return ddb::canonical_item_json(mapping::TestItem(json).view());
  }

  // Reads all pages of `request` with random page sizes, each continued after the last item of the
  // one before.
  std::vector<std::string> read_pages(StoreSession& session, PageRequest request,
                                      size_t items_max = SIZE_MAX) {
    std::vector<std::string> out;
    Page page;
    std::shared_ptr<mapping::TestItem> after;
    for (int pages = 0; pages < 10'000; ++pages) {
      request.items_max = items_max == 0 ? 1 + below(5) : items_max;
      Status status = session.read(request, page);
      expect_ok(status);
      if (!status.ok()) return out;
      EXPECT_LE(page.items.size(), request.items_max);
      for (size_t i = 0; i < page.items.size(); ++i)
        out.push_back(ddb::canonical_item_json(page.items.item(i)));
      if (!page.more) return out;
      if (page.items.size() == 0) {
        ADD_FAILURE() << "an empty page that is not the last";
        return out;
      }
      after = std::make_shared<mapping::TestItem>(out.back());
      request.after = after->view();
    }
    ADD_FAILURE() << "the pages do not end";
    return out;
  }
  std::vector<std::string> read_sorted(StoreSession& session, const PageRequest& request,
                                       size_t items_max = SIZE_MAX) {
    std::vector<std::string> out = read_pages(session, request, items_max);
    std::sort(out.begin(), out.end());
    return out;
  }
  static std::vector<std::string> texts(const std::vector<ModelTable::Item>& items) {
    std::vector<std::string> out;
    for (const auto& item : items) out.push_back(ddb::canonical_item_json(item->view()));
    return out;
  }

  uint64_t seed_ = 0;
  std::mt19937_64 random_;
  int tables_ = 0;
  std::unique_ptr<StoreDatabase> database_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<StoreSession> session_;
};

}  // namespace offramp::target
