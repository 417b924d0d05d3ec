// The parts of a scan that need no server: pages, table descriptions, windows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "io/fake_clock_test.h"
#include "source/scan/daily_window.h"
#include "source/scan/read_budget.h"
#include "source/scan/scan_page.h"
#include "source/scan/table_description.h"

namespace offramp::source::scan {
namespace {

TEST(ScanPage, CutsItemsAsWritten) {
  ScanPage page;
  ASSERT_TRUE(
      page.parse(
              R"({"LastEvaluatedKey":{ "pk" : {"N":"9007199254740993"} },"Items":[{"a":{"S":"]},{\"x"}} , {} ],)"
              R"("Count":2,"ScannedCount":5,"ConsumedCapacity":{"CapacityUnits":12.5,"TableName":"T"},"New":[1]})")
          .ok());
  ASSERT_EQ(page.items().size(), 2u);
  EXPECT_EQ(page.items()[0], R"({"a":{"S":"]},{\"x"}})");
  EXPECT_EQ(page.items()[1].substr(0, 2), "{}");
  EXPECT_EQ(page.last_key(), R"({ "pk" : {"N":"9007199254740993"} })");
  EXPECT_EQ(page.consumed_units(), 12.5);
  EXPECT_EQ(page.scanned(), 5u);
  ASSERT_TRUE(page.parse(R"({"Items":[],"Count":0})").ok());
  EXPECT_EQ(page.last_key(), "");
  EXPECT_EQ(page.consumed_units(), 0);
}

TEST(ScanPage, C6_AnswersThatContradictThemselvesAreRefused) {
  ScanPage page;
  for (const char* bad :
       {"", "x", "[]", "{}", R"({"Items":[]})", R"({"Count":0})", R"({"Items":[{}],"Count":2})",
        R"({"Items":[1],"Count":1})", R"({"Items":{},"Count":0})", R"({"Items":[{}],"Count":1)",
        R"({"Items":[],"Count":0}})", R"({"Items":[],"Count":-1})",
        R"({"Items":[],"Count":0,"LastEvaluatedKey":"x"})"}) {
    Status status = page.parse(bad);
    ASSERT_FALSE(status.ok()) << bad;
    EXPECT_EQ(status.error().kind(), ErrorKind::kCorrupt) << bad;
  }
}

TEST(TableDescription, ReadsKeysAndIndexes) {
  auto got = parse_table_description(
      R"({"Table":{"TableName":"T","TableStatus":"UPDATING","TableArn":"arn:t","TableId":"i",
    "ItemCount":42,"CreationDateTime":1.7E9,
    "AttributeDefinitions":[{"AttributeName":"PK","AttributeType":"S"},{"AttributeName":"SK","AttributeType":"N"},
      {"AttributeName":"b","AttributeType":"B"},{"AttributeName":"y","AttributeType":"N"}],
    "KeySchema":[{"AttributeName":"PK","KeyType":"HASH"},{"AttributeName":"SK","KeyType":"RANGE"}],
    "GlobalSecondaryIndexes":[{"IndexName":"g","KeySchema":[{"AttributeName":"x","KeyType":"HASH"},
      {"AttributeName":"y","KeyType":"HASH"},{"AttributeName":"z","KeyType":"RANGE"},{"AttributeName":"w","KeyType":"RANGE"}],
      "Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["p","q"]}}],
    "LocalSecondaryIndexes":[{"IndexName":"l","KeySchema":[{"AttributeName":"PK","KeyType":"HASH"},
      {"AttributeName":"b","KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}]}})",
      "T");
  ASSERT_TRUE(got.ok()) << got.error().message();
  EXPECT_EQ(got->spec.key->sort, (model::KeyAttribute{"SK", ddb::Type::kN}));
  EXPECT_EQ(got->spec.item_count, 42u);
  ASSERT_EQ(got->spec.indexes.size(), 2u);
  using Projection = model::SecondaryIndex::Projection;
  EXPECT_EQ(got->spec.indexes[0],
            (model::SecondaryIndex{"g",
                                   {{"x", ddb::Type::kS}, {"y", ddb::Type::kN}},
                                   {{"z"}, {"w"}},
                                   false,
                                   Projection::kInclude,
                                   {"p", "q"}}));
  EXPECT_EQ(got->spec.indexes[1],
            (model::SecondaryIndex{
                "l", {{"PK"}}, {{"b", ddb::Type::kB}}, true, Projection::kKeysOnly, {}}));
  EXPECT_EQ(got->id, "i");
}

TEST(TableDescription, StatesAndNonsenseAreErrors) {
  auto kind = [](const char* answer) {
    return parse_table_description(answer, "T").error().kind();
  };
  EXPECT_EQ(kind(R"({"Table":{"TableStatus":"DELETING"}})"), ErrorKind::kConfig);
  EXPECT_EQ(kind(R"({"Table":{"TableStatus":"ARCHIVED"}})"), ErrorKind::kConfig);
  EXPECT_EQ(kind(R"({"Table":{"TableStatus":"INACCESSIBLE_ENCRYPTION_CREDENTIALS"}})"),
            ErrorKind::kConfig);
  for (
      const char* bad :
      {"", "[]", "{}", R"({"Table":1})", R"({"Table":{"TableStatus":"ACTIVE"}})",
       R"({"Table":{"TableStatus":"ACTIVE","KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]}})",
       R"({"Table":{"TableStatus":"ACTIVE","KeySchema":[1]}})"})
    EXPECT_EQ(kind(bad), ErrorKind::kCorrupt) << bad;
}

// 2023-11-14T22:13:20Z is the fake clock's start.
TEST(DailyWindow, FollowsLocalTimeAndMayPassMidnight) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  io::FakeClock clock;
  auto wait = [&](const char* text) {
    return DailyWindow::parse(text).value().until_open(clock.wall()).count();
  };
  EXPECT_EQ(wait("22:00-06:00"), 0);
  EXPECT_EQ(wait("22:13-22:14"), 0);
  EXPECT_EQ(wait("22:14-06:00"), 40);
  EXPECT_EQ(wait("01:00-06:00"), 2 * 3600 + 46 * 60 + 40);
  EXPECT_EQ(wait("09:00-22:13"), 10 * 3600 + 46 * 60 + 40);
  ::setenv("TZ", "UTC-3", 1);  // three hours east
  ::tzset();
  EXPECT_EQ(wait("01:00-06:00"), 0);
  ::unsetenv("TZ");
  ::tzset();
  for (const char* bad : {"", "22:00", "22:00-", "22:00-22:00", "24:00-01:00", "2:00-03:00",
                          "22:60-23:00", "22:00-06:00 "})
    EXPECT_FALSE(DailyWindow::parse(bad).ok()) << bad;
}

TEST(ReadBudget, WaitsForTheWindowToOpen) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  io::FakeClock clock;
  ReadBudget budget(0, 0, DailyWindow::parse("23:00-23:30").value(), clock);
  ASSERT_TRUE(budget.acquire({1, 1}, {}).ok());
  EXPECT_EQ(clock.passed(), std::chrono::seconds(46 * 60 + 40));
  ASSERT_TRUE(budget.acquire({1, 1}, {}).ok());
  EXPECT_EQ(clock.passed(), std::chrono::seconds(46 * 60 + 40));
  ::unsetenv("TZ");
  ::tzset();
}

TEST(ReadBudget, ReservesAndSettles) {
  io::FakeClock clock;
  ReadBudget budget(100, 0, {}, clock);
  ASSERT_TRUE(budget.acquire({100, 10}, {}).ok());
  ASSERT_TRUE(budget.acquire({100, 10}, {}).ok());
  EXPECT_EQ(clock.passed(), std::chrono::seconds(1));
  budget.settle({100, 10}, {300, 10});  // dearer than thought
  ASSERT_TRUE(budget.acquire({100, 10}, {}).ok());
  EXPECT_EQ(clock.passed(), std::chrono::seconds(4));
  budget.settle({100, 10}, {0, 0});  // gave nothing: given back
  ASSERT_TRUE(budget.acquire({100, 10}, {}).ok());
  EXPECT_EQ(clock.passed(), std::chrono::seconds(4));
  EXPECT_EQ(budget.page_limit(), 16u) << "30 units an item: the least page";
}

TEST(ReadBudget, WithoutLimitsNothingWaits) {
  io::FakeClock clock;
  ReadBudget budget(0, 0, {}, clock);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(budget.acquire({1e9, 1'000'000}, {}).ok());
  EXPECT_EQ(clock.passed().count(), 0);
  EXPECT_FALSE(budget.page_limit());
}

}  // namespace
}  // namespace offramp::source::scan
