// The sweep of expired items: which are deleted, when, and that a change in between saves them.
#include "engine/expiry.h"

#include <fmt/format.h>

#include "engine/engine_fixture_test.h"

namespace offramp::engine {
namespace {

constexpr int64_t kNow = 1'700'000'000;

class ExpiryTest : public EngineTest {
 protected:
  ExpiryTest() : catalog(store, clock) {
    options.clock = &clock;
    options.log = [this](const Error& error) { logged.push_back(error.message()); };
    make_table("tab");
    ok("UpdateTimeToLive",
       R"({"TableName":"tab","TimeToLiveSpecification":{"Enabled":true,"AttributeName":"at"}})");
  }
  // `at`: the attribute's value as JSON; empty: none.
  void put(std::string_view pk, std::string_view at) {
    ok("PutItem", fmt::format(R"({{"TableName":"tab","Item":{{"pk":{{"S":"{}"}}{}}}}})", pk,
                              at.empty() ? "" : fmt::format(R"(,"at":{})", at)));
  }
  void put_at(std::string_view pk, int64_t at) { put(pk, fmt::format(R"({{"N":"{}"}})", at)); }
  std::string left() {
    std::string out;
    simdjson::dom::parser parser;
    simdjson::dom::element root = parser.parse(ok("Scan", R"({"TableName":"tab"})")).value_unsafe();
    for (auto item : root["Items"])
      out += (out.empty() ? "" : " ") + std::string(item["pk"]["S"].get_string().value_unsafe());
    return out;
  }
  uint64_t sweep() { return Expiry(options, store, catalog).sweep({}); }

  EngineOptions options;
  Catalog catalog;
};

TEST_F(ExpiryTest, WhatIsPastIsDeletedAndNothingElse) {
  put("none", "");
  put("text", R"({"S":"1"})");
  put_at("future", kNow + 1);
  put_at("now", kNow);
  put_at("past", kNow - 1);
  put("fraction", fmt::format(R"({{"N":"{}.5"}})", kNow - 1));
  put_at("five-years", kNow - int64_t{5} * 365 * 86400);
  put_at("older", kNow - int64_t{5} * 365 * 86400 - 1);
  put("milliseconds", fmt::format(R"({{"N":"{}000"}})", kNow - 1));
  put("negative", R"({"N":"-5"})");
  put("tiny", R"({"N":"1E-100"})");
  put("set", R"({"NS":["1"]})");
  EXPECT_EQ(left(),
            "five-years fraction future milliseconds negative none now older past set text tiny");
  EXPECT_EQ(sweep(), 3U);
  EXPECT_EQ(left(), "future milliseconds negative none now older set text tiny");
  EXPECT_EQ(sweep(), 0U);
  clock.pass(std::chrono::seconds(2));
  EXPECT_EQ(sweep(), 2U);
  EXPECT_EQ(left(), "milliseconds negative none older set text tiny");
  EXPECT_TRUE(logged.empty());
}

TEST_F(ExpiryTest, WhatIsChangedInBetweenStays) {
  put_at("a", kNow - 1);
  put_at("b", kNow - 1);
  // After the sweep has read and decided, before it writes: b gets another time.
  bool changed = false;
  store.before_commit = [&]() -> Status {
    if (changed) return {};
    changed = true;
    // The store is locked here; what another writer did shows as a conflict, and is decided anew.
    return Error(ErrorKind::kRetry, "test.retry", "somebody was faster");
  };
  EXPECT_EQ(sweep(), 2U);
  EXPECT_TRUE(changed);
  store.before_commit = nullptr;
  put_at("c", kNow - 1);
  // Between the page and the write.
  store.before_read = nullptr;
  int reads = 0;
  store.after_read = [&] {
    if (++reads == 1) put_at("c", kNow + 100);
  };
  EXPECT_EQ(sweep(), 0U);
  store.after_read = nullptr;
  EXPECT_EQ(left(), "c");
}

TEST_F(ExpiryTest, ALargeTableIsReadInPagesAndGivenRest) {
  for (int i = 0; i < 2500; ++i) put_at(fmt::format("{:05}", i), i % 2 ? kNow - 1 : kNow + 1000);
  EXPECT_EQ(sweep(), 1250U);
  // One rest behind each page but the last.
  EXPECT_EQ(clock.sleeps().size(), 2U);
  EXPECT_EQ(sweep(), 0U);
}

TEST_F(ExpiryTest, StopsWhenItIsSwitchedOffOrAskedTo) {
  put_at("a", kNow - 1);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(Expiry(options, store, catalog).sweep(stop.get_token()), 0U);
  ok("UpdateTimeToLive",
     R"({"TableName":"tab","TimeToLiveSpecification":{"Enabled":false,"AttributeName":"at"}})");
  EXPECT_EQ(sweep(), 0U);
  EXPECT_EQ(left(), "a");
}

TEST_F(ExpiryTest, AnotherProcessSwitchesItOffBehindARead) {
  put_at("a", kNow - 1);
  // The request goes through the fixture's engine, whose catalog is not the sweep's.
  store.after_read = [&] {
    store.after_read = nullptr;
    ok("UpdateTimeToLive",
       R"({"TableName":"tab","TimeToLiveSpecification":{"Enabled":false,"AttributeName":"at"}})");
  };
  EXPECT_EQ(sweep(), 0U);
  EXPECT_EQ(left(), "a");
}

TEST_F(ExpiryTest, ADatabaseThatIsGoneIsAnErrorForTheLog) {
  put_at("a", kNow - 1);
  store.before_read = [] { return Status(Error(ErrorKind::kUnavailable, "test.gone", "gone")); };
  EXPECT_EQ(sweep(), 0U);
  ASSERT_EQ(logged.size(), 1U);
  store.before_read = nullptr;
  EXPECT_EQ(sweep(), 1U);
}

TEST_F(ExpiryTest, WritesHaveTheOriginThatStreamsShow) {
  put_at("a", kNow - 1);
  EXPECT_EQ(sweep(), 1U);
  EXPECT_EQ(store.origins, std::vector<std::string>{std::string(target::kExpiryOrigin)});
}

}  // namespace
}  // namespace offramp::engine
