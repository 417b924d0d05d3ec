// Tables that a plan has loaded: served under their old name, and what of them can be changed.
#include <gmock/gmock.h>

#include "engine/expiry.h"
#include "engine/stream_fixture_test.h"

namespace offramp::engine {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class PlanTableTest : public StreamTest {
 protected:
  PlanTableTest() { serve(*engine); }

  static target::ServedTable served() {
    target::ServedTable table;
    table.name = "Tab";
    table.id = "plan:Tab";
    table.key.partition = {"pk", ddb::Type::kS};
    table.key.sort = model::KeyAttribute{"sk", ddb::Type::kN};
    table.indexes.push_back({"by-v", {{"v", ddb::Type::kS}}, {}, false});
    return table;
  }
  static void serve(Engine& engine) {
    model::SecondaryIndex index{.name = "by-v",
                                .projection = model::SecondaryIndex::Projection::kKeysOnly};
    Status status = engine.serve_plan_table(served(), {index});
    ASSERT_TRUE(status.ok()) << status.error().message();
  }
  // As another process would find it.
  void restart(bool with_plan = true) {
    worker.reset();
    engine = open();
    if (with_plan) serve(*engine);
    worker = std::move(engine->worker()).value();
  }
  void expire_by(const std::string& attribute) {
    ok("UpdateTimeToLive",
       {{"TableName", "Tab"},
        {"TimeToLiveSpecification", {{"Enabled", true}, {"AttributeName", attribute}}}});
  }
  std::string switch_on() {
    update({{"StreamEnabled", true}, {"StreamViewType", "NEW_AND_OLD_IMAGES"}});
    return ok("DescribeTable", {{"TableName", "Tab"}})["Table"].value("LatestStreamArn", "");
  }
};

TEST_F(PlanTableTest, ItIsServedAndKept) {
  put(item("a", 1, "x"));
  json table = ok("DescribeTable", {{"TableName", "Tab"}})["Table"];
  EXPECT_EQ(table["GlobalSecondaryIndexes"][0]["Projection"]["ProjectionType"], "KEYS_ONLY");
  EXPECT_THAT(error("DeleteTable", {{"TableName", "Tab"}}),
              StartsWith("ValidationException: Table Tab was loaded by a plan"));
  EXPECT_EQ(ok("GetItem", {{"TableName", "Tab"}, {"Key", key("a", 1)}})["Item"], item("a", 1, "x"));
  EXPECT_TRUE(std::move(store.catalog()).value().empty())
      << "serving alone leaves nothing in the database";
}

TEST_F(PlanTableTest, SettingsStay) {
  expire_by("at");
  std::string arn = ok("DescribeTable", {{"TableName", "Tab"}})["Table"]["TableArn"];
  json tags = json::array({{{"Key", "k"}, {"Value", "v"}}});
  EXPECT_EQ(call("TagResource", {{"ResourceArn", arn}, {"Tags", tags}}).status, 200);
  restart();
  EXPECT_EQ(ok("DescribeTimeToLive", {{"TableName", "Tab"}})["TimeToLiveDescription"],
            (json{{"TimeToLiveStatus", "ENABLED"}, {"AttributeName", "at"}}));
  EXPECT_EQ(ok("ListTagsOfResource", {{"ResourceArn", arn}})["Tags"][0]["Value"], "v");
  json table = ok("DescribeTable", {{"TableName", "Tab"}})["Table"];
  EXPECT_EQ(table["GlobalSecondaryIndexes"][0]["IndexName"], "by-v") << "the plan's, as before";
  put(item("a", 1, "x"));
  EXPECT_EQ(ok("Query", {{"TableName", "Tab"},
                         {"IndexName", "by-v"},
                         {"KeyConditionExpression", "v = :v"},
                         {"ExpressionAttributeValues", {{":v", {{"S", "x"}}}}}})["Count"],
            1);
}

TEST_F(PlanTableTest, WithoutThePlanItIsNotServed) {
  switch_on();
  restart(false);
  EXPECT_EQ(ok("ListTables", json::object())["TableNames"], json::array());
  EXPECT_EQ(ok("ListStreams", json::object())["Streams"], json::array());
  EXPECT_THAT(error("GetItem", {{"TableName", "Tab"}, {"Key", key("a", 1)}}),
              StartsWith("ResourceNotFoundException"));
  // Its log is looked after all the same.
  pass(shard_age + std::chrono::seconds(1));
  restart();
  json listed = ok("ListStreams", json::object())["Streams"];
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(shards_of(listed[0]["StreamArn"]).size(), 8u);
}

TEST_F(PlanTableTest, IndexesAreThePlans) {
  EXPECT_THAT(error("UpdateTable",
                    {{"TableName", "Tab"},
                     {"GlobalSecondaryIndexUpdates", {{{"Delete", {{"IndexName", "by-v"}}}}}}}),
              HasSubstr("its indexes are those of the plan"));
}

TEST_F(PlanTableTest, ItHasStreams) {
  put(item("a", 1, "old"));
  std::string arn = switch_on();
  put(item("a", 1, "new"));
  restart();
  std::vector<json> records = read_stream(arn);
  ASSERT_EQ(told(records), std::vector<std::string>{"MODIFY a/1 new"});
  EXPECT_EQ(records[0]["dynamodb"]["OldImage"], item("a", 1, "old"));
  update({{"StreamEnabled", false}});
  EXPECT_EQ(describe(arn)["StreamStatus"], "DISABLED");
}

TEST_F(PlanTableTest, AStreamThatTheStoreHasEndedIsOff) {
  std::string arn = switch_on();
  store.lose_log_of("plan:Tab");
  restart();
  json table = ok("DescribeTable", {{"TableName", "Tab"}})["Table"];
  EXPECT_FALSE(table.contains("StreamSpecification"));
  EXPECT_EQ(table["LatestStreamArn"], arn);
  ASSERT_EQ(logged.size(), 1u);
  EXPECT_THAT(logged[0], StartsWith("table Tab: its tables were made anew"));
  clock.pass(std::chrono::seconds(1));
  EXPECT_NE(switch_on(), arn);
}

TEST_F(PlanTableTest, ExpiredItemsAreDeleted) {
  expire_by("at");
  json past = item("a", 1, "x"), later = item("a", 2, "x");
  past["at"] = {{"N", "1699999999"}};
  later["at"] = {{"N", "1700000001"}};
  put(past);
  put(later);
  EXPECT_EQ(engine->expiry()->sweep({}), 1u);
  EXPECT_EQ(ok("Scan", {{"TableName", "Tab"}})["Items"], json::array({later}));
}

TEST_F(PlanTableTest, ATableOfThatNameKeepsItsEntry) {
  restart(false);
  make_table("");
  restart();
  EXPECT_THAT(error("UpdateTimeToLive",
                    {{"TableName", "Tab"},
                     {"TimeToLiveSpecification", {{"Enabled", true}, {"AttributeName", "at"}}}}),
              HasSubstr("the database has another one of that name"));
}

}  // namespace
}  // namespace offramp::engine
