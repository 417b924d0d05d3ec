// Several migrations in one file and one process: who writes is waited for, whoever it is.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>

#include "ddb/wire_json.h"
#include "target/sqlite/sqlite_target.h"

namespace offramp::target::sqlite {
namespace {

class TwoMigrations : public testing::Test {
 protected:
  static constexpr size_t kItems = 20'000, kItemsPerBatch = 200;

  void SetUp() override {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "offramp-sqlite-XXXXXX").string();
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
    auto mapping =
        mapping::CompiledMapping::compile({table}, {{"pk", ddb::Type::kS}, std::nullopt},
                                          SqliteTarget::static_capabilities().limits, name);
    EXPECT_TRUE(mapping.ok());
    auto target = SqliteTarget::open(options_);
    EXPECT_TRUE(target.ok());
    expect_ok((*target)->prepare(*mapping, name, Target::Start::kFirst));
    return {*mapping, std::move(*target)};
  }
  static void expect_ok(const Status& status) {
    EXPECT_TRUE(status.ok()) << status.error().message();
  }

  static void add_items(mapping::Splitter& splitter, size_t first, size_t count,
                        ddb::ItemBatch& items, mapping::RowBatch& rows, mapping::RowBatch* keys) {
    ddb::JsonDecoder decoder;
    std::string why;
    for (size_t n = first; n < first + count; ++n) {
      std::string json = "{\"pk\":{\"S\":\"k" + std::to_string(n) + "\"},\"n\":{\"N\":\"" +
                         std::to_string(n) + "\"}}";
      char* text = items.arena.allocate(json.size() + ddb::kJsonPadding);
      std::memcpy(text, json.data(), json.size());
      auto root = decoder.decode_item({text, json.size()}, {}, ddb::JsonForm::kTyped, items);
      ASSERT_TRUE(root.ok());
      items.add_root(*root, n);
      splitter.split(items.item(items.size() - 1), rows, why);
      if (keys) expect_ok(splitter.key_rows(items.item(items.size() - 1), *keys));
    }
  }
  // kItems at least, then more while `wanted` (how many there are is what comes back).
  size_t load(
      Migration& migration, const std::function<bool()>& wanted = [] { return false; }) {
    auto loader = migration.target->loader();
    EXPECT_TRUE(loader.ok());
    mapping::Splitter splitter(migration.mapping);
    size_t n = 0;
    for (; n < kItems || wanted(); n += kItemsPerBatch) {
      auto batch = std::make_unique<LoadBatch>();
      batch->partition = "p";
      batch->rows.reset(migration.mapping->tables().size());
      add_items(splitter, n, kItemsPerBatch, batch->items, batch->rows, nullptr);
      batch->after.records = n + kItemsPerBatch;
      expect_ok((*loader)->append(std::move(batch)));
    }
    expect_ok((*loader)->flush());
    finish(migration);
    return n;
  }
  void finish(Migration& migration) {
    auto finished = migration.target->finish_load([](const Duplicate&) -> Status { return {}; },
                                                  [](const std::string&) {});
    EXPECT_TRUE(finished.ok()) << finished.error().message();
  }
  // Changes without a pause until `done`; `transactions` says how many are in.
  void apply_until(Migration& migration, const std::string& lane, const std::atomic<bool>& done,
                   std::atomic<size_t>& transactions) {
    auto applier = migration.target->applier(lane);
    EXPECT_TRUE(applier.ok());
    mapping::Splitter splitter(migration.mapping);
    std::string before;
    while (!done) {
      ddb::ItemBatch items;
      mapping::RowBatch keys, rows;
      keys.reset(migration.mapping->tables().size());
      rows.reset(migration.mapping->tables().size());
      add_items(splitter, transactions % 50 * 20, 20, items, rows, &keys);
      std::string after = std::to_string(transactions + 1);
      Status applied =
          (*applier)->apply(keys, rows, before, {.records = transactions + 1, .token = after});
      expect_ok(applied);
      if (!applied.ok()) break;
      ++transactions;
      before = after;
    }
  }
  static uint64_t rows_of(Migration& migration) {
    return (*migration.target->row_counts())[0].second;
  }

  std::string folder_;
  Options options_;
};

TEST_F(TwoMigrations, OneLoadsWhileOthersFollow) {
  Migration loading = open("loading"), first = open("first"), second = open("second");
  finish(first);
  finish(second);
  std::atomic<bool> done = false;
  std::atomic<size_t> first_applied = 0, second_applied = 0;
  std::thread one([&] { apply_until(first, "l", done, first_applied); });
  std::thread two([&] { apply_until(second, "l", done, second_applied); });
  // The load goes on until both have had their turns: whoever is starved shows by the deadline.
  constexpr size_t kTurns = 6;
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  size_t loaded = load(loading, [&] {
    return (first_applied < kTurns || second_applied < kTurns) &&
           std::chrono::steady_clock::now() < deadline;
  });
  size_t first_meanwhile = first_applied, second_meanwhile = second_applied;
  done = true;
  one.join();
  two.join();
  EXPECT_EQ(rows_of(loading), loaded);
  EXPECT_GE(first_meanwhile, kTurns) << "the load let nobody else write";
  EXPECT_GE(second_meanwhile, kTurns);
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
