// Several migrations in one file and one process: who writes is waited for, whoever it is.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "ddb/wire_json.h"
#include "target/sqlite/sqlite_target.h"

namespace offramp::target::sqlite {
namespace {

class TwoMigrations : public testing::Test {
 protected:
  static constexpr size_t kItems = 20'000, kItemsPerBatch = 200;

  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "offramp-sqlite-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    options_.path = folder_ + "/t.sqlite";
    options_.rows_per_transaction = 1000;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  struct Migration {
    std::shared_ptr<const mapping::CompiledMapping> mapping;
    std::unique_ptr<Target> target;
  };
  Migration open(const std::string& name) {
    model::TableMapping table;
    table.into = name;
    table.columns = {{"n", {"n"}, model::ColumnType::kBigint, {}, {}, {}}};
    table.indexes = {{"", {"n"}, {}}};
    auto mapping = mapping::CompiledMapping::compile({table}, {{"pk", ddb::Type::kS}, std::nullopt},
                                                     SqliteTarget::static_capabilities().limits, name);
    EXPECT_TRUE(mapping.ok());
    auto target = SqliteTarget::open(options_);
    EXPECT_TRUE(target.ok());
    expect_ok((*target)->prepare(*mapping, name, Target::Start::kFirst));
    return {*mapping, std::move(*target)};
  }
  static void expect_ok(const Status& status) { EXPECT_TRUE(status.ok()) << status.error().message(); }

  static void add_items(mapping::Splitter& splitter, size_t first, size_t count, ddb::ItemBatch& items,
                        mapping::RowBatch& rows, mapping::RowBatch* keys) {
    ddb::JsonDecoder decoder;
    std::string why;
    for (size_t n = first; n < first + count; ++n) {
      std::string json = "{\"pk\":{\"S\":\"k" + std::to_string(n) + "\"},\"n\":{\"N\":\"" + std::to_string(n) + "\"}}";
      char* text = items.arena.allocate(json.size() + ddb::kJsonPadding);
      std::memcpy(text, json.data(), json.size());
      auto root = decoder.decode_item({text, json.size()}, {}, ddb::JsonForm::kTyped, items);
      ASSERT_TRUE(root.ok());
      items.add_root(*root, n);
      splitter.split(items.item(items.size() - 1), rows, why);
      if (keys) expect_ok(splitter.key_rows(items.item(items.size() - 1), *keys));
    }
  }
  void load(Migration& migration) {
    auto loader = migration.target->loader();
    ASSERT_TRUE(loader.ok());
    mapping::Splitter splitter(migration.mapping);
    for (size_t n = 0; n < kItems; n += kItemsPerBatch) {
      auto batch = std::make_unique<LoadBatch>();
      batch->partition = "p";
      batch->rows.reset(migration.mapping->tables().size());
      add_items(splitter, n, kItemsPerBatch, batch->items, batch->rows, nullptr);
      batch->after.records = n + kItemsPerBatch;
      expect_ok((*loader)->append(std::move(batch)));
    }
    expect_ok((*loader)->flush());
    finish(migration);
  }
  void finish(Migration& migration) {
    auto finished = migration.target->finish_load([](const Duplicate&) -> Status { return {}; }, [](const std::string&) {});
    EXPECT_TRUE(finished.ok()) << finished.error().message();
  }
  // Changes without a pause until `done`; gives how many transactions that were.
  size_t apply_until(Migration& migration, const std::string& lane, const std::atomic<bool>& done) {
    auto applier = migration.target->applier(lane);
    EXPECT_TRUE(applier.ok());
    mapping::Splitter splitter(migration.mapping);
    size_t transactions = 0;
    std::string before;
    while (!done) {
      ddb::ItemBatch items;
      mapping::RowBatch keys, rows;
      keys.reset(migration.mapping->tables().size());
      rows.reset(migration.mapping->tables().size());
      add_items(splitter, transactions % 50 * 20, 20, items, rows, &keys);
      std::string after = std::to_string(++transactions);
      Status applied = (*applier)->apply(keys, rows, before, {.records = transactions, .token = after});
      expect_ok(applied);
      if (!applied.ok()) break;
      before = after;
    }
    return transactions;
  }
  static uint64_t rows_of(Migration& migration) { return (*migration.target->row_counts())[0].second; }

  std::string folder_;
  Options options_;
};

TEST_F(TwoMigrations, OneLoadsWhileOthersFollow) {
  Migration loading = open("loading"), first = open("first"), second = open("second");
  finish(first);
  finish(second);
  std::atomic<bool> done = false;
  size_t first_applied = 0, second_applied = 0;
  std::thread one([&] { first_applied = apply_until(first, "l", done); });
  std::thread two([&] { second_applied = apply_until(second, "l", done); });
  load(loading);
  done = true;
  one.join();
  two.join();
  EXPECT_EQ(rows_of(loading), kItems);
  EXPECT_GT(first_applied, 5u) << "the load let nobody else write";
  EXPECT_GT(second_applied, 5u);
  EXPECT_EQ(rows_of(first), std::min<size_t>(first_applied, 50) * 20);
}

TEST_F(TwoMigrations, TwoLoadAtOnce) {
  // Not what `run` does (capabilities().one_writer), but two processes may.
  Migration a = open("a"), b = open("b");
  std::thread other([&] { load(b); });
  load(a);
  other.join();
  EXPECT_EQ(rows_of(a), kItems);
  EXPECT_EQ(rows_of(b), kItems);
}

}  // namespace
}  // namespace offramp::target::sqlite
