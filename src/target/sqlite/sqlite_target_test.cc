// What is SQLite's own: opening, full disk, names, kills during a load and during finish_load (C5,
// C9).
#include "target/sqlite/sqlite_target.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "ddb/wire_json.h"
#include "target/sqlite/open.h"
#include "target/sqlite/schema.h"

namespace offramp::target::sqlite {

namespace {

class SqliteTargetTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "offramp-sqlite-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    options_.path = folder_ + "/t.sqlite";
    mapping_ = compile({});
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::shared_ptr<const mapping::CompiledMapping> compile(const std::string& extra_column) {
    model::TableMapping orders;
    orders.into = "orders";
    orders.columns = {{"n", {"n"}, model::ColumnType::kBigint, {}, {}, {}}};
    if (!extra_column.empty())
      orders.columns.push_back(
          {extra_column, {extra_column}, model::ColumnType::kText, {}, {}, {}});
    model::ChildSpec lines;
    lines.name = "lines";
    lines.from = {"lines"};
    lines.columns = {{"sku", {"sku"}, model::ColumnType::kText, {}, {}, {}}};
    orders.children = {lines};
    auto mapping =
        mapping::CompiledMapping::compile({orders}, {{"pk", ddb::Type::kS}, std::nullopt},
                                          SqliteTarget::static_capabilities().limits);
    EXPECT_TRUE(mapping.ok()) << mapping.error().message();
    return *mapping;
  }
  std::unique_ptr<Target> open_prepared(Target::Start start = Target::Start::kFirst) {
    auto target = SqliteTarget::open(options_);
    EXPECT_TRUE(target.ok()) << target.error().message();
    Status status = (*target)->prepare(mapping_, "m", start);
    EXPECT_TRUE(status.ok()) << status.error().message();
    return std::move(*target);
  }
  // `count` items from `first`; item n has n % 4 lines.
  std::unique_ptr<LoadBatch> batch(size_t first, size_t count, const char* partition = "p") {
    auto out = std::make_unique<LoadBatch>();
    out->partition = partition;
    out->after.records = first + count;
    out->rows.reset(mapping_->tables().size());
    mapping::Splitter splitter(mapping_);
    ddb::JsonDecoder decoder;
    std::string why;
    for (size_t n = first; n < first + count; ++n) {
      std::string json = item(n);
      char* text = out->items.arena.allocate(json.size() + ddb::kJsonPadding);
      std::memcpy(text, json.data(), json.size());
      auto root = decoder.decode_item({text, json.size()}, {}, ddb::JsonForm::kTyped, out->items);
      EXPECT_TRUE(root.ok());
      out->items.add_root(*root, n);
      splitter.split(out->items.item(out->items.size() - 1), out->rows, why);
    }
    return out;
  }
  static std::string item(size_t n) {
    std::string json = "{\"pk\":{\"S\":\"k" + std::to_string(n) + "\"},\"n\":{\"N\":\"" +
                       std::to_string(n) + "\"}";
    for (size_t i = 0; i < n % 4; ++i)
      json += (i ? "," : ",\"lines\":{\"L\":[") +
              ("{\"M\":{\"sku\":{\"S\":\"s" + std::to_string(n + i) + "\"}}}");
    return json + (n % 4 ? "]}}" : "}");
  }
  static size_t count_items(Target& target, std::set<std::string>& out) {
    size_t count = 0;
    auto partitions = target.read_partitions(2);
    EXPECT_TRUE(partitions.ok()) << partitions.error().message();
    for (const ReadPartition& partition : *partitions) {
      auto reader = target.read(partition);
      EXPECT_TRUE(reader.ok()) << reader.error().message();
      ddb::ItemBatch items;
      for (;;) {
        auto more = (*reader)->next(items);
        EXPECT_TRUE(more.ok()) << more.error().message();
        if (!more.ok() || !*more) break;
        count += items.size();
        for (size_t i = 0; i < items.size(); ++i)
          out.insert(ddb::canonical_item_json(items.item(i)));
      }
    }
    return count;
  }
  static Result<Target::FinishOutcome> finish(Target& target) {
    return target.finish_load([](const Duplicate&) -> Status { return {}; },
                              [](const std::string&) {});
  }
  Error open_error(const std::string& path) {
    auto target = entry().open("sqlite:" + path);
    EXPECT_FALSE(target.ok());
    return target.ok() ? Error(ErrorKind::kInternal, "", "") : target.error();
  }

  std::string folder_;
  Options options_;
  std::shared_ptr<const mapping::CompiledMapping> mapping_;
};

TEST_F(SqliteTargetTest, OpeningNamesThePathAndTheRemedy) {
  std::string text = folder_ + "/notes.txt";
  std::ofstream(text) << std::string(5000, 'x');
  for (const std::string& path :
       {text, folder_, folder_ + "/missing/t.sqlite", text + "/t.sqlite"}) {
    Error error = open_error(path);
    EXPECT_EQ(error.kind(), ErrorKind::kConfig) << error.message();
    EXPECT_NE(error.message().find(path), std::string::npos) << error.message();
  }
  EXPECT_EQ(open_error("").kind(), ErrorKind::kConfig);
  std::ifstream untouched(text);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(untouched), {}), std::string(5000, 'x'));
}

// In a child process without the rights of root, to whom no file is read-only.
TEST_F(SqliteTargetTest, ReadOnlyFileIsRefused) {
  open_prepared();
  std::filesystem::permissions(folder_, std::filesystem::perms(0755));
  std::filesystem::permissions(options_.path, std::filesystem::perms(0444));
  pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 && setuid(65534) != 0) _exit(2);
    auto target = SqliteTarget::open(options_);
    _exit(!target.ok() && target.error().kind() == ErrorKind::kConfig ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(SqliteTargetTest, OpeningMakesNoFile) {
  ASSERT_TRUE(SqliteTarget::open(options_).ok());
  EXPECT_FALSE(std::filesystem::exists(options_.path));
}

TEST_F(SqliteTargetTest, ChangedPlanIsRefused) {
  open_prepared();
  mapping_ = compile("added");
  auto target = SqliteTarget::open(options_);
  ASSERT_TRUE(target.ok());
  Status status = (*target)->prepare(mapping_, "m", Target::Start::kResuming);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kConflict) << status.error().message();
}

TEST_F(SqliteTargetTest, ColumnsNamedLikeTheRowidWork) {
  mapping_ = compile("rowid");
  auto target = open_prepared();
  auto loader = target->loader();
  ASSERT_TRUE((*loader)->append(batch(0, 20)).ok());
  ASSERT_TRUE((*loader)->append(batch(0, 20)).ok());
  ASSERT_TRUE((*loader)->flush().ok());
  auto outcome = finish(*target);
  ASSERT_TRUE(outcome.ok()) << outcome.error().message();
  EXPECT_EQ(outcome->identical_copies_removed, 20u);
  std::set<std::string> items;
  EXPECT_EQ(count_items(*target, items), 20u);
}

TEST_F(SqliteTargetTest, FullDiskIsResumable) {
  options_.rows_per_transaction = 500;
  options_.page_count_max = 100;
  Error error(ErrorKind::kInternal, "", "");
  {
    auto target = open_prepared();
    auto loader = target->loader(), other = target->loader();
    Status status;
    size_t at = 0;
    for (; at < 1'000'000 && status.ok(); at += 100) status = (*loader)->append(batch(at, 100));
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().kind(), ErrorKind::kUnavailable) << status.error().message();
    EXPECT_NE(status.error().message().find(options_.path), std::string::npos)
        << status.error().message();
    // Sticky, for every loader.
    EXPECT_FALSE((*loader)->flush().ok());
    EXPECT_FALSE((*other)->append(batch(0, 1)).ok());
  }
  options_.page_count_max = 0;
  auto target = open_prepared(Target::Start::kResuming);
  auto positions = target->positions();
  ASSERT_TRUE(positions.ok());
  size_t durable = (*positions)["p"].records;
  EXPECT_GT(durable, 0u);
  auto loader = target->loader();
  ASSERT_TRUE((*loader)->append(batch(durable, 1000)).ok());
  ASSERT_TRUE((*loader)->flush().ok());
  auto outcome = finish(*target);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->identical_copies_removed, 0u);
  std::set<std::string> items;
  EXPECT_EQ(count_items(*target, items), durable + 1000);
}

// A child process loads and is killed; what is there is exactly what the position says.
TEST_F(SqliteTargetTest, C9_KilledWhileLoading) {
  options_.rows_per_transaction = 300;
  for (int round = 0; round < 5; ++round) {
    pid_t child = fork();
    if (child == 0) {
      auto target = open_prepared();
      auto positions = target->positions();
      size_t at = (*positions)["p"].records;
      auto loader = target->loader();
      for (; at < 100'000'000; at += 100)
        if (!(*loader)->append(batch(at, 100)).ok()) _exit(1);
      _exit(0);
    }
    usleep(100'000 + round * 37'000);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
  }
  auto target = open_prepared();
  auto positions = target->positions();
  ASSERT_TRUE(positions.ok());
  size_t durable = (*positions)["p"].records;
  EXPECT_GT(durable, 0u);
  auto outcome = finish(*target);
  ASSERT_TRUE(outcome.ok()) << outcome.error().message();
  EXPECT_EQ(outcome->identical_copies_removed + outcome->duplicates, 0u);
  std::set<std::string> items;
  EXPECT_EQ(count_items(*target, items), durable);
  EXPECT_EQ(items.size(), durable);
}

TEST_F(SqliteTargetTest, C9_KilledWhileRemovingDuplicates) {
  constexpr size_t kItems = 4000;
  {
    auto target = open_prepared();
    auto loader = target->loader();
    for (int copy = 0; copy < 3; ++copy) ASSERT_TRUE((*loader)->append(batch(0, kItems)).ok());
    ASSERT_TRUE((*loader)->flush().ok());
  }
  for (int round = 0; round < 4; ++round) {
    pid_t child = fork();
    if (child == 0) {
      auto target = open_prepared();
      (void)finish(*target);
      _exit(0);
    }
    usleep(15'000 * (round + 1));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  auto target = open_prepared();
  auto outcome = finish(*target);
  ASSERT_TRUE(outcome.ok()) << outcome.error().message();
  EXPECT_EQ(outcome->duplicates, 0u) << "copies were taken apart";
  std::set<std::string> items;
  EXPECT_EQ(count_items(*target, items), kItems);
  EXPECT_EQ(items.size(), kItems);
  auto counts = target->row_counts();
  ASSERT_TRUE(counts.ok());
  for (auto& [table, rows] : *counts)
    EXPECT_EQ(rows, table == "lines" ? kItems / 4 * 6 : table == "orders" ? kItems : 0) << table;
}

TEST_F(SqliteTargetTest, RowsWithoutAParentAreReported) {
  auto target = open_prepared();
  auto loader = target->loader();
  ASSERT_TRUE((*loader)->append(batch(0, 10)).ok());
  ASSERT_TRUE((*loader)->flush().ok());
  ASSERT_TRUE(finish(*target).ok());
  {
    auto db = open_connection(options_, Access::kWrite);
    ASSERT_TRUE(db.ok());
    ASSERT_TRUE(db->execute("DELETE FROM orders WHERE pk = 'k3'").ok());
  }
  auto partitions = target->read_partitions(1);
  ASSERT_TRUE(partitions.ok());
  auto reader = target->read((*partitions)[0]);
  ASSERT_TRUE(reader.ok());
  ddb::ItemBatch items;
  auto more = (*reader)->next(items);
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().kind(), ErrorKind::kCorrupt);
}

TEST_F(SqliteTargetTest, TablesAreStrictAndKeyed) {
  auto target = open_prepared();
  ASSERT_TRUE(finish(*target).ok());
  auto db = open_connection(options_, Access::kWrite);
  ASSERT_TRUE(db.ok());
  EXPECT_FALSE(db->execute("INSERT INTO orders (pk, n) VALUES ('a', 'no number')").ok());
  EXPECT_TRUE(db->execute("INSERT INTO orders (pk, n) VALUES ('a', 1)").ok());
  EXPECT_FALSE(db->execute("INSERT INTO orders (pk, n) VALUES ('a', 2)").ok());
  EXPECT_FALSE(db->execute("INSERT INTO orders (n) VALUES (2)").ok());
}

}  // namespace

}  // namespace offramp::target::sqlite
