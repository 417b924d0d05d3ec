#include "source/scan/item_lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "ddb/wire_json.h"
#include "io/fake_clock_test.h"
#include "io/scripted_server_test.h"

namespace offramp::source::scan {
namespace {

using testing::HasSubstr;

std::string key(size_t i) { return R"({"pk":{"S":"k)" + std::to_string(i) + R"("}})"; }
std::string item(size_t i) {
  return R"({"n":{"N":")" + std::to_string(i) + R"("},"pk":{"S":"k)" + std::to_string(i) + R"("}})";
}

class LookupTest : public testing::Test {
 protected:
  std::unique_ptr<ItemLookup> open() {
    server_ = std::make_unique<io::ScriptedServer>(
        [this](const io::ScriptedRequest& request, size_t index) {
          return answer(request, index);
        });
    options_.table = "Tab";
    options_.region = "eu-west-1";
    options_.endpoint = server_->url();
    options_.stop = stop_.get_token();
    options_.credentials = io::aws::fixed_credentials({"AK", "s", "", {}, "test"});
    options_.retry.tries_max = 4;
    options_.clock = &clock_;
    return std::move(open_item_lookup(options_)).value();
  }
  io::ScriptedAnswer answer(const io::ScriptedRequest& request, size_t index) {
    if (instead_) return {.body = *instead_};
    auto body = nlohmann::json::parse(request.body);
    auto& table = body["RequestItems"]["Tab"];
    if (request.header("x-amz-target") != "DynamoDB_20120810.BatchGetItem" ||
        table["ConsistentRead"] != true || body["ReturnConsumedCapacity"] != "TOTAL" ||
        table["Keys"].size() > 100)
      return {.status = 400, .body = R"({"__type":"x#ValidationException","message":"not so"})"};
    std::set<std::string> names;
    std::string found;
    nlohmann::json left = nlohmann::json::array();
    size_t processed = 0;
    for (auto& asked : table["Keys"]) {
      std::string name = asked["pk"]["S"];
      if (!names.insert(name).second)
        return {.status = 400, .body = R"({"__type":"x#ValidationException","message":"twice"})"};
      if (processed >= processed_max_) {
        left.push_back(asked);
        continue;
      }
      ++processed;
      auto at = items_.find(name);
      if (at == items_.end()) continue;
      if (!found.empty()) found += ",";
      found += at->second;
    }
    std::string out = R"({"ConsumedCapacity":[{"CapacityUnits":)" +
                      std::to_string(static_cast<double>(processed) * units_per_key_) +
                      R"(,"TableName":"Tab"}],"Responses":{"Tab":[)" + found +
                      R"(]},"UnprocessedKeys":{)";
    // The service may write a key in another way than we did.
    if (!left.empty()) out += R"("Tab":{"ConsistentRead":true,"Keys":)" + left.dump(1) + "}";
    return {.body = out + "}}", .framing = io::ScriptedAnswer::Framing::kChunked};
  }
  void fill(size_t count) {
    for (size_t i = 0; i < count; ++i) items_["k" + std::to_string(i)] = item(i);
  }
  static std::multiset<std::string> texts(const ddb::ItemBatch& batch) {
    std::multiset<std::string> out;
    for (size_t i = 0; i < batch.size(); ++i) out.insert(ddb::canonical_item_json(batch.item(i)));
    return out;
  }
  // Asks for the keys first … last.
  Status get(ItemLookup& lookup, size_t first, size_t last, ddb::ItemBatch& batch) {
    std::vector<std::string> owned;
    for (size_t i = first; i <= last; ++i) owned.push_back(key(i));
    std::vector<std::string_view> views(owned.begin(), owned.end());
    Status status = lookup.get(views, batch);
    for (std::string& text : owned) text.assign(text.size(), '#');  // nothing may point into them
    return status;
  }
  static std::multiset<std::string> expected(size_t first, size_t last) {
    std::multiset<std::string> out;
    for (size_t i = first; i <= last; ++i) out.insert(item(i));
    return out;
  }

  std::map<std::string, std::string> items_;
  size_t processed_max_ = 1000;
  double units_per_key_ = 1;
  std::optional<std::string> instead_;
  ScanOptions options_;
  io::FakeClock clock_;
  std::stop_source stop_;
  std::unique_ptr<io::ScriptedServer> server_;
  ddb::ItemBatch batch_;
};

TEST_F(LookupTest, FindsWhatThereIs) {
  fill(350);
  auto lookup = open();
  ASSERT_TRUE(get(*lookup, 100, 399, batch_).ok());
  EXPECT_EQ(texts(batch_), expected(100, 349));
  EXPECT_EQ(server_->requests().size(), 3u);
  ASSERT_TRUE(get(*lookup, 900, 901, batch_).ok());
  EXPECT_TRUE(batch_.empty());
  ASSERT_TRUE(lookup->get({}, batch_).ok());
  EXPECT_EQ(server_->requests().size(), 4u) << "nothing is asked for nothing";
}

TEST_F(LookupTest, AKeyNamedTwiceIsReadOnce) {
  fill(2);
  auto lookup = open();
  std::string a = key(0), b = key(1);
  std::vector<std::string_view> keys = {a, b, a};
  ASSERT_TRUE(lookup->get(keys, batch_).ok());
  EXPECT_EQ(texts(batch_), expected(0, 1));
}

TEST_F(LookupTest, C6_KeysLeftOverAreAskedForAgain) {
  fill(400);
  processed_max_ = 37;
  auto lookup = open();
  ASSERT_TRUE(get(*lookup, 0, 399, batch_).ok());
  EXPECT_EQ(texts(batch_), expected(0, 399));
  EXPECT_TRUE(clock_.sleeps().empty()) << "what moves on need not wait";
}

TEST_F(LookupTest, C10_NothingButLeftOversEndsAfterSomeTries) {
  fill(5);
  processed_max_ = 0;
  auto lookup = open();
  Status status = get(*lookup, 0, 4, batch_);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kThrottled);
  EXPECT_EQ(server_->requests().size(), 4u);
  EXPECT_EQ(clock_.sleeps().size(), 3u);
}

TEST_F(LookupTest, C10_AnswersThatAreTooLargeAreAskedForInPieces) {
  for (size_t i = 0; i < 100; ++i)
    items_["k" + std::to_string(i)] = R"({"f":{"S":")" + std::string(390'000, 'x') +
                                      R"("},"pk":{"S":"k)" + std::to_string(i) + R"("}})";
  auto lookup = open();
  ASSERT_TRUE(get(*lookup, 0, 99, batch_).ok());
  EXPECT_EQ(batch_.size(), 100u);
}

TEST_F(LookupTest, C7_AnItemThatCannotBeDecodedIsKeptWhole) {
  fill(3);
  items_["k1"] = R"({"pk":{"S":"k1"},"x":{"Q":"?"}})";
  auto lookup = open();
  ASSERT_TRUE(get(*lookup, 0, 2, batch_).ok());
  EXPECT_EQ(batch_.size(), 2u);
  ASSERT_EQ(batch_.bad.size(), 1u);
  EXPECT_EQ(batch_.bad[0].raw, items_["k1"]);
}

TEST_F(LookupTest, C6_AnswersThatContradictThemselvesAreRefused) {
  auto lookup = open();
  for (const char* bad :
       {"x", "[]", "{}", R"({"Responses":[]})", R"({"Responses":{"Tab":[1]}})",
        R"({"Responses":{"Tab":[]}} x)", R"({"Responses":{"Tab":[{},{}]},"UnprocessedKeys":{}})",
        R"({"Responses":{"Tab":[{}]},"UnprocessedKeys":{"Tab":{"Keys":[{}]}}})",
        R"({"Responses":{"Tab":[]},"UnprocessedKeys":{"Tab":{"Keys":5}}})"}) {
    instead_ = bad;
    Status status = get(*lookup, 0, 0, batch_);
    ASSERT_FALSE(status.ok()) << bad;
    EXPECT_EQ(status.error().kind(), ErrorKind::kCorrupt) << bad;
  }
  // What the real service answers when nothing was found.
  instead_ = R"({"Responses":{"<test-table>":[]},"UnprocessedKeys":{}})";
  EXPECT_TRUE(get(*lookup, 0, 0, batch_).ok());
}

TEST_F(LookupTest, TheBudgetIsSharedByAllThatReadFromIt) {
  fill(300);
  units_per_key_ = 2;
  options_.clock = &clock_;
  options_.read_units_per_second = 50;
  options_.budget = open_read_budget(options_).value();
  options_.read_units_per_second = 0;
  auto one = open();
  auto other = std::move(open_item_lookup(options_)).value();
  ASSERT_TRUE(get(*one, 0, 149, batch_).ok());
  ASSERT_TRUE(get(*other, 150, 299, batch_).ok());
  // 600 units at 50 a second, less the second that may be saved up and the last request, which is
  // paid for afterwards.
  double seconds = std::chrono::duration<double>(clock_.passed()).count();
  EXPECT_GT(seconds, 9.5);
  EXPECT_LT(seconds, 13.5);
  auto requests = server_->requests();
  EXPECT_LE(nlohmann::json::parse(requests.back().body)["RequestItems"]["Tab"]["Keys"].size(), 50u)
      << "a request is about a second of the budget";
}

TEST_F(LookupTest, LookupsTeachTheBudgetNothingAboutPages) {
  ReadBudget budget(100, 0, std::nullopt, clock_);
  budget.settle({1, 1}, {50, 100});
  auto before = budget.page_limit();
  budget.settle({1, 1}, {100, 10}, ReadKind::kLookup);
  EXPECT_EQ(budget.page_limit(), before);
  EXPECT_EQ(before, 200u);
}

TEST_F(LookupTest, AStopEndsIt) {
  auto lookup = open();
  stop_.request_stop();
  EXPECT_EQ(get(*lookup, 0, 0, batch_).error().kind(), ErrorKind::kCancelled);
}

TEST_F(LookupTest, OptionsAreChecked) {
  options_.region = "eu-west-1";
  options_.table = "a b";
  EXPECT_EQ(open_item_lookup(options_).error().code(), "scan.table_name");
  options_.table = "Tab";
  options_.window = "22-06";
  EXPECT_EQ(open_item_lookup(options_).error().code(), "scan.window");
}

}  // namespace
}  // namespace offramp::source::scan
