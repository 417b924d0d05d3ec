#include "source/scan/scan_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "ddb/wire_json.h"
#include "io/fake_clock_test.h"
#include "source/scan/scripted_table_test.h"

namespace offramp::source::scan {
namespace {

using testing::HasSubstr;

class ScanTest : public testing::Test {
 protected:
  std::unique_ptr<ItemSource> open(int segments = 1) {
    server_ = std::make_unique<io::ScriptedServer>(table_);
    options_.table = "Tab";
    options_.region = "eu-west-1";
    options_.endpoint = server_->url();
    options_.segments = segments;
    options_.stop = stop_.get_token();
    options_.credentials = io::aws::fixed_credentials({"AK", "s", "", {}, "test"});
    options_.retry.tries_max = 3;
    options_.clock = &clock_;
    return std::move(open_scan(options_)).value();
  }
  void fill(size_t count, size_t filler = 10) {
    for (size_t i = 0; i < count; ++i)
      table_.items.push_back(R"({"pk":{"S":"k)" + std::to_string(i) + R"("},"f":{"S":")" +
                             std::string(filler, 'x') + "\"}}");
  }
  // Reads one partition to its end, at most `batches_max` batches; the texts of its items.
  std::vector<std::string> read(ItemSource& source, const Partition& partition,
                                model::Position& position, size_t batches_max = SIZE_MAX) {
    std::vector<std::string> out;
    auto reader = std::move(source.open(partition, position)).value();
    ddb::ItemBatch batch;
    for (size_t n = 0; n < batches_max; ++n) {
      auto more = reader->next(batch, position);
      EXPECT_TRUE(more.ok()) << (more.ok() ? "" : more.error().message());
      if (!more.ok() || !more.value()) break;
      EXPECT_LE(batch.size(), kBatchItemsMax);
      for (size_t i = 0; i < batch.size(); ++i)
        out.push_back(ddb::canonical_item_json(batch.item(i)));
      bad_ += batch.bad.size();
      ++batches_;
    }
    return out;
  }
  std::multiset<std::string> expected() { return {table_.items.begin(), table_.items.end()}; }
  static std::multiset<std::string> keys(const std::vector<std::string>& items) {
    std::multiset<std::string> out;
    for (const auto& item : items) out.insert(nlohmann::json::parse(item)["pk"].dump());
    return out;
  }
  std::multiset<std::string> expected_keys() { return keys(table_.items); }

  ScriptedTable table_;
  ScanOptions options_;
  io::FakeClock clock_;
  std::stop_source stop_;
  std::unique_ptr<io::ScriptedServer> server_;
  size_t batches_ = 0, bad_ = 0;
};

TEST_F(ScanTest, DescribesTheTable) {
  auto source = open(3);
  auto spec = source->describe();
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(spec->name, "Tab");
  EXPECT_EQ(spec->key->partition, (model::KeyAttribute{"pk", ddb::Type::kS}));
  EXPECT_EQ(spec->ttl_attribute, "expires");
  auto partitions = source->partitions();
  ASSERT_TRUE(partitions.ok());
  ASSERT_EQ(partitions->size(), 3u);
  EXPECT_EQ((*partitions)[2].id, "segment 2/3");
  EXPECT_THAT(source->fingerprint().value(), HasSubstr("in 3 segments"));
  EXPECT_THAT(source->fingerprint().value(), HasSubstr("id-1"));
  EXPECT_EQ(server_->requests().size(), 2u) << "asked for once";
  EXPECT_THAT(source->remarks().at(0), HasSubstr("expires"));
}

TEST_F(ScanTest, ReadsEverySegmentOverManyPages) {
  fill(2500);
  table_.page_items = 300;
  auto source = open(4);
  std::vector<std::string> all;
  const std::vector<Partition> partitions = source->partitions().value();
  for (const Partition& partition : partitions) {
    model::Position position;
    auto part = read(*source, partition, position);
    EXPECT_EQ(position.records, 625u);
    EXPECT_TRUE(position.done);
    all.insert(all.end(), part.begin(), part.end());
  }
  EXPECT_EQ(keys(all), expected_keys());
}

TEST_F(ScanTest, AnEmptyTableEndsAtOnce) {
  auto source = open();
  model::Position position;
  EXPECT_TRUE(read(*source, {"segment 0/1"}, position).empty());
  EXPECT_TRUE(position.done);
  // A reader opened at the end asks for nothing more.
  size_t requests = server_->requests().size();
  EXPECT_TRUE(read(*source, {"segment 0/1"}, position).empty());
  EXPECT_EQ(server_->requests().size(), requests);
}

TEST_F(ScanTest, C6_PagesWithoutItemsGoOn) {
  fill(50);
  table_.page_items = 7;
  table_.empty_pages = true;
  auto source = open();
  model::Position position;
  EXPECT_EQ(keys(read(*source, {"segment 0/1"}, position)), expected_keys());
}

TEST_F(ScanTest, C10_ALargePageBecomesSeveralBatches) {
  fill(3000, 700);
  table_.page_items = 3000;
  auto source = open();
  model::Position position;
  EXPECT_EQ(keys(read(*source, {"segment 0/1"}, position)), expected_keys());
  EXPECT_GE(batches_, 4u);
}

TEST_F(ScanTest, C9_ResumesAfterEveryBatchWithoutLossOrRepeat) {
  fill(5000, 20);
  table_.page_items = 1700;  // pages end inside and at batches
  auto source = open(2);
  std::vector<std::string> all;
  const std::vector<Partition> partitions = source->partitions().value();
  for (const Partition& partition : partitions) {
    model::Position position;
    while (!position.done) {  // a new reader for every batch
      auto part = read(*source, partition, position, 1);
      all.insert(all.end(), part.begin(), part.end());
    }
    EXPECT_EQ(position.records, 2500u);
  }
  EXPECT_EQ(all.size(), 5000u);
  EXPECT_EQ(keys(all), expected_keys());
}

TEST_F(ScanTest, C8_PositionsKeepNumbersAndBinaryExactly) {
  table_.key_type = "N";
  for (const char* n : {"9007199254740993", "-99999999999999999999999999999999999999",
                        "0.1000000000000000055511151231257827", "1"})
    table_.items.push_back(R"({"pk":{"N":")" + std::string(n) + "\"}}");
  table_.page_items = 1;
  auto source = open();
  model::Position position;
  EXPECT_EQ(keys(read(*source, {"segment 0/1"}, position)), expected_keys());
  auto requests = server_->requests();
  EXPECT_THAT(requests.at(requests.size() - 3).body,
              HasSubstr(R"("ExclusiveStartKey":{"pk":{"N":"9007199254740993"}})"));

  table_.key_type = "B";
  table_.items = {R"({"pk":{"B":"AP/+"}})", R"({"pk":{"B":"AQ=="}})", R"({"pk":{"B":"/w=="}})"};
  source = open();
  position = {};
  read(*source, {"segment 0/1"}, position, 1);
  EXPECT_EQ(position.token, R"({"pk":{"B":"AP/+"}})");
  EXPECT_EQ(read(*source, {"segment 0/1"}, position).size(), 2u);
}

TEST_F(ScanTest, KeysThatNeedEscapesResumeInsideAPage) {
  for (int i = 0; i < 2000; ++i)
    table_.items.push_back(
        nlohmann::json{{"pk", {{"S", "q\"\\\n\x01 é😀" + std::to_string(i)}}}}.dump());
  table_.page_items = 2000;
  auto source = open();
  model::Position position;
  auto first = read(*source, {"segment 0/1"}, position, 1);
  auto rest = read(*source, {"segment 0/1"}, position);
  EXPECT_EQ(first.size() + rest.size(), 2000u);
}

TEST_F(ScanTest, C7_AnItemThatCannotBeDecodedIsKeptWhole) {
  table_.items = {R"({"pk":{"S":"a"}})", R"({"pk":{"S":"b"},"x":{"Q":"?"}})", R"({"pk":{"S":"c"}})",
                  R"({"pk":{"S":"d"},"x":{"N":"1e999"}})"};
  auto source = open();
  auto reader = std::move(source->open({"segment 0/1"}, {})).value();
  ddb::ItemBatch batch;
  model::Position after;
  ASSERT_TRUE(reader->next(batch, after).value());
  EXPECT_EQ(batch.size(), 2u);
  ASSERT_EQ(batch.bad.size(), 2u);
  EXPECT_EQ(batch.bad[0].raw, table_.items[1]);
  EXPECT_EQ(batch.bad[0].ordinal, 1u);
  EXPECT_EQ(batch.ordinal(1), 2u);
  EXPECT_EQ(batch.bad[1].ordinal, 3u);
  EXPECT_EQ(after.records, 4u);
  EXPECT_EQ(after.token, R"({"pk":{"S":"d"}})");
  EXPECT_FALSE(reader->next(batch, after).value());
  EXPECT_TRUE(batch.empty());
  EXPECT_TRUE(after.done);
}

TEST_F(ScanTest, AnotherNumberOfSegmentsOrABadPositionIsRefused) {
  auto source = open(4);
  EXPECT_EQ(source->open({"segment 0/8"}, {}).error().kind(), ErrorKind::kConflict);
  for (const char* token : {"x", "{", "[]", "{\"pk\":{\"S\":\"a\"}},\"Limit\":1,\"x\":{"})
    EXPECT_EQ(source->open({"segment 0/4"}, {.records = 1, .token = token}).error().kind(),
              ErrorKind::kCorrupt)
        << token;
}

TEST_F(ScanTest, TheReadBudgetHolds) {
  fill(4000);
  options_.read_units_per_second = 200;
  auto source = open(4);
  const std::vector<Partition> partitions = source->partitions().value();
  for (const Partition& partition : partitions) {
    model::Position position;
    read(*source, partition, position);
  }
  // 4000 units at 200 a second, less the second that may be saved up and the last page, which is
  // paid for afterwards.
  double seconds = std::chrono::duration<double>(clock_.passed()).count();
  EXPECT_GT(seconds, 17);
  EXPECT_LT(seconds, 23);
}

TEST_F(ScanTest, TwoSourcesShareABudget) {
  fill(2000);
  options_.clock = &clock_;
  options_.read_units_per_second = 200;
  options_.budget = open_read_budget(options_).value();
  options_.read_units_per_second = 0;
  for (int i = 0; i < 2; ++i) {
    auto source = open(1);
    model::Position position;
    EXPECT_EQ(read(*source, {"segment 0/1"}, position).size(), 2000u);
  }
  double seconds = std::chrono::duration<double>(clock_.passed()).count();
  EXPECT_GT(seconds, 17);
  EXPECT_LT(seconds, 23);
}

TEST_F(ScanTest, ItemsPerHourHold) {
  fill(1000);
  options_.items_per_hour = 3600;
  auto source = open(1);
  model::Position position;
  EXPECT_EQ(read(*source, {"segment 0/1"}, position).size(), 1000u);
  double seconds = std::chrono::duration<double>(clock_.passed()).count();
  EXPECT_GT(seconds, 900);
  EXPECT_LT(seconds, 1100);
}

TEST_F(ScanTest, AStopEndsTheScan) {
  fill(10);
  auto source = open();
  auto reader = std::move(source->open({"segment 0/1"}, {})).value();
  stop_.request_stop();
  ddb::ItemBatch batch;
  model::Position after;
  auto got = reader->next(batch, after);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().kind(), ErrorKind::kCancelled);
}

TEST(ScanOptions, AreChecked) {
  auto code = [](ScanOptions options) {
    options.region = "eu-west-1";
    auto got = open_scan(options);
    return got.ok() ? std::string() : got.error().code();
  };
  EXPECT_EQ(code({.table = "ab"}), "scan.table_name");
  EXPECT_EQ(code({.table = "a b c"}), "scan.table_name");
  EXPECT_EQ(code({.table = "arn:aws:dynamodb:eu-west-1:123456789012:table/T"}), "");
  EXPECT_EQ(code({.table = "Table", .segments = -1}), "scan.segments");
  EXPECT_EQ(code({.table = "Table", .segments = 5000}), "scan.segments");
  EXPECT_EQ(code({.table = "Table", .read_units_per_second = -1}), "scan.read_units");
  EXPECT_EQ(code({.table = "Table", .window = "22-06"}), "scan.window");
  EXPECT_EQ(code({.table = "Table", .window = "22:00-06:00"}), "");
}

}  // namespace
}  // namespace offramp::source::scan
