// Change logs of a plan's tables that only a real PostgreSQL shows: SQL writers of every kind,
// savepoints, roles, TRUNCATE, keys of all types, and rows that are no items.
#include "target/postgres/serve/plan_log_fixture_test.h"

namespace offramp::target {
namespace {

TEST_P(PostgresPlanLog, OneTransactionIsOneChangeWhateverItDoes) {
  std::string a = order("7", 1, {"x", "y"}, text("a"));
  ServedTable table = load({a});
  ChangeLogName log = begin(table);
  Connection sql = connect();
  // Children before the parent, many statements, a part of it taken back.
  EXPECT_EQ(run(sql,
                "BEGIN; SAVEPOINT s; UPDATE orders SET text = 'no'; ROLLBACK TO s;"
                "UPDATE lines SET sku = 'z' WHERE n = 1; UPDATE orders SET text = 'b';"
                "SAVEPOINT s; DELETE FROM lines; DELETE FROM orders; ROLLBACK TO s;"
                "INSERT INTO lines (customer, order_no, n, sku) VALUES ('7', 1, 2, 'w');"
                "UPDATE orders SET text = 'c'; COMMIT"),
            "");
  std::string b = order("7", 1, {"x", "z", "w"}, text("c"));
  // One statement that moves it to the other tables.
  EXPECT_EQ(run(sql,
                "WITH l AS (DELETE FROM lines RETURNING *), o AS (DELETE FROM orders RETURNING "
                "*), c AS (INSERT INTO closed_lines (id, v, n, sku) SELECT 'CUSTOMER#' || "
                "customer, 'ORDER#' || order_no, n, sku FROM l) INSERT INTO closed (id, v, "
                "text, extra) SELECT 'CUSTOMER#' || customer, 'ORDER#' || order_no, text, "
                "'{\"closed\":{\"BOOL\":true}}' FROM o"),
            "");
  std::string c = order("7", 1, {"x", "z", "w"}, text("c") + R"(,"closed":{"BOOL":true})");
  EXPECT_EQ(run(sql, "BEGIN; UPDATE closed SET text = 'gone'; ROLLBACK"), "");
  // To the overflow table and changed there.
  std::string d = order("7", 1, {}, R"(,"over":{"N":"1"})"),
              e = order("7", 1, {}, R"(,"over":{"N":"2"})");
  EXPECT_EQ(run(sql, "BEGIN; INSERT INTO offramp_overflow VALUES ('\\x01', 'test', '" + d +
                         "'); DELETE FROM closed_lines; DELETE FROM closed; COMMIT"),
            "");
  EXPECT_EQ(run(sql, "UPDATE offramp_overflow SET item = '" + e + "'"), "");
  EXPECT_EQ(told(table, log), (std::vector{step(a, b), step(b, c), step(c, d), step(d, e)}));
  EXPECT_EQ(run(sql,
                "BEGIN; DELETE FROM offramp_overflow; INSERT INTO orders (customer, order_no, "
                "extra) VALUES ('7', 1, '{}'); COMMIT"),
            "");
  EXPECT_EQ(told(table, log).back(), step(e, order("7", 1)));
}

TEST_P(PostgresPlanLog, RowsThatAreNoItemsDisturbNothing) {
  std::string a = order("7", 1, {"x"});
  ServedTable table = load({a});
  ChangeLogName log = begin(table);
  Connection sql = connect();
  // No parent; a key that reads as another one's; no key at all; not even an item.
  for (const char* statement :
       {"INSERT INTO lines (customer, order_no, n, sku) VALUES ('8', 1, 0, 'orphan')",
        "UPDATE lines SET n = 5 WHERE customer = '8'",
        "INSERT INTO offramp_overflow VALUES ('\\x01', 'test', '{}'), ('\\x02', 'test', '[1]'), "
        "('\\x03', 'test', '{\"PK\":{\"S\":\"p\"},\"SK\":{\"N\":\"1\"}}'), ('\\x04', 'test', "
        "'{\"$M64\":[[\"*\",1],2,[]]}'), ('\\x05', 'test', 'null')",
        "UPDATE offramp_overflow SET item = '\"text\"'", "DELETE FROM offramp_overflow",
        "DELETE FROM lines WHERE customer = '8'"})
    EXPECT_EQ(run(sql, statement), "") << statement;
  EXPECT_EQ(told(table, log), std::vector<std::string>());
  EXPECT_EQ(run(sql, "UPDATE lines SET sku = 'y' WHERE customer = '7'"), "");
  EXPECT_EQ(told(table, log), std::vector{step(a, order("7", 1, {"y"}))});
}

// Two rows whose key columns make the same text, of which only one is the item's.
TEST_P(PostgresPlanLog, AKeyThatReadsAsAnotherIsNobodys) {
  model::TableMapping parts;
  parts.into = "parts";
  parts.key = {{"PK", "{a}#{b}", {}}, {"SK", "{c}", {}}};
  ServedTable table =
      load_plan({parts}, {{"PK", ddb::Type::kS}, model::KeyAttribute{"SK", ddb::Type::kS}}, {});
  expect_ok(store_->adopt(table, entry_json(table)));
  ChangeLogName log = begin(table);
  Connection sql = connect();
  auto item = [](const char* v) {
    return R"({"PK":{"S":"x#y#z"},"SK":{"S":"s"},"v":{"N":")" + std::string(v) + "\"}}";
  };
  expect_ok(put(*session_, table, item("1")));
  EXPECT_EQ(run(sql, "INSERT INTO parts (a, b, c, extra) VALUES ('x#y', 'z', 's', '{}')"), "");
  expect_ok(put(*session_, table, item("2")));
  EXPECT_EQ(run(sql,
                "BEGIN; UPDATE parts SET extra = '{\"v\":{\"N\":\"9\"}}' WHERE b = 'z'; UPDATE "
                "parts SET extra = '{\"v\":{\"N\":\"3\"}}' WHERE b <> 'z'; COMMIT"),
            "");
  EXPECT_EQ(run(sql, "DELETE FROM parts WHERE b = 'z'"), "");
  EXPECT_EQ(told(table, log), (std::vector{step("", item("1")), step(item("1"), item("2")),
                                           step(item("2"), item("3"))}));
}

TEST_P(PostgresPlanLog, EveryRoleIsSeen) {
  ServedTable table = load({order("7", 1, {"x"})});
  ChangeLogName log = begin(table);
  Connection sql = connect();
  const std::string role = "writer_" + ask("SELECT md5(current_database())");
  EXPECT_EQ(run(sql, "CREATE ROLE " + role +
                         "; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES "
                         "IN SCHEMA public TO " +
                         role),
            "");
  EXPECT_EQ(run(sql, "REVOKE ALL ON \"" + postgres::log_base_name(log) + "\" FROM " + role), "");
  EXPECT_EQ(run(sql, "SET ROLE " + role + "; UPDATE lines SET sku = 'y'; RESET ROLE"), "");
  EXPECT_EQ(run(sql,
                "SET session_replication_role = replica; UPDATE lines SET sku = 'z'; RESET "
                "session_replication_role"),
            "");
  EXPECT_EQ(told(table, log), (std::vector{step(order("7", 1, {"x"}), order("7", 1, {"y"})),
                                           step(order("7", 1, {"y"}), order("7", 1, {"z"}))}));
  EXPECT_EQ(run(sql, "DROP OWNED BY " + role + "; DROP ROLE " + role), "");
}

TEST_P(PostgresPlanLog, TruncateRemovesEachItem) {
  std::string over = order("o", 1, {}, R"(,"text":{"S":"\u0000"})");
  std::vector<std::string> items = {order("7", 1, {"x", "y"}), order("8", 1, {}, text("t")), over,
                                    R"({"PK":{"S":"p"},"SK":{"S":"s"}})"};
  ServedTable table = load(items);
  ChangeLogName log = begin(table);
  Connection sql = connect();
  EXPECT_EQ(run(sql, "BEGIN; TRUNCATE lines; ROLLBACK"), "");
  EXPECT_EQ(run(sql, "TRUNCATE lines"), "");
  EXPECT_EQ(told(table, log), std::vector{step(items[0], order("7", 1))});
  EXPECT_EQ(run(sql, "TRUNCATE orders, lines, closed, closed_lines, other, offramp_overflow"), "");
  std::vector<std::string> changes = told(table, log),
                           expected = {step(items[0], order("7", 1)), step(order("7", 1), ""),
                                       step(items[1], ""), step(over, ""), step(items[3], "")};
  std::sort(changes.begin(), changes.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(changes, expected);
  for (const std::string& item : items) expect_ok(put(*session_, table, item));
  std::vector<SeenChange> before = read_all(table, log);
  end(table, log);
  EXPECT_EQ(run(sql, "TRUNCATE orders, lines, closed, closed_lines, other, offramp_overflow"), "");
  expect_ok(put(*session_, table, order("7", 1, {"z"})));
  EXPECT_EQ(read_all(table, log), before) << "what has ended stays as it was";
}

// Keys of other types than text, in the table and in the overflow table.
TEST_P(PostgresPlanLog, AKeyIsTheSameInEveryTable) {
  model::TableMapping typed;
  typed.into = "typed";
  typed.key = {{"PK", "{id}/{day}/{at}/{n}", {}}, {"SK", "{sort}", {}}};
  typed.columns = {{"id", {}, ColumnType::kUuid, {}, {}, {}},
                   {"day", {}, ColumnType::kDate, {}, {}, {}},
                   {"at", {}, ColumnType::kTimestamptz, model::TimeFormat::kIsoMs, {}, {}},
                   {"n", {}, ColumnType::kNumeric, {}, {}, {}},
                   {"text", {"text"}, ColumnType::kText, {}, {}, {}}};
  typed.indexes = {{"", {"text"}, {}}};
  const std::string pk = R"("PK":{"S":"0a1b2c3d-0000-4000-8000-00000000000f/0999-02-28/)"
                         R"(2024-02-29T23:59:59.010Z/-12.5"})";
  struct Case {
    ddb::Type type;
    const char* values[2];
  };
  int round = 0;
  for (const Case& key : {Case{ddb::Type::kN,
                               {R"({"N":"-0.000000000000000000000000000012"})",
                                R"({"N":"10000000000000000000000000000000000000000"})"}},
                          Case{ddb::Type::kB, {R"({"B":"AP8="})", R"({"B":"AA=="})"}},
                          Case{ddb::Type::kS, {R"({"S":"a"})", R"({"S":" "})"}}}) {
    if (round++ > 0) {
      session_.reset();
      store_.reset();
      database_ = GetParam()();
      store_ = open_store();
      session_ = open_session(*store_);
    }
    ServedTable table =
        load_plan({typed}, {{"PK", ddb::Type::kS}, model::KeyAttribute{"SK", key.type}}, {});
    expect_ok(store_->adopt(table, entry_json(table)));
    ChangeLogName log = begin(table);
    std::vector<std::string> expected;
    for (const char* value : key.values) {
      std::string there, bare = "{" + pk + ",\"SK\":" + value;
      for (const std::string& now :
           {bare + "}", bare + text(std::string(5000, 'x')) + "}", bare + text("y") + "}"}) {
        expect_ok(put(*session_, table, now));
        expected.push_back(step(there, now));
        there = now;
        EXPECT_EQ(ask("SELECT count(*) FROM offramp_overflow"), now.size() > 5000 ? "1" : "0");
      }
    }
    EXPECT_EQ(told(table, log), expected);
    Connection sql = connect();
    // The indexes that order the table's pages take no such time.
    EXPECT_EQ(run(sql,
                  "DO 'DECLARE i regclass; BEGIN FOR i IN SELECT oid FROM pg_class WHERE "
                  "relname LIKE ''offramp_serve%'' LOOP EXECUTE ''DROP INDEX '' || i; END "
                  "LOOP; END'"),
              "");
    // As others write numbers and times; and one that is no time at all.
    const std::string sort = key.type == ddb::Type::kN ? "1.50" : "'x'";
    EXPECT_EQ(run(sql,
                  "INSERT INTO typed (id, day, at, n, sort) VALUES ('0A1B2C3D-0000-4000-8000-"
                  "00000000000F', '2024-01-01', 'infinity', 1, " +
                      sort + ")"),
              "");
    EXPECT_EQ(run(sql,
                  "SET timezone = 'Asia/Tokyo'; UPDATE typed SET at = '2024-01-01 09:00:00', n "
                  "= 1.0, text = 'sql' WHERE at = 'infinity'"),
              "");
    std::vector<std::string> changes = told(table, log);
    ASSERT_EQ(changes.size(), expected.size() + 1);
    EXPECT_NE(changes.back().find("0a1b2c3d-0000-4000-8000-00000000000f/2024-01-01/"
                                  "2024-01-01T00:00:00.000Z/1\""),
              std::string::npos)
        << changes.back();
  }
}

// A trigger of the owner's that comes before the log's, by its name.
TEST_P(PostgresPlanLog, WhatOtherTriggersMakeOfARowIsSeen) {
  ServedTable table = load({order("7", 1, {"x"}, text("a"))});
  Connection sql = connect();
  EXPECT_EQ(run(sql,
                "CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN "
                "NEW.order_no := NEW.order_no + 1; RETURN NEW; END'; CREATE TRIGGER zzz BEFORE "
                "INSERT ON orders FOR EACH ROW EXECUTE FUNCTION other()"),
            "");
  ChangeLogName log = begin(table);
  EXPECT_EQ(run(sql, "INSERT INTO orders (customer, order_no, text) VALUES ('9', 1, 'b')"), "");
  EXPECT_EQ(told(table, log), std::vector{step("", order("9", 2, {}, text("b")))});
}

TEST_P(PostgresPlanLog, WhatCannotBeLoggedIsRefused) {
  model::TableMapping times;
  times.into = "times";
  times.key = {{"PK", "{id}", {}}, {"SK", "{at}", {}}};
  times.columns = {{"at", {}, ColumnType::kTimestamptz, model::TimeFormat::kEpochS, {}, {}}};
  ServedTable table =
      load_plan({times}, {{"PK", ddb::Type::kS}, model::KeyAttribute{"SK", ddb::Type::kN}}, {});
  expect_ok(store_->adopt(table, entry_json(table)));
  Status begun = store_->begin_log(table, {{table.id, "one"}, "{}", true}, "{}", "{}");
  ASSERT_FALSE(begun.ok());
  EXPECT_EQ(begun.error().kind(), ErrorKind::kUnsupported);
  EXPECT_NE(begun.error().message().find("'SK'"), std::string::npos) << begun.error().message();
  EXPECT_NE(begun.error().message().find("times"), std::string::npos);
  EXPECT_TRUE(store_->logs().value().empty());
}

TEST_P(PostgresPlanLog, ALogThatHasLostItsTablesIsNotRead) {
  ServedTable table = load({order("7", 1, {"x"})});
  ChangeLogName log = begin(table);
  expect_ok(put(*session_, table, order("7", 1, {"y"})));
  EXPECT_EQ(told(table, log).size(), 1u);
  Connection sql = connect();
  EXPECT_EQ(run(sql,
                "CREATE TABLE anew (LIKE lines INCLUDING ALL); DROP TABLE lines; ALTER TABLE "
                "anew RENAME TO lines"),
            "");
  uint64_t until = store_->log_mark(log).value();
  ChangePage page;
  expect_error(session_->changes(table, log, 0, until, 10, 1000, page), ErrorKind::kConfig,
               "store.no_log");
  auto other = open_store();
  expect_ok(other->attach(table));
  EXPECT_FALSE(store_->logs().value().at(0).on);
  ChangeLogRange range = store_->log_range(log).value();
  EXPECT_EQ(range.first, range.next);
  EXPECT_EQ(ask("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal"), "0");
  EXPECT_EQ(store_->trim_log(log, 4'000'000'000'000).value(), 0u);
  expect_error(session_->changes(table, log, 0, until, 10, 1000, page), ErrorKind::kConfig,
               "store.no_log");
  ChangeLogName second = begin(table, "second");
  expect_ok(put(*session_, table, order("7", 1, {"z"})));
  EXPECT_EQ(told(table, second), std::vector{step(order("7", 1), order("7", 1, {"z"}))});
  expect_ok(store_->drop_log(log));
  EXPECT_EQ(told(table, second).size(), 1u);
  end(table, second);
  expect_ok(store_->drop_log(second));
  EXPECT_EQ(ask("SELECT count(*) FROM pg_class WHERE relname LIKE '%offramp_log%'"), "0");
  EXPECT_EQ(ask("SELECT count(*) FROM pg_proc WHERE proname LIKE '%offramp_log%'"), "0");
}

INSTANTIATE_TEST_SUITE_P(Postgres, PostgresPlanLog, testing::Values(&make_database));

}  // namespace
}  // namespace offramp::target
