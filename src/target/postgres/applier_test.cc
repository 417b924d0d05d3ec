// The applier where a server is needed to show it: lost connections, earlier sessions, tables that
// their owner changed, and what a transaction costs.
#include "target/postgres/applier.h"

#include <thread>

#include "target/postgres/connection.h"
#include "target/postgres/target_world_test.h"

namespace offramp::target::postgres {
namespace {

class PostgresApplierTest : public testing::Test {
 protected:
  void SetUp() override {
    url_ = PostgresServer::instance().new_database();
    target_ = open_target(url_);
    ASSERT_OK(target_->prepare(mapping_, "m1", Target::Start::kFirst));
    ASSERT_OK(
        target_->finish_load([](const Duplicate&) { return Status(); }, [](const std::string&) {}));
  }
  std::unique_ptr<Applier> applier(const std::string& lane) {
    auto applier = target_->applier(lane);
    EXPECT_TRUE(applier.ok()) << applier.error().message();
    return applier.ok() ? std::move(*applier) : nullptr;
  }
  Status apply(Applier& applier, const Items& items, const std::string& expected,
               const std::string& after) {
    auto batch = make_batch(mapping_, items, "", 0);
    mapping::RowBatch keys;
    keys.reset(mapping_->tables().size());
    mapping::Splitter splitter(mapping_);
    for (size_t i = 0; i < batch->items.size(); ++i) {
      Status status = splitter.key_rows(batch->items.item(i), keys);
      EXPECT_TRUE(status.ok()) << status.error().message();
    }
    return applier.apply(keys, batch->rows, expected, {.records = items.size(), .token = after});
  }
  std::string token(const std::string& lane) {
    auto positions = target_->positions();
    EXPECT_TRUE(positions.ok()) << positions.error().message();
    return positions.ok() ? (*positions)[lane].token : "?";
  }
  Connection connect() {
    auto connection = Connection::open(url_);
    EXPECT_TRUE(connection.ok()) << connection.error().message();
    return std::move(*connection);
  }
  std::string ask(Connection& connection, const std::string& sql) {
    auto result = connection.query(sql, {}, "ask");
    EXPECT_TRUE(result.ok()) << result.error().message();
    return result.ok() && result->rows() ? std::string(result->text(0, 0)) : "";
  }
  // Waits until the query gives `expected`; the server decides when that is.
  void wait_for(Connection& connection, const std::string& sql, const std::string& expected) {
    for (int i = 0; i < 2000 && ask(connection, sql) != expected; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(ask(connection, sql), expected);
  }
  void run(Connection& connection, const std::string& sql) {
    Status status = connection.execute(sql, "run " + sql);
    ASSERT_TRUE(status.ok()) << status.error().message();
  }

  std::string url_;
  std::shared_ptr<const mapping::CompiledMapping> mapping_ = test_mapping();
  std::unique_ptr<Target> target_;
};

constexpr const char* kWaiting =
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = "
    "current_database() AND query LIKE '%offramp_rows%'";
constexpr const char* kEndWaiting =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
    "datname = current_database() AND query LIKE '%offramp_rows%'";

TEST_F(PostgresApplierTest, C9_ALostConnectionMidwayLeavesNothingAndANewApplierGoesOn) {
  auto first = applier("l");
  ASSERT_OK(apply(*first, {order("a", 2), plain("b")}, "", "1"));
  // Somebody holds a row, so the transaction stands in the middle when its session is ended.
  Connection holder = connect(), other = connect();
  run(holder, "BEGIN; SELECT 1 FROM \"Orders \"\"2\"\"\" WHERE pk = 'a' FOR UPDATE");
  Status status;
  std::thread writer([&] {
    status = apply(*first, {order("a", 5), plain("c"), order("d", 1)}, "1", "2");
  });
  wait_for(other, kWaiting, "1");
  run(other, kEndWaiting);
  writer.join();
  run(holder, "ROLLBACK");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kUnavailable) << status.error().message();
  EXPECT_EQ(read_all(*target_), canonical({order("a", 2), plain("b")}));
  EXPECT_EQ(token("l"), "1");
  auto second = applier("l");
  ASSERT_OK(apply(*second, {order("a", 5), plain("c"), order("d", 1)}, "1", "2"));
  EXPECT_EQ(read_all(*target_), canonical({order("a", 5), plain("b"), plain("c"), order("d", 1)}));
  EXPECT_EQ(token("l"), "2");
}

TEST_F(PostgresApplierTest, EveryConnectionMayBeLost) {
  auto first = applier("l");
  ASSERT_OK(apply(*first, {order("a", 2)}, "", "1"));
  ddb::ItemBatch items;
  auto batch = make_batch(mapping_, {order("a", 2)}, "", 0);
  mapping::RowBatch keys;
  keys.reset(mapping_->tables().size());
  mapping::Splitter splitter(mapping_);
  ASSERT_OK(splitter.key_rows(batch->items.item(0), keys));
  ASSERT_OK(target_->apply(keys, batch->rows));
  ASSERT_OK(target_->get(keys, items));
  Connection other = connect();
  std::string sessions =
      "FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
      "pg_backend_pid()";
  run(other, "SELECT pg_terminate_backend(pid) " + sessions);
  wait_for(other, "SELECT count(*) " + sessions, "0");
  Status status = apply(*first, {order("a", 3)}, "1", "2");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kUnavailable) << status.error().message();
  EXPECT_EQ(token("l"), "1") << "the control connection comes back by itself";
  ASSERT_OK(target_->get(keys, items));
  EXPECT_EQ(items.size(), 2u) << "appended";
  if (!target_->apply(keys, batch->rows).ok()) {  // may be the first to hear of it
    ASSERT_OK(target_->apply(keys, batch->rows));
  }
  auto second = applier("l");
  ASSERT_OK(apply(*second, {order("a", 3)}, "1", "2"));
}

// A session whose client is gone without the server knowing it: it still stands in a transaction.
TEST_F(PostgresApplierTest, C4_ANewApplierEndsTheLanesEarlierSessionAndNoOther) {
  auto zombie = applier("l"), neighbour = applier("l 2");
  ASSERT_OK(apply(*zombie, {order("a", 1)}, "", "1"));
  Connection holder = connect(), other = connect();
  run(holder, "BEGIN; SELECT 1 FROM \"Orders \"\"2\"\"\" WHERE pk = 'a' FOR UPDATE");
  Status late;
  std::thread writer([&] { late = apply(*zombie, {order("a", 9)}, "1", "2"); });
  wait_for(other, kWaiting, "1");
  auto next = applier("l");
  writer.join();
  run(holder, "ROLLBACK");
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().kind(), ErrorKind::kUnavailable) << late.error().message();
  ASSERT_OK(apply(*next, {order("a", 2)}, "1", "2b"));
  EXPECT_EQ(read_all(*target_), canonical({order("a", 2)}));
  ASSERT_OK(apply(*neighbour, {plain("n")}, "", "1"));
}

// Without its session lock (a pooler may have lost it): the checkpoint alone decides.
TEST_F(PostgresApplierTest, C4_ATransactionOfTheLaneIsWaitedForAndThenSeen) {
  auto mine = applier("l");
  ASSERT_OK(apply(*mine, {order("a", 1)}, "", "1"));
  Connection zombie = connect(), other = connect();
  run(zombie,
      "BEGIN; UPDATE offramp.checkpoint SET token = '2' WHERE partition = 'l' AND token = '1'");
  Status status;
  std::thread writer([&] { status = apply(*mine, {order("a", 7)}, "1", "2b"); });
  wait_for(other,
           "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = "
           "current_database() AND query LIKE '%UPDATE offramp.checkpoint%'",
           "1");
  run(zombie, "COMMIT");
  writer.join();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), "applier.superseded");
  EXPECT_EQ(token("l"), "2");
  EXPECT_EQ(read_all(*target_), canonical({order("a", 1)}));
}

TEST_F(PostgresApplierTest, WhatTheOwnerChangedIsNamed) {
  auto mine = applier("l");
  ASSERT_OK(apply(*mine, {order("a", 1)}, "", "1"));
  Connection owner = connect();
  auto fails = [&](const std::string& change, const std::string& undo, ErrorKind kind,
                   const std::string& code, const std::string& named) {
    run(owner, change);
    Status status =
        apply(*mine, {order("a", 3, R"(,"count":{"N":"987654"})"), plain("x")}, "1", "2");
    ASSERT_FALSE(status.ok()) << change;
    EXPECT_EQ(status.error().kind(), kind) << status.error().message();
    EXPECT_EQ(status.error().code(), code) << status.error().message();
    EXPECT_NE(status.error().message().find(named), std::string::npos) << status.error().message();
    EXPECT_EQ(status.error().message().find("987654"), std::string::npos) << "C12";
    run(owner, undo);
    EXPECT_EQ(read_all(*target_), canonical({order("a", 1)})) << change;
  };
  const std::string orders = "ALTER TABLE \"Orders \"\"2\"\"\" ";
  fails(orders + "RENAME COLUMN \"total\" TO was", orders + "RENAME COLUMN was TO \"total\"",
        ErrorKind::kConflict, "applier.table_changed", "total");
  fails("ALTER TABLE other RENAME TO gone", "ALTER TABLE gone RENAME TO other",
        ErrorKind::kConflict, "applier.table_changed", "other");
  fails("ALTER TABLE lines ADD CONSTRAINT few CHECK (ordinal < 2)",
        "ALTER TABLE lines DROP CONSTRAINT few", ErrorKind::kBadItem, "applier.refused", "few");
  fails(orders + "ALTER COLUMN \"count\" TYPE smallint",
        orders + "ALTER COLUMN \"count\" TYPE bigint", ErrorKind::kBadItem, "applier.refused",
        "Orders");
  fails(
      "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION "
      "'not %', NEW.count; END $$; CREATE TRIGGER no BEFORE UPDATE ON \"Orders \"\"2\"\"\" FOR "
      "EACH ROW EXECUTE FUNCTION no()",
      "DROP TRIGGER no ON \"Orders \"\"2\"\"\"", ErrorKind::kBadItem, "applier.refused", "Orders");
  fails(
      "ALTER TABLE \"Orders \"\"2\"\"\" ADD CONSTRAINT late UNIQUE (\"count\") DEFERRABLE "
      "INITIALLY DEFERRED; INSERT INTO \"Orders \"\"2\"\"\" (pk, sk, \"count\") VALUES ('z', "
      "'ORDER#1', "
      "987654)",
      "ALTER TABLE \"Orders \"\"2\"\"\" DROP CONSTRAINT late; DELETE FROM \"Orders \"\"2\"\"\" "
      "WHERE pk = "
      "'z'",
      ErrorKind::kBadItem, "applier.refused", "late");
  ASSERT_OK(apply(*mine, {order("a", 3)}, "1", "2"));
}

// A cascade or foreign key of the owner: rows go and come in an order that it can bear.
TEST_F(PostgresApplierTest, ForeignKeysOfTheOwnerHold) {
  auto mine = applier("l");
  Connection owner = connect();
  run(owner, "ALTER TABLE lines ADD FOREIGN KEY (pk, sk) REFERENCES \"Orders \"\"2\"\"\" (pk, sk)");
  ASSERT_OK(apply(*mine, {order("a", 3), order("b", 1)}, "", "1"));
  ASSERT_OK(apply(*mine, {order("a", 1), order("c", 2)}, "1", "2"));
  auto batch = make_batch(mapping_, {order("a", 1)}, "", 0);
  mapping::RowBatch keys, none;
  keys.reset(mapping_->tables().size());
  none.reset(mapping_->tables().size());
  mapping::Splitter splitter(mapping_);
  ASSERT_OK(splitter.key_rows(batch->items.item(0), keys));
  ASSERT_OK(mine->apply(keys, none, "2", {.records = 1, .token = "3"}));
  EXPECT_EQ(read_all(*target_), canonical({order("b", 1), order("c", 2)}));
}

TEST_F(PostgresApplierTest, C5_ACommitSurvivesACrashOfTheServer) {
  auto mine = applier("l");
  ASSERT_OK(apply(*mine, {order("a", 2), plain("b")}, "", "1"));
  PostgresServer::instance().crash();
  PostgresServer::instance().start();
  Status status = apply(*mine, {order("a", 3)}, "1", "2");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kUnavailable) << status.error().message();
  EXPECT_EQ(token("l"), "1");
  EXPECT_EQ(read_all(*target_), canonical({order("a", 2), plain("b")}));
}

}  // namespace
}  // namespace offramp::target::postgres
