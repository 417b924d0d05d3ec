// What only the SQLite store has: files shared with other processes, group commit, memory.
#include "target/sqlite/serve/sqlite_store.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "target/sqlite/schema.h"
#include "target/sqlite/serve/errors.h"
#include "target/sqlite/serve/open.h"
#include "target/sqlite/serve/plan_access.h"
#include "target/store_conformance_fixture.h"

namespace offramp::target::sqlite::serve {
namespace {

using mapping::TestItem;

class SqliteStoreTest : public testing::Test {
 protected:
  SqliteStoreTest() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "offramp-store-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~SqliteStoreTest() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return folder_ + "/store.sqlite"; }
  static std::unique_ptr<Store> open(const std::string& url) {
    auto store = store_entry().open(url);
    EXPECT_TRUE(store.ok()) << store.error().message();
    return store.ok() ? std::move(*store) : nullptr;
  }
  std::unique_ptr<Store> open() { return open("sqlite:" + path()); }
  static ServedTable table_for(Store& store) {
    ServedTable table;
    table.name = table.id = table.into = "t";
    table.key = mapping::key_schema(ddb::Type::kS, std::nullopt);
    EXPECT_TRUE(make_mapping(table, store.limits()).ok());
    return table;
  }
  static ServedTable create(Store& store) {
    ServedTable table = table_for(store);
    Status created = store.create_table(table, "{}");
    EXPECT_TRUE(created.ok()) << created.error().message();
    return table;
  }
  static std::string item(const std::string& key, int64_t value) {
    return R"({"pk":{"S":")" + key + R"("},"v":{"N":")" + std::to_string(value) + "\"}}";
  }
  static Status put(StoreSession& session, const ServedTable& table, const std::string& json) {
    TestItem item(json);
    ItemRef ref{&table, item.view()};
    Decision decision{Decision::Kind::kPut, item.view()};
    return session.write_blind({&ref, 1}, {&decision, 1});
  }
  static int64_t value_of(StoreSession& session, const ServedTable& table, const std::string& key) {
    TestItem item(SqliteStoreTest::item(key, 0));
    ItemRef ref{&table, item.view()};
    ddb::ItemBatch batch;
    std::vector<ddb::ItemView> found;
    Status status = session.get({&ref, 1}, batch, found);
    EXPECT_TRUE(status.ok()) << status.error().message();
    return status.ok() && found[0] ? std::stoll(std::string(found[0].find("v").bytes())) : -1;
  }
  // Adds one, atomically.
  static Status count(StoreSession& session, const ServedTable& table, const std::string& key) {
    TestItem counter(item(key, 0));
    ItemRef ref{&table, counter.view()};
    std::optional<TestItem> next;
    return session.write({&ref, 1}, [&](auto old, auto decisions) -> Status {
      int64_t now = old[0] ? std::stoll(std::string(old[0].find("v").bytes())) : 0;
      next.emplace(item(key, now + 1));
      decisions[0] = {Decision::Kind::kPut, next->view()};
      return {};
    });
  }
  io::SqliteDb shell() {
    return io::SqliteDb::open(path(), io::SqliteDb::Mode::kReadWrite).value();
  }

  std::string folder_;
};

TEST_F(SqliteStoreTest, OpeningTellsWhatIsWrong) {
  EXPECT_FALSE(store_entry().open("sqlite:").ok());
  auto no_folder = store_entry().open("sqlite:" + folder_ + "/none/store.sqlite");
  ASSERT_FALSE(no_folder.ok());
  EXPECT_EQ(no_folder.error().kind(), ErrorKind::kConfig);
  FILE* file = std::fopen(path().c_str(), "w");
  std::fputs("this is no database, but long enough to be looked at as one; it is text", file);
  std::fclose(file);
  auto no_database = store_entry().open("sqlite:" + path());
  ASSERT_FALSE(no_database.ok());
  EXPECT_EQ(no_database.error().kind(), ErrorKind::kConfig) << no_database.error().message();
}

TEST_F(SqliteStoreTest, ThreadsShareAStoreInMemory) {
  auto store = open("sqlite::memory:");
  ServedTable table = create(*store);
  std::vector<std::thread> threads;
  std::atomic<int> failed{0};
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      auto session = store->session().value();
      for (int i = 0; i < 200; ++i) {
        failed += !count(*session, table, "counter").ok();
        failed += value_of(*session, table, "counter") <= 0;
        failed += !store->catalog_version().ok();
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(value_of(*store->session().value(), table, "counter"), 1600);
}

TEST_F(SqliteStoreTest, TwoStoresOfOneFileLoseNoUpdate) {
  auto one = open(), two = open();
  ServedTable table = create(*one);
  std::vector<std::thread> threads;
  std::atomic<int> added{0};
  for (int t = 0; t < 6; ++t)
    threads.emplace_back([&, t] {
      auto session = (t % 2 ? *one : *two).session().value();
      for (int i = 0; i < 30; ++i) {
        Status status = count(*session, table, "counter");
        // Only the turn at the file may be refused, and then nothing was written.
        if (status.ok())
          ++added;
        else
          EXPECT_EQ(status.error().code(), "store.conflict") << status.error().message();
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_GT(added, 0);
  EXPECT_EQ(value_of(*one->session().value(), table, "counter"), added);
}

TEST_F(SqliteStoreTest, AWriterWaitsForASqlTransactionAndSeesItsRows) {
  auto store = open();
  ServedTable table = create(*store);
  auto session = store->session().value();
  io::SqliteDb db = shell();
  ASSERT_TRUE(db.execute("BEGIN IMMEDIATE; INSERT INTO t (pk, extra) VALUES "
                         "('counter', '{\"v\":{\"N\":\"41\"}}')")
                  .ok());
  EXPECT_EQ(value_of(*session, table, "counter"), -1) << "not committed: not seen";
  std::thread writer([&] {
    auto own = store->session().value();
    EXPECT_TRUE(count(*own, table, "counter").ok());
  });
  ASSERT_TRUE(db.execute("COMMIT").ok());
  writer.join();
  EXPECT_EQ(value_of(*session, table, "counter"), 42);
}

TEST_F(SqliteStoreTest, BusyIsAConflict) {
  Error error = store_error(Error(ErrorKind::kRetry, "sqlite.busy", "locked"));
  EXPECT_EQ(error.kind(), ErrorKind::kConflict);
  EXPECT_EQ(error.code(), "store.conflict");
}

// One thread's refused rows take nothing from the others that share its transaction.
TEST_F(SqliteStoreTest, ARefusedWriteTakesBackItsOwnOnly) {
  auto store = open();
  ServedTable table = create(*store);
  ASSERT_TRUE(shell()
                  .execute("CREATE TRIGGER owner BEFORE INSERT ON t WHEN NEW.pk GLOB 'bad*' "
                           "BEGIN SELECT RAISE(ABORT, 'the owner refuses it'); END")
                  .ok());
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t)
    threads.emplace_back([&, t] {
      auto session = store->session().value();
      for (int i = 0; i < 30; ++i) {
        std::string name = std::to_string(t) + "-" + std::to_string(i);
        if (t % 2) {
          EXPECT_TRUE(put(*session, table, item(name, i)).ok());
          continue;
        }
        TestItem first(item("first" + name, 1)), bad(item("bad" + name, 1));
        ItemRef refs[] = {{&table, first.view()}, {&table, bad.view()}};
        Decision decisions[] = {{Decision::Kind::kPut, first.view()},
                                {Decision::Kind::kPut, bad.view()}};
        Status status = session->write_blind(refs, decisions);
        ASSERT_FALSE(status.ok());
        EXPECT_EQ(status.error().code(), "store.refused") << status.error().message();
        EXPECT_EQ(status.error().kind(), ErrorKind::kBadItem);
      }
    });
  for (auto& thread : threads) thread.join();
  io::SqliteDb db = shell();
  EXPECT_EQ(db.query_int64("SELECT count(*) FROM t").value(), 3 * 30);
  EXPECT_EQ(db.query_int64("SELECT count(*) FROM t WHERE pk GLOB 'first*'").value(), 0);
}

// C9: what was acknowledged is there after a kill.
TEST_F(SqliteStoreTest, AKilledProcessHasKeptWhatItAcknowledged) {
  {
    auto store = open();
    create(*store);
  }
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto store = store_entry().open("sqlite:" + path());
    if (!store.ok()) _exit(1);
    ServedTable table = table_for(**store);
    auto session = (*store)->session();
    for (int i = 0; session.ok(); ++i) {
      if (!put(**session, table, item(std::to_string(i), i)).ok()) break;
      if (write(pipe_ends[1], "x", 1) != 1) break;
    }
    _exit(1);
  }
  close(pipe_ends[1]);
  char acknowledged;
  int count = 0;
  for (; count < 100; ++count) ASSERT_EQ(read(pipe_ends[0], &acknowledged, 1), 1);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  while (read(pipe_ends[0], &acknowledged, 1) == 1) ++count;
  close(pipe_ends[0]);
  auto store = open();
  ServedTable table = table_for(*store);
  auto session = store->session().value();
  for (int i = 0; i < count; ++i) ASSERT_EQ(value_of(*session, table, std::to_string(i)), i);
  EXPECT_EQ(store->catalog().value().size(), 1u);
}

// Written to all the time, the write-ahead log is copied beside the writer and begins anew.
TEST_F(SqliteStoreTest, TheWriteAheadLogStaysBounded) {
  std::unique_ptr<Store> store = open();
  ServedTable table = create(*store);
  auto session = std::move(store->session()).value();
  uintmax_t log_bytes = 0;
  // Some 75 pages each, 30,000 in all.
  for (int i = 0; i < 400; ++i) {
    std::string text(300'000, static_cast<char>('a' + i % 20));
    ASSERT_TRUE(put(*session, table,
                    R"({"pk":{"S":"k)" + std::to_string(i % 3) + R"("},"v":{"N":")" +
                        std::to_string(i) + R"("},"text":{"S":")" + text + "\"}}")
                    .ok());
    log_bytes = std::max(log_bytes, std::filesystem::file_size(path() + "-wal"));
  }
  EXPECT_GT(log_bytes, 1'000'000u);
  EXPECT_LT(log_bytes, 20'500u * 4120);
  EXPECT_EQ(value_of(*session, table, "k0"), 399);
  session.reset();
  store.reset();  // the last connection copies what is left
  EXPECT_FALSE(std::filesystem::exists(path() + "-wal"));
}

TEST_F(SqliteStoreTest, ManyTablesMoreThanAConnectionKeeps) {
  auto store = open("sqlite::memory:");
  auto session = store->session().value();
  std::vector<ServedTable> tables;
  for (int i = 0; i < 200; ++i) {
    ServedTable table = table_for(*store);
    table.name = table.id = table.into = "t" + std::to_string(i);
    ASSERT_TRUE(make_mapping(table, store->limits()).ok());
    ASSERT_TRUE(store->create_table(table, "{}").ok());
    tables.push_back(table);
  }
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < 200; ++i)
      ASSERT_TRUE(count(*session, tables[static_cast<size_t>(i)], "c").ok());
  for (const ServedTable& table : tables) EXPECT_EQ(value_of(*session, table, "c"), 2);
  EXPECT_EQ(store->catalog().value().size(), 200u);
}

// Reads of an index's partition do not look at every row, in any kind of column.
TEST_F(SqliteStoreTest, PlanTablesAreReadAlongIndexes) {
  model::TableMapping orders;
  orders.into = "orders";
  orders.key = {{"pk", "C#{c}", {}}, {"sk", "O#{o}", {}}};
  orders.columns = {{"mail", {"mail"}, model::ColumnType::kText, {}, {}, {}}};
  ServedTable table;
  table.key = mapping::key_schema();
  table.made_here = false;
  table.mapping = mapping::compiled({orders}, table.key);
  table.indexes = {{"mail", {{"mail", ddb::Type::kS}}, {}, false},
                   {"extra", {{"it's", ddb::Type::kB}, {"n", ddb::Type::kN}}, {}, false},
                   {"inverted", {{"sk", ddb::Type::kS}}, {{"pk", ddb::Type::kS}}, false},
                   {"local", {{"pk", ddb::Type::kS}}, {{"n", ddb::Type::kN}}, true}};
  io::SqliteDb db = io::SqliteDb::open(path(), io::SqliteDb::Mode::kReadWriteCreate).value();
  const mapping::Table& made = table.mapping->tables()[0];
  ASSERT_TRUE(db.execute(create_table_sql(made)).ok());
  for (const mapping::Table& t : table.mapping->tables())
    if (&t != &made) {
      ASSERT_TRUE(db.execute(create_table_sql(t)).ok());
    }
  for (const std::string& sql : plan_indexes_sql(table)) {
    Status status = db.execute(sql);
    ASSERT_TRUE(status.ok()) << sql << ": " << status.error().message();
  }
  auto plan = [&](const std::string& sql) {
    io::SqliteStatement statement = db.prepare("EXPLAIN QUERY PLAN " + sql).value();
    EXPECT_TRUE(statement.step().value());
    return std::string(statement.text(3));
  };
  for (const ServedIndex& index : table.indexes) {
    PlanAccess access = plan_access(table, 0, index);
    ASSERT_TRUE(access.usable) << index.name;
    Read read;
    read.equal = access.path.partition;
    std::string chosen = plan(read_sql(made, access.path, read));
    EXPECT_TRUE(chosen.starts_with("SEARCH orders USING INDEX")) << index.name << ": " << chosen;
  }
  EXPECT_EQ(plan(odd_rows_sql(made)), "SCAN orders USING INDEX orders_nul");
  EXPECT_FALSE(plan_access(table, 0, {"odd name", {{"a\"b", ddb::Type::kS}}, {}, false}).usable);
}

TEST_F(SqliteStoreTest, AttachNeedsThePlansTables) {
  auto store = open();
  ServedTable table;
  table.key = mapping::key_schema();
  table.made_here = false;
  table.mapping = mapping::compiled({mapping::table("orders")}, table.key);
  Status status = store->attach(table);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), "store.no_table");
}

// One number that SQLite keeps as text sends the whole partition, larger than what is kept in
// memory, through the collector: the pages are the same.
TEST_F(SqliteStoreTest, LargePartitionsAreSortedPageByPage) {
  auto store = open("sqlite::memory:");
  ServedTable table = table_for(*store);
  table.key = mapping::key_schema(ddb::Type::kS, ddb::Type::kN);
  ASSERT_TRUE(make_mapping(table, store->limits()).ok());
  ASSERT_TRUE(store->create_table(table, "{}").ok());
  auto session = store->session().value();
  ModelTable model(table);
  std::string payload(60'000, 'x');
  for (int i = 0; i < 300; ++i) {
    // In no order; the last one between two others.
    std::string number =
        std::to_string(i * 7919 % 300) + (i == 299 ? ".12345678901234567890123" : "");
    std::string json =
        R"({"pk":{"S":"p"},"sk":{"N":")" + number + R"("},"v":{"S":")" + payload + "\"}}";
    model.put(json);
    ASSERT_TRUE(put(*session, table, json).ok());
  }
  KeyValue partition(string_json("p"));
  for (bool forward : {true, false})
    for (size_t items_max : {size_t{7}, SIZE_MAX}) {
      PageRequest request;
      request.table = &table;
      request.partition = {partition.view()};
      request.forward = forward;
      request.items_max = items_max;
      std::vector<ModelTable::Item> expected = model.query(request);
      size_t seen = 0;
      Page page;
      do {
        Status status = session->read(request, page);
        ASSERT_TRUE(status.ok()) << status.error().message();
        ASSERT_EQ(page.items.size(), std::min({items_max, size_t{18}, expected.size() - seen}));
        for (size_t i = 0; i < page.items.size(); ++i, ++seen) {
          ASSERT_EQ(page.items.item(i).find("sk").bytes(),
                    expected[seen]->view().find("sk").bytes());
          ASSERT_EQ(page.items.item(i).find("v").bytes(), payload);
        }
        if (seen > 0) request.after = expected[seen - 1]->view();
      } while (page.more);
      EXPECT_EQ(seen, expected.size());
    }
}

}  // namespace
}  // namespace offramp::target::sqlite::serve
