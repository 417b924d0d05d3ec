// A database with a served table and its change log, and what both say.
#pragma once

#include <gtest/gtest.h>

#include <thread>

#include "ddb/wire_json.h"
#include "mapping/mapping_test.h"
#include "target/postgres/connection.h"
#include "target/postgres/postgres_fixture_test.h"
#include "target/postgres/serve/log_sql.h"
#include "target/postgres/serve/open.h"
#include "target/served_mapping.h"

namespace offramp::target::postgres {

inline std::string canonical(const std::string& json) {
  return json.empty() ? "" : ddb::canonical_item_json(mapping::TestItem(json).view());
}
// "old -> new"
inline std::string step(const std::string& old_json, const std::string& new_json) {
  return canonical(old_json) + " -> " + canonical(new_json);
}

class PostgresLog : public testing::Test {
 protected:
  PostgresLog() : url_(PostgresServer::instance().new_database()) {
    store_ = open();
    session_ = session_of(*store_);
  }

  std::unique_ptr<Store> open() {
    auto store = store_entry().open(url_);
    EXPECT_TRUE(store.ok()) << store.error().message();
    return std::move(*store);
  }
  static std::unique_ptr<StoreSession> session_of(Store& store) {
    auto session = store.session();
    EXPECT_TRUE(session.ok()) << session.error().message();
    return std::move(*session);
  }
  // With an index, so that items can be in the overflow table whatever their key is.
  ServedTable create(const std::string& name, ddb::Type key_type = ddb::Type::kS) {
    ServedTable table;
    table.name = table.id = table.into = name;
    table.key = {.partition = {"pk", key_type}, .sort = model::KeyAttribute{"sk", ddb::Type::kN}};
    table.indexes = {{"g", {{"g", ddb::Type::kS}}, {}, false}};
    EXPECT_TRUE(make_mapping(table, store_->limits()).ok());
    expect_ok(store_->create_table(table, "{}"));
    return table;
  }
  ChangeLogName begin(const ServedTable& table, const std::string& label = "one") {
    ChangeLogName name{table.id, label};
    expect_ok(store_->begin_log(table, {name, "{}", true}, "{}", "{}"));
    return name;
  }
  static void expect_ok(const Status& status) {
    EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message());
  }
  Connection sql(const std::string& more = "") {
    auto connection = Connection::open(url_ + more);
    EXPECT_TRUE(connection.ok()) << connection.error().message();
    return std::move(*connection);
  }
  void run(const std::string& text) { expect_ok(sql().execute(text, "run a test's statement")); }
  std::string ask(const std::string& query) {
    Connection connection = sql();
    auto result = connection.query(query, {}, "ask");
    EXPECT_TRUE(result.ok()) << result.error().message();
    return result.ok() && result->rows() > 0 ? std::string(result->text(0, 0)) : "";
  }
  static std::string item(const std::string& pk, int sk, const std::string& more = "") {
    return R"({"pk":{"S":")" + pk + R"("},"sk":{"N":")" + std::to_string(sk) + "\"}" + more + "}";
  }
  static Status put(StoreSession& session, const ServedTable& table, const std::string& json) {
    mapping::TestItem item(json);
    ItemRef ref{&table, item.view()};
    Decision decision{Decision::Kind::kPut, item.view()};
    return session.write_blind({&ref, 1}, {&decision, 1});
  }

  struct Seen {
    uint64_t number;
    std::string old_item, new_item, origin;
  };
  // One page; how far it goes.
  static uint64_t read_page(StoreSession& session, const ServedTable& table,
                            const ChangeLogName& log, uint64_t after, uint64_t until,
                            std::vector<Seen>& out) {
    ChangePage page;
    Status status = session.changes(table, log, after, until, 100, 1 << 20, page);
    expect_ok(status);
    if (!status.ok()) return until;
    EXPECT_GE(page.next, after);
    EXPECT_LE(page.next, until);
    if (page.changes.size() < 100) {
      EXPECT_EQ(page.behind.count() > 0, page.next < until) << "it says when it holds back";
    }
    for (const Change& change : page.changes) {
      EXPECT_GT(change.number, out.empty() ? after : std::max(after, out.back().number));
      EXPECT_LE(change.number, page.next);
      auto json = [&](bool has, uint32_t root) {
        return has ? ddb::canonical_item_json(page.items.item(root)) : std::string();
      };
      out.push_back({change.number, json(change.has_old, change.old_root),
                     json(change.has_new, change.new_root), change.origin});
    }
    return page.next;
  }
  std::vector<Seen> read_all(const ServedTable& table, const ChangeLogName& log) {
    std::vector<Seen> out;
    auto until = store_->log_mark(log);
    EXPECT_TRUE(until.ok());
    for (uint64_t after = 0; until.ok() && after < *until;)
      after = read_page(*session_, table, log, after, *until, out);
    return out;
  }
  std::vector<std::string> told(const ServedTable& table, const ChangeLogName& log) {
    std::vector<std::string> out;
    for (const Seen& seen : read_all(table, log))
      out.push_back(seen.old_item + " -> " + seen.new_item);
    return out;
  }
  void wait_for_a_waiter() {
    while (ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname "
               "= current_database()") == "0")
      std::this_thread::yield();
  }

  const std::string url_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<StoreSession> session_;
};

}  // namespace offramp::target::postgres
