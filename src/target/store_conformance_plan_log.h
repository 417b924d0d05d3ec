// The part of the suite that is about change logs of a plan's tables: an item may have rows in
// several, and a change is what a transaction did to an item. Instantiated as StoreLog is.
#pragma once

#include "target/store_conformance_log.h"
#include "target/store_conformance_random_test.h"

namespace offramp::target {

class StorePlanLog : public StoreLog {
 protected:
  ServedTable load(const std::vector<std::string>& items = {}) {
    ServedTable table = load_plan(conformance_plan(), conformance_key(), items);
    expect_ok(store_->adopt(table, entry_json(table)));
    return table;
  }
  static std::string order(int n, const std::string& more = "") {
    return R"({"PK":{"S":"CUSTOMER#7"},"SK":{"S":"ORDER#)" + std::to_string(n) + "\"}" + more + "}";
  }
  // An order with a child row of each name.
  static std::string order_of(int n, const std::vector<std::string>& skus,
                              const std::string& more = "") {
    std::string lines;
    for (const std::string& sku : skus)
      lines += (lines.empty() ? "" : ",") + (R"({"M":{"sku":{"S":")" + sku + "\"}}}");
    return order(n, more + R"(,"lines":{"L":[)" + lines + "]}");
  }
  // A statement that the database may refuse because others write the same rows.
  void expect_sql(const std::string& text) {
    Status status;
    for (int tries = 0; tries < 50; ++tries) {
      status = database_->sql(text);
      if (status.ok()) return;
    }
    expect_ok(status);
  }
  // The changes end with what the table has.
  void expect_chains(const ServedTable& table, const std::vector<SeenChange>& changes,
                     const std::vector<std::string>& before) {
    std::vector<std::string> expected;
    for (const auto& [_, json] : ends_of_chains(table, changes, before))
      if (!json.empty()) expected.push_back(json);
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(read_sorted(*session_, all_of(table)), expected);
  }
};

TEST_P(StorePlanLog, AChangeHasTheWholeItem) {
  std::string old = order_of(1, {"a", "b"}, R"(,"c_text":{"S":"x"})");
  ServedTable table = load({old});
  ChangeLogName log = begin(table);
  std::string changed = order_of(1, {"a", "c", "d"}, R"(,"c_text":{"S":"y"},"z":{"N":"1"})");
  std::string plain = order(1);
  expect_ok(put(*session_, table, changed));
  expect_ok(put(*session_, table, plain));
  expect_ok(remove(*session_, table, order(1)));
  expect_ok(put(*session_, table, order_of(1, {"e"})));
  expect_ok(put(*session_, table, order_of(2, {"f", "g"})));
  EXPECT_EQ(told(changes_of(table, log)),
            (std::vector{step(old, changed), step(changed, plain), step(plain, ""),
                         step("", order_of(1, {"e"})), step("", order_of(2, {"f", "g"}))}));
}

TEST_P(StorePlanLog, AnItemThatMovesBetweenTablesIsOneChange) {
  model::TableMapping open, closed;
  open.match = "attribute_not_exists(closed)";
  open.into = "open_orders";
  closed.into = "closed_orders";
  ServedTable table = load_plan({open, closed}, conformance_key(), {});
  expect_ok(store_->adopt(table, entry_json(table)));
  ChangeLogName log = begin(table);
  auto item = [](const std::string& more) {
    return R"({"PK":{"S":"p"},"SK":{"S":"s"})" + more + "}";
  };
  std::vector<std::string> items = {item(""), item(R"(,"closed":{"BOOL":true})"), item(""),
                                    item(R"(,"closed":{"S":"x"})")};
  std::vector<std::string> expected;
  for (size_t i = 0; i < items.size(); ++i) {
    expect_ok(put(*session_, table, items[i]));
    expected.push_back(step(i == 0 ? "" : items[i - 1], items[i]));
  }
  expect_ok(remove(*session_, table, item("")));
  expected.push_back(step(items.back(), ""));
  EXPECT_EQ(told(changes_of(table, log)), expected);
}

// Keys that no table's columns can have (and so go to the overflow table), awkward characters, and
// keys that look alike.
TEST_P(StorePlanLog, EveryKeyIsItsOwn) {
  ServedTable table = load();
  ChangeLogName log = begin(table);
  std::vector<std::string> expected;
  for (const char* pk : {"CUSTOMER#7", "CUSTOMER#", "CUSTOMER#\\u0000", "USER#1", "a\\\"b", "a'b",
                         "\xc3\xbc", "%d{}"})
    for (const char* sk : {"ORDER#1", "ORDER#01", "ORDER#", "INVOICE#1", "INVOICE#01", "INVOICE#x",
                           "PART#1#2", "PART#1#", "x", "\\u0000"})
      for (const char* value : {"1", "2"}) {
        std::string key = std::string(R"({"PK":{"S":")") + pk + R"("},"SK":{"S":")" + sk + "\"}";
        std::string item = key + R"(,"v":{"S":")" + value + "\"}}";
        std::string before = value[0] == '1' ? "" : key + R"(,"v":{"S":"1"}})";
        expect_ok(put(*session_, table, item));
        expected.push_back(step(before, item));
      }
  EXPECT_EQ(told(changes_of(table, log)), expected);
}

TEST_P(StorePlanLog, ATransactionIsOneChangeOfEachItem) {
  ServedTable table = load({order_of(1, {"a"}), order_of(2, {"b"})});
  ChangeLogName log = begin(table);
  std::vector<mapping::TestItem> items;
  for (int n : {1, 2, 3}) items.emplace_back(order_of(n, {"x", "y"}));
  std::vector<ItemRef> refs;
  for (const auto& item : items) refs.push_back({&table, item.view()});
  auto write = [&](bool fails) {
    return session_->write(refs, [&](auto, auto decisions) -> Status {
      decisions[0] = {Decision::Kind::kPut, items[0].view()};
      decisions[1] = {Decision::Kind::kDelete, {}};
      decisions[2] = {Decision::Kind::kPut, items[2].view()};
      if (fails) return Error(ErrorKind::kBadItem, "test.no", "no");
      return {};
    });
  };
  EXPECT_FALSE(write(true).ok());
  expect_ok(write(false));
  std::vector<std::string> changes = told(changes_of(table, log));
  std::sort(changes.begin(), changes.end());
  std::vector<std::string> expected = {step(order_of(1, {"a"}), order_of(1, {"x", "y"})),
                                       step(order_of(2, {"b"}), ""),
                                       step("", order_of(3, {"x", "y"}))};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(changes, expected);
}

TEST_P(StorePlanLog, SqlWritersAreTold) {
  ServedTable table = load({order_of(1, {"a", "b"}, R"(,"c_text":{"S":"x"})")});
  ChangeLogName log = begin(table);
  std::string one = order_of(1, {"a", "b"}, R"(,"c_text":{"S":"x"})"),
              two = order_of(1, {"a", "b"}, R"(,"c_text":{"S":"y"})"),
              three = order_of(1, {"a", "c"}, R"(,"c_text":{"S":"y"})"),
              four = order_of(1, {"a", "c", "d"}, R"(,"c_text":{"S":"y"})"),
              five = order_of(1, {"a", "c"}, R"(,"c_text":{"S":"y"})"),
              other = R"({"PK":{"S":"p"},"SK":{"S":"s"}})";
  expect_ok(database_->sql("UPDATE orders SET c_text = 'y'"));
  expect_ok(database_->sql("UPDATE order_lines SET sku = 'c' WHERE line_no = 1"));
  expect_ok(database_->sql(
      "INSERT INTO order_lines (customer, order_no, line_no, sku) VALUES ('7', '1', 2, 'd')"));
  expect_ok(database_->sql("DELETE FROM order_lines WHERE line_no = 2"));
  expect_ok(database_->sql("INSERT INTO other (\"PK\", \"SK\") VALUES ('p', 's')"));
  expect_ok(database_->sql_with_origin("O'Brien", "DELETE FROM other"));
  std::vector<SeenChange> changes = changes_of(table, log);
  EXPECT_EQ(told(changes), (std::vector{step(one, two), step(two, three), step(three, four),
                                        step(four, five), step("", other), step(other, "")}));
  ASSERT_EQ(changes.size(), 6u);
  EXPECT_EQ(changes[4].origin, "");
  EXPECT_EQ(changes[5].origin, "O'Brien");
  EXPECT_LE(std::abs(changes[0].at_ms - wall_ms()), 60'000);
}

TEST_P(StorePlanLog, AnotherKeyIsARemovalAndAnInsertion) {
  ServedTable table = load({order_of(1, {})});
  std::string from = order(3, R"(,"c_text":{"S":"x"})"), to = order(9, R"(,"c_text":{"S":"x"})");
  expect_ok(put(*session_, table, from));
  ChangeLogName log = begin(table);
  expect_ok(database_->sql("UPDATE orders SET order_no = '9' WHERE order_no = '3'"));
  std::vector<std::string> changes = told(changes_of(table, log));
  std::sort(changes.begin(), changes.end());
  std::vector<std::string> expected = {step(from, ""), step("", to)};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(changes, expected);
}

TEST_P(StorePlanLog, WhatEndedIsReadAsItWas) {
  ServedTable table = load({order_of(1, {"a"})});
  ChangeLogName first = begin(table, "first");
  expect_ok(put(*session_, table, order_of(1, {"b"})));
  end(table, first);
  EXPECT_FALSE(is_on(first));
  expect_ok(put(*session_, table, order_of(1, {"c"})));
  expect_ok(put(*session_, table, order_of(2, {"c"})));
  ChangeLogName second = begin(table, "second");
  expect_ok(put(*session_, table, order_of(1, {"d"})));
  expect_ok(database_->sql("DELETE FROM order_lines"));
  std::vector<std::string> before = {step(order_of(1, {"a"}), order_of(1, {"b"}))};
  EXPECT_EQ(told(changes_of(table, first)), before);
  EXPECT_EQ(changes_of(table, second).size(), 3u);
  EXPECT_EQ(told(changes_of(table, second)).front(), step(order_of(1, {"c"}), order_of(1, {"d"})));
  expect_ok(remove(*session_, table, order(1)));
  EXPECT_EQ(told(changes_of(table, first)), before);
  expect_ok(store_->drop_log(first));
  auto gone = store_->log_range(first);
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().code(), "store.no_log");
  EXPECT_EQ(changes_of(table, second).size(), 4u);
}

TEST_P(StorePlanLog, WhatIsOldIsTrimmed) {
  ServedTable table = load();
  ChangeLogName log = begin(table);
  for (int n = 0; n < 5; ++n) expect_ok(put(*session_, table, order_of(n, {"a"})));
  EXPECT_EQ(store_->trim_log(log, wall_ms() - 3'600'000).value(), 0u);
  ChangeLogRange range = store_->log_range(log).value();
  EXPECT_LT(range.first, range.next);
  uint64_t trimmed = 0;
  for (uint64_t some = 1; some > 0; trimmed += some)
    some = store_->trim_log(log, wall_ms() + 3'600'000).value();
  EXPECT_EQ(trimmed, 5u);
  range = store_->log_range(log).value();
  EXPECT_EQ(range.first, range.next);
  expect_ok(put(*session_, table, order_of(1, {"b"})));
  EXPECT_EQ(told(changes_of(table, log)),
            std::vector{step(order_of(1, {"a"}), order_of(1, {"b"}))});
}

TEST_P(StorePlanLog, AnEntryIsAdoptedOnce) {
  ServedTable table = load();
  uint64_t version = store_->catalog_version().value();
  expect_error(store_->adopt(table, "{}"), ErrorKind::kConflict, "store.table_exists");
  expect_ok(store_->update_entry(table.name, entry_json(table), "{\"other\":1}"));
  EXPECT_NE(store_->catalog_version().value(), version);
  std::vector<CatalogEntry> entries = store_->catalog().value();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].name, table.name);
  EXPECT_EQ(entries[0].json, "{\"other\":1}");
}

// The tables were dropped and loaded anew: what was written since is not in the log.
TEST_P(StorePlanLog, ALogWhoseTablesWereMadeAnewHasEnded) {
  ServedTable table = load({order_of(1, {"a"})});
  ChangeLogName log = begin(table);
  expect_ok(put(*session_, table, order_of(1, {"b"})));
  expect_ok(store_->attach(table));
  EXPECT_TRUE(is_on(log));
  expect_ok(database_->sql("DROP TABLE order_lines"));
  expect_ok(
      database_->sql("CREATE TABLE order_lines (customer text NOT NULL, order_no text NOT "
                     "NULL, line_no bigint NOT NULL, sku text, qty bigint, extra text, "
                     "PRIMARY KEY (customer, order_no, line_no))"));
  ChangePage page;
  expect_error(session_->changes(table, log, 0, 100, 10, 1000, page), ErrorKind::kConfig,
               "store.no_log");
  uint64_t version = store_->logs_version().value();
  expect_ok(store_->attach(table));
  EXPECT_FALSE(is_on(log));
  EXPECT_NE(store_->logs_version().value(), version);
  expect_error(session_->changes(table, log, 0, 100, 10, 1000, page), ErrorKind::kConfig,
               "store.no_log");
}

// API writers and SQL writers that touch other rows of the same items, and somebody who reads on.
TEST_P(StorePlanLog, WritersTogetherMakeOneOrder) {
  constexpr int kItems = 4, kRounds = 40, kApi = 4, kSql = 3;
  std::vector<std::string> items;
  for (int n = 0; n < kItems; ++n) items.push_back(order_of(n, {"a", "b"}));
  ServedTable table = load(items);
  ChangeLogName log = begin(table);
  std::atomic<int> running{kApi + kSql};
  std::vector<std::thread> threads;
  for (int t = 0; t < kApi; ++t)
    threads.emplace_back([&, t] {
      auto session = open_session(*store_);
      std::mt19937 random(static_cast<unsigned>(seed_) + static_cast<unsigned>(t));
      for (int round = 0; round < kRounds; ++round) {
        int n = static_cast<int>(random() % kItems);
        std::string mark = std::to_string(t) + "/" + std::to_string(round);
        if (random() % 5 == 0)
          expect_ok(remove(*session, table, order(n)));
        else
          expect_ok(put(*session, table,
                        order_of(n, std::vector<std::string>(random() % 4, mark),
                                 ",\"c_text\":" + string_json(mark))));
      }
      --running;
    });
  for (int t = 0; t < kSql; ++t)
    threads.emplace_back([&, t] {
      std::mt19937 random(static_cast<unsigned>(seed_) + 100u + static_cast<unsigned>(t));
      for (int round = 0; round < kRounds; ++round) {
        std::string where = " WHERE order_no = '" + std::to_string(random() % kItems) + "'";
        std::string value = "'sql" + std::to_string(t) + "/" + std::to_string(round) + "'";
        switch (random() % 4) {
          case 0:
            expect_sql("UPDATE orders SET c_text = " + value + where);
            break;
          case 1:
            expect_sql("UPDATE order_lines SET sku = " + value + where + " AND line_no = 0");
            break;
          case 2:
            expect_sql("UPDATE order_lines SET sku = " + value + where + " AND line_no = 1");
            break;
          default:
            expect_sql("DELETE FROM order_lines" + where +
                       " AND line_no = (SELECT max(line_no) FROM order_lines" + where + ")");
        }
      }
      --running;
    });
  expect_chains(table, read_beside(table, log, threads, running, 50), items);
}

}  // namespace offramp::target
