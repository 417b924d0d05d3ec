// What is SQLite's own about changes: the write-ahead log's size, other writers, rowids, schema
// changes, kills (C5, C9).
#include "target/sqlite/applier.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "ddb/wire_json.h"
#include "target/sqlite/sqlite_target.h"

namespace offramp::target::sqlite {

namespace {

class SqliteApplierTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "offramp-sqlite-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    options_.path = folder_ + "/t.sqlite";
    model::TableMapping orders, other;
    orders.match = "attribute_exists(n)";
    orders.into = "orders";
    orders.columns = {{"n", {"n"}, model::ColumnType::kBigint, {}, {}, {}}};
    model::ChildSpec lines;
    lines.name = "lines";
    lines.from = {"lines"};
    lines.columns = {{"sku", {"sku"}, model::ColumnType::kText, {}, {}, {}}};
    orders.children = {lines};
    other.into = "other";
    auto mapping =
        mapping::CompiledMapping::compile({orders, other}, {{"pk", ddb::Type::kS}, std::nullopt},
                                          SqliteTarget::static_capabilities().limits);
    ASSERT_TRUE(mapping.ok()) << mapping.error().message();
    mapping_ = *mapping;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Target> open(Target::Start start = Target::Start::kFirst) {
    auto target = SqliteTarget::open(options_);
    EXPECT_TRUE(target.ok()) << target.error().message();
    expect_ok((*target)->prepare(mapping_, "m", start));
    auto finished = (*target)->finish_load([](const Duplicate&) -> Status { return {}; },
                                           [](const std::string&) {});
    EXPECT_TRUE(finished.ok()) << finished.error().message();
    return std::move(*target);
  }
  static std::unique_ptr<Applier> applier(Target& target, const std::string& lane = "l") {
    auto out = target.applier(lane);
    EXPECT_TRUE(out.ok()) << out.error().message();
    return std::move(*out);
  }
  static void expect_ok(const Status& status) {
    EXPECT_TRUE(status.ok()) << status.error().message();
  }
  static std::string order(size_t n, size_t lines, size_t value) {
    std::string json = "{\"pk\":{\"S\":\"k" + std::to_string(n) + "\"},\"n\":{\"N\":\"" +
                       std::to_string(value) + "\"},\"lines\":{\"L\":[";
    for (size_t i = 0; i < lines; ++i)
      json += std::string(i ? "," : "") + "{\"M\":{\"sku\":{\"S\":\"v" + std::to_string(value) +
              "\"}}}";
    return json + "]}}";
  }
  static std::string plain(size_t n, const std::string& filler = "") {
    return "{\"pk\":{\"S\":\"k" + std::to_string(n) + "\"},\"f\":{\"S\":\"" + filler + "\"}}";
  }
  Status apply(Applier& applier, const std::vector<std::string>& images,
               const std::string& expected, const std::string& after) {
    ddb::ItemBatch items;
    ddb::JsonDecoder decoder;
    mapping::Splitter splitter(mapping_);
    mapping::RowBatch keys, rows;
    keys.reset(mapping_->tables().size());
    rows.reset(mapping_->tables().size());
    std::string why;
    for (const std::string& json : images) {
      char* text = items.arena.allocate(json.size() + ddb::kJsonPadding);
      std::memcpy(text, json.data(), json.size());
      auto root = decoder.decode_item({text, json.size()}, {}, ddb::JsonForm::kTyped, items);
      EXPECT_TRUE(root.ok()) << root.error().message();
      items.add_root(*root, items.size());
      splitter.split(items.item(items.size() - 1), rows, why);
      expect_ok(splitter.key_rows(items.item(items.size() - 1), keys));
    }
    return applier.apply(keys, rows, expected, {.records = images.size(), .token = after});
  }
  int64_t ask(const std::string& sql) {
    auto db = open_connection(options_, Access::kRead);
    EXPECT_TRUE(db.ok());
    auto value = db->query_int64(sql);
    EXPECT_TRUE(value.ok()) << value.error().message();
    return value.ok() ? *value : -1;
  }
  void run(const std::string& sql) {
    auto db = open_connection(options_, Access::kWrite);
    ASSERT_TRUE(db.ok());
    expect_ok(db->execute(sql));
  }
  std::string token(Target& target, const std::string& lane = "l") {
    auto positions = target.positions();
    EXPECT_TRUE(positions.ok());
    return (*positions)[lane].token;
  }
  uintmax_t log_bytes() const { return std::filesystem::file_size(options_.path + "-wal"); }

  std::string folder_;
  Options options_;
  std::shared_ptr<const mapping::CompiledMapping> mapping_;
};

TEST_F(SqliteApplierTest, AnItemKeepsItsRowids) {
  auto target = open();
  auto mine = applier(*target);
  expect_ok(apply(*mine, {order(1, 3, 1), order(2, 2, 1)}, "", "1"));
  int64_t parent = ask("SELECT rowid FROM orders WHERE pk = 'k1'");
  int64_t children = ask("SELECT sum(rowid * rowid) FROM lines WHERE pk = 'k1'");
  expect_ok(apply(*mine, {order(1, 3, 2)}, "1", "2"));
  EXPECT_EQ(ask("SELECT n FROM orders WHERE pk = 'k1'"), 2);
  EXPECT_EQ(ask("SELECT rowid FROM orders WHERE pk = 'k1'"), parent);
  EXPECT_EQ(ask("SELECT sum(rowid * rowid) FROM lines WHERE pk = 'k1'"), children);
}

TEST_F(SqliteApplierTest, C10_TheLogStaysBoundedWhileOurReadersAreOpen) {
  options_.checkpoint_pages = 50;
  options_.log_pages_max = 100;
  auto target = open();
  auto mine = applier(*target);
  std::string filler(900, 'f');
  std::vector<std::string> images;
  for (size_t n = 0; n < 1500; ++n) images.push_back(plain(n, filler));
  expect_ok(apply(*mine, images, "", "0"));
  std::vector<std::unique_ptr<RowReader>> readers;
  auto partitions = target->read_partitions(1);
  ASSERT_TRUE(partitions.ok());
  ddb::ItemBatch items;
  for (const ReadPartition& partition : *partitions) {
    auto reader = target->read(partition);
    ASSERT_TRUE(reader.ok());
    ASSERT_TRUE((*reader)->next(items).ok());  // in the middle of the table, or at its end
    readers.push_back(std::move(*reader));
  }
  uintmax_t before = log_bytes();
  for (size_t round = 0; round < 60; ++round) {
    std::vector<std::string> some(images.begin() + static_cast<long>(round * 20),
                                  images.begin() + static_cast<long>(round * 20 + 100));
    expect_ok(apply(*mine, some, std::to_string(round), std::to_string(round + 1)));
  }
  // 60 rounds wrote some 3,000 pages of 4 KiB.
  EXPECT_LE(log_bytes(), std::max<uintmax_t>(before, 400 * 4096));
  for (auto& reader : readers)
    for (auto more = reader->next(items); more.ok() && *more; more = reader->next(items)) {
    }
}

TEST_F(SqliteApplierTest, AForeignReaderStopsNoChange) {
  options_.checkpoint_pages = 20;
  options_.log_pages_max = 40;
  auto target = open();
  auto mine = applier(*target);
  expect_ok(apply(*mine, {plain(0, "x")}, "", "0"));
  auto foreign = open_connection(options_, Access::kRead);
  ASSERT_TRUE(foreign.ok());
  expect_ok(foreign->execute("BEGIN"));
  EXPECT_EQ(*foreign->query_int64("SELECT count(*) FROM other"), 1);
  std::string filler(3000, 'f');
  for (size_t round = 0; round < 5; ++round) {
    std::vector<std::string> images;
    for (size_t n = 1; n < 30; ++n) images.push_back(plain(round * 30 + n, filler));
    expect_ok(apply(*mine, images, std::to_string(round), std::to_string(round + 1)));
  }
  EXPECT_EQ(*foreign->query_int64("SELECT count(*) FROM other"), 1);
  EXPECT_EQ(ask("SELECT count(*) FROM other"), 1 + 5 * 29);
}

TEST_F(SqliteApplierTest, AnotherWriterIsWaitedForAndThenARetry) {
  options_.busy_timeout_ms = 20;
  auto target = open();
  auto mine = applier(*target);
  expect_ok(apply(*mine, {order(1, 1, 1)}, "", "1"));
  auto other = open_connection(options_, Access::kWrite);
  ASSERT_TRUE(other.ok());
  expect_ok(other->execute("BEGIN IMMEDIATE"));
  Status status = apply(*mine, {order(1, 2, 2)}, "1", "2");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kRetry) << status.error().message();
  expect_ok(other->execute("ROLLBACK"));
  EXPECT_EQ(token(*target), "1");
  auto next = applier(*target);
  expect_ok(apply(*next, {order(1, 2, 2)}, "1", "2"));
  EXPECT_EQ(ask("SELECT count(*) FROM lines"), 2);
}

TEST_F(SqliteApplierTest, KeptStatementsFollowTheSchemaAndNameWhatIsGone) {
  auto target = open();
  auto mine = applier(*target);
  expect_ok(apply(*mine, {order(1, 2, 1), plain(2)}, "", "1"));
  run("CREATE INDEX owners_index ON orders (n)");
  expect_ok(apply(*mine, {order(1, 1, 2)}, "1", "2"));
  run("ALTER TABLE orders RENAME COLUMN n TO was");
  Status status = apply(*mine, {plain(3), order(1, 5, 424242)}, "2", "3");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kConflict) << status.error().message();
  EXPECT_EQ(status.error().code(), "applier.table_changed");
  EXPECT_NE(status.error().message().find("orders"), std::string::npos);
  EXPECT_EQ(status.error().message().find("424242"), std::string::npos) << "C12";
  EXPECT_EQ(ask("SELECT count(*) FROM other"), 1);
  run("ALTER TABLE orders RENAME COLUMN was TO n; CREATE UNIQUE INDEX owners_key ON orders (n)");
  Status refused = apply(*mine, {order(4, 0, 2)}, "2", "3");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), "applier.refused") << refused.error().message();
  EXPECT_EQ(token(*target), "2");
  expect_ok(apply(*mine, {order(1, 5, 3)}, "2", "3"));
}

TEST_F(SqliteApplierTest, C9_KilledWhileApplying) {
  open();
  constexpr size_t kKeys = 40;
  auto images = [&](size_t round) {
    std::vector<std::string> out;
    for (size_t n = 0; n < kKeys; ++n) out.push_back(order(n, (round + n) % 3, round));
    return out;
  };
  size_t round = 0;
  for (int kill_number = 0; kill_number < 5; ++kill_number) {
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
      auto target = open(Target::Start::kResuming);
      auto mine = applier(*target);
      for (size_t r = round;; ++r) {
        if (!apply(*mine, images(r + 1), r ? std::to_string(r) : "", std::to_string(r + 1)).ok())
          _exit(1);
        if (r == round + 2 && write(ready[1], "x", 1) != 1) _exit(1);
      }
    }
    close(ready[1]);
    char byte;
    ASSERT_EQ(read(ready[0], &byte, 1), 1) << "the child failed";
    close(ready[0]);
    usleep(static_cast<useconds_t>(3'000 * kill_number));  // another place each time; none is wrong
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    auto target = open(Target::Start::kResuming);
    size_t durable = std::stoul(token(*target));
    EXPECT_GE(durable, round + 3);
    EXPECT_EQ(ask("SELECT count(*) FROM orders WHERE n = " + std::to_string(durable)),
              int64_t{kKeys})
        << "C5: the rows are those of the position";
    size_t lines = 0;
    for (size_t n = 0; n < kKeys; ++n) lines += (durable + n) % 3;
    EXPECT_EQ(ask("SELECT count(*) FROM lines"), static_cast<int64_t>(lines));
    round = durable;
  }
}

}  // namespace

}  // namespace offramp::target::sqlite
