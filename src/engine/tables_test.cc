// CreateTable and its errors, DescribeTable, UpdateTable, DeleteTable, ListTables and the small
// questions.
#include <gmock/gmock.h>

#include "engine/engine_fixture_test.h"

namespace offramp::engine {
namespace {

constexpr std::string_view kInvalid =
    "ValidationException: One or more parameter values were invalid: ";

class TablesTest : public EngineTest {
 protected:
  // CreateTable of "tab" with these members; attributes as "pk:S sk:N", keys as names: the first is
  // HASH.
  static std::string create(std::string_view attributes, std::string_view keys,
                            std::string_view rest = {}) {
    std::string body = R"({"TableName":"tab","AttributeDefinitions":[)";
    for (size_t at = 0; at < attributes.size();) {
      size_t end = std::min(attributes.find(' ', at), attributes.size());
      size_t colon = attributes.find(':', at);
      body += at ? "," : "";
      body += "{\"AttributeName\":\"" + std::string(attributes.substr(at, colon - at)) +
              "\",\"AttributeType\":\"" +
              std::string(attributes.substr(colon + 1, end - colon - 1)) + "\"}";
      at = end + 1;
    }
    body += "],\"KeySchema\":" + schema(keys);
    if (rest.find("BillingMode") == rest.npos && rest.find("ProvisionedThroughput") == rest.npos)
      body += ",\"BillingMode\":\"PAY_PER_REQUEST\"";
    if (!rest.empty()) body += "," + std::string(rest);
    return body + "}";
  }
  static std::string schema(std::string_view keys) {
    std::string out = "[";
    for (size_t at = 0; at < keys.size();) {
      size_t end = std::min(keys.find(' ', at), keys.size());
      out += at ? "," : "";
      out += "{\"AttributeName\":\"" + std::string(keys.substr(at, end - at)) +
             "\",\"KeyType\":\"" + (at ? "RANGE" : "HASH") + "\"}";
      at = end + 1;
    }
    return out + "]";
  }
  static std::string index(std::string_view name, std::string_view keys,
                           std::string_view projection = "\"ProjectionType\":\"ALL\"") {
    return "{\"IndexName\":\"" + std::string(name) + "\",\"KeySchema\":" + schema(keys) +
           ",\"Projection\":{" + std::string(projection) + "}}";
  }
  static std::string lsi(const std::string& indexes) {
    return "\"LocalSecondaryIndexes\":[" + indexes + "]";
  }
  static std::string gsi(const std::string& indexes) {
    return "\"GlobalSecondaryIndexes\":[" + indexes + "]";
  }
};

TEST_F(TablesTest, ATableIsMadeDescribedAndDropped) {
  std::string made =
      ok("CreateTable",
         create("pk:S sk:N g:B", "pk sk",
                "\"DeletionProtectionEnabled\":true," +
                    gsi(index("by-g", "g sk",
                              R"("ProjectionType":"INCLUDE","NonKeyAttributes":["x","y"])"))));
  std::string described = ok("DescribeTable", R"({"TableName":"tab"})");
  EXPECT_EQ(made.substr(made.find(":{")), described.substr(described.find(":{")));
  EXPECT_TRUE(
      made.starts_with("{\"TableDescription\":{\"AttributeDefinitions\":[{\"AttributeName\":\"pk\","
                       "\"AttributeType\":\"S\"}"))
      << made;
  for (
      std::string_view part :
      {R"("TableStatus":"ACTIVE")", R"("TableArn":"arn:aws:dynamodb:local:000000000000:table/tab")",
       R"("ItemCount":0)", R"("CreationDateTime":1700000000.000)",
       R"("KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}])",
       R"("BillingModeSummary":{"BillingMode":"PAY_PER_REQUEST")",
       R"("DeletionProtectionEnabled":true)",
       R"("IndexName":"by-g","KeySchema":[{"AttributeName":"g","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],)"
       R"("Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["x","y"]},"IndexStatus":"ACTIVE")",
       R"("IndexArn":"arn:aws:dynamodb:local:000000000000:table/tab/index/by-g")"})
    EXPECT_NE(made.find(part), made.npos) << part << "\n" << made;
  EXPECT_EQ(error("CreateTable", create("pk:S", "pk")),
            "ResourceInUseException: Table already exists: tab");
  EXPECT_EQ(error("DeleteTable", R"({"TableName":"tab"})"),
            "ValidationException: Resource cannot be deleted as it is currently protected against "
            "deletion. Disable deletion protection first.");
  ok("UpdateTable", R"({"TableName":"tab","DeletionProtectionEnabled":false})");
  EXPECT_NE(ok("DeleteTable", R"({"TableName":"tab"})").find(R"("TableStatus":"DELETING")"),
            std::string::npos);
  EXPECT_EQ(error("DescribeTable", R"({"TableName":"tab"})"),
            "ResourceNotFoundException: Requested resource not found: Table: tab not found");
  EXPECT_EQ(error("DeleteTable", R"({"TableName":"tab"})"),
            "ResourceNotFoundException: Requested resource not found: Table: tab not found");
}

TEST_F(TablesTest, CreateTableRefuses) {
  struct Case {
    std::string body, error;
  };
  std::string included = R"("ProjectionType":"INCLUDE")";
  const Case kCases[] = {
      {"{}",
       "ValidationException: The parameter 'TableName' is required but was not present in the "
       "request"},
      {R"({"TableName":"tab"})",
       "ValidationException: 2 validation errors detected: Value null at 'attributeDefinitions' "
       "failed to satisfy constraint: Member "
       "must not be null; Value null at 'keySchema' failed to satisfy constraint: Member must not "
       "be null"},
      {create("pk:X", "pk"),
       "ValidationException: 1 validation error detected: Value 'X' at "
       "'attributeDefinitions.1.member.attributeType' failed to satisfy "
       "constraint: Member must satisfy enum value set: [B, N, S]"},
      {create("pk:S", "pk sk"),
       "ValidationException: Invalid KeySchema: Some index key attribute have no definition"},
      {create("sk:S", "pk"),
       "*Some index key attributes are not defined in AttributeDefinitions. Keys: [pk], "
       "AttributeDefinitions: [sk]"},
      {create("pk:S sk:S", "pk pk"),
       "ValidationException: Both the Hash Key and the Range Key element in the KeySchema have the "
       "same name"},
      {create("pk:S sk:S", "pk"),
       "*Number of attributes in KeySchema does not exactly match number of attributes defined in "
       "AttributeDefinitions"},
      {create("pk:S", "pk", R"("BillingMode":"PROVISIONED")"),
       "*ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is "
       "PROVISIONED"},
      {create(
           "pk:S", "pk",
           R"("BillingMode":"PAY_PER_REQUEST","ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1})"),
       "*Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
       "PAY_PER_REQUEST"},
      {create("pk:S", "pk",
              R"("ProvisionedThroughput":{"ReadCapacityUnits":0,"WriteCapacityUnits":1})"),
       "ValidationException: 1 validation error detected: Value '0' at "
       "'provisionedThroughput.readCapacityUnits' failed to satisfy "
       "constraint: Member must have value greater than or equal to 1"},
      {create(
           "pk:S", "pk",
           R"("ProvisionedThroughput":{"ReadCapacityUnits":1000000000001,"WriteCapacityUnits":1})"),
       "ValidationException: Given value 1000000000001 for ReadCapacityUnits is out of bounds"},
      {create("pk:S a:S", "pk", lsi(index("one", "pk a"))),
       "*Table KeySchema does not have a range key, which is required when specifying a "
       "LocalSecondaryIndex"},
      {create("pk:S sk:S", "pk sk", lsi("")), "*List of LocalSecondaryIndexes is empty"},
      {create("pk:S sk:S", "pk sk", lsi(index("one", "pk a"))),
       "*Some index key attributes are not defined in AttributeDefinitions. Keys: [pk, a], "
       "AttributeDefinitions: [pk, sk]"},
      {create("pk:S sk:S", "pk sk", lsi(index("one", "pk"))),
       "*Index KeySchema does not have a range key for index: one"},
      {create("pk:S sk:S a:S", "pk sk", lsi(index("one", "a sk"))),
       "*Index KeySchema does not have the same leading hash key as table KeySchema for index: "
       "one. index hash key: a, table hash key: pk"},
      {create("pk:S sk:S a:S", "pk sk", lsi(index("one", "pk a") + "," + index("one", "pk a"))),
       "*Duplicate index name: one"},
      {create("pk:S a:S", "pk", gsi("")), "*List of GlobalSecondaryIndexes is empty"},
      {create("pk:S a:S", "pk", gsi(index("one", "a", ""))), "*Unknown ProjectionType: null"},
      {create("pk:S a:S", "pk", gsi(index("one", "a", included))),
       "*ProjectionType is INCLUDE, but NonKeyAttributes is not specified"},
      {create("pk:S a:S", "pk",
              gsi(index("one", "a", R"("ProjectionType":"ALL","NonKeyAttributes":["x"])"))),
       "*ProjectionType is ALL, but NonKeyAttributes is specified"},
      {create("pk:S a:S b:S", "pk", gsi(index("one", "a"))),
       "*Some AttributeDefinitions are not used. AttributeDefinitions: [pk, a, b], keys used: [a, "
       "pk]"},
      {create("pk:S a:S", "pk",
              R"("ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1},)" +
                  gsi(index("one", "a"))),
       "*ProvisionedThroughput is not specified for index: one"},
      {create("pk:S", "pk", R"("StreamSpecification":{"StreamEnabled":true})"),
       "*If stream is being enabled then UpdateViewType is required"},
  };
  for (const Case& c : kCases)
    EXPECT_EQ(error("CreateTable", c.body),
              c.error[0] == '*' ? std::string(kInvalid) + c.error.substr(1) : c.error)
        << c.body;
  EXPECT_EQ(ok("ListTables", "{}"), R"({"TableNames":[]})");
}

TEST_F(TablesTest, ANameThatTheDatabaseHasIsAvoided) {
  store.taken = {"tab"};
  ok("CreateTable", create("pk:S", "pk"));
  ok("PutItem", R"({"TableName":"tab","Item":{"pk":{"S":"a"}}})");
  EXPECT_EQ(ok("GetItem", R"({"TableName":"tab","Key":{"pk":{"S":"a"}}})"),
            R"({"Item":{"pk":{"S":"a"}}})");
}

TEST_F(TablesTest, ARequestSaysNothingThatOnlyEntriesSay) {
  std::string one = index("one", "a");
  one.insert(1, R"("Into":"x","Status":"DELETING","SinceMs":1,)");
  ok("CreateTable",
     create(
         "pk:S a:S", "pk",
         gsi(one) +
             R"(,"TimeToLiveAttribute":"at","Layout":{"AttributeDefinitions":[]},"Into":"other","TableId":"i")"));
  EXPECT_EQ(ok("DescribeTimeToLive", R"({"TableName":"tab"})"),
            R"({"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}})");
  EXPECT_NE(ok("DescribeTable", R"({"TableName":"tab"})").find(R"("IndexStatus":"ACTIVE")"),
            std::string::npos);
  std::string entry = store.catalog().value().at(0).json;
  for (std::string_view word : {"Layout", "TimeToLiveAttribute", "DELETING", "\"x\"", "other"})
    EXPECT_EQ(entry.find(word), entry.npos) << entry;
}

TEST_F(TablesTest, ListsInPages) {
  for (const char* name : {"ccc", "aaa", "bbb"}) make_table(name);
  EXPECT_EQ(ok("ListTables", "{}"), R"({"TableNames":["aaa","bbb","ccc"]})");
  EXPECT_EQ(ok("ListTables", R"({"Limit":2})"),
            R"({"TableNames":["aaa","bbb"],"LastEvaluatedTableName":"bbb"})");
  EXPECT_EQ(ok("ListTables", R"({"Limit":2,"ExclusiveStartTableName":"bbb"})"),
            R"({"TableNames":["ccc"]})");
  EXPECT_EQ(error("ListTables", R"({"Limit":101})"),
            "ValidationException: 1 validation error detected: Value '101' at 'limit' failed to "
            "satisfy constraint: Member must have value less than or equal to 100");
}

TEST_F(TablesTest, UpdateTableChangesSettings) {
  ok("CreateTable", create("pk:S", "pk"));
  EXPECT_EQ(error("UpdateTable", R"({"TableName":"tab"})"),
            "ValidationException: At least one of ProvisionedThroughput, BillingMode, "
            "UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or "
            "ReplicaUpdates is required");
  std::string provisioned =
      R"({"TableName":"tab","BillingMode":"PROVISIONED","ProvisionedThroughput":{"ReadCapacityUnits":3,"WriteCapacityUnits":4}})";
  EXPECT_NE(ok("UpdateTable", provisioned).find(R"("ReadCapacityUnits":3,"WriteCapacityUnits":4)"),
            std::string::npos);
  EXPECT_TRUE(
      error(
          "UpdateTable",
          R"({"TableName":"tab","ProvisionedThroughput":{"ReadCapacityUnits":3,"WriteCapacityUnits":4}})")
          .starts_with(
              "ValidationException: The provisioned throughput for the table will not change."));
  EXPECT_NE(ok("DescribeTable", R"({"TableName":"tab"})")
                .find(R"("ReadCapacityUnits":3,"WriteCapacityUnits":4)"),
            std::string::npos);
  // What was written can be read by an engine that starts later.
  auto later = std::move(Engine::open(store, EngineOptions{.clock = &clock})).value();
  EXPECT_TRUE(later->worker().ok());
}

TEST_F(TablesTest, WhatUpdateTableChangesIsUpdatingInItsAnswer) {
  ok("CreateTable", create("pk:S", "pk"));
  auto status = [&](std::string_view operation, const std::string& more) {
    std::string answer = ok(operation, R"({"TableName":"tab")" + more + "}");
    size_t at = answer.find("\"TableStatus\":\"") + 15;
    return answer.substr(at, answer.find('"', at) - at);
  };
  EXPECT_EQ(status("UpdateTable", R"(,"TableClass":"STANDARD_INFREQUENT_ACCESS")"), "UPDATING");
  EXPECT_EQ(status("DescribeTable", ""), "ACTIVE");
  EXPECT_EQ(status("UpdateTable", R"(,"TableClass":"STANDARD_INFREQUENT_ACCESS")"), "ACTIVE")
      << "nothing has changed";
  EXPECT_EQ(
      error(
          "UpdateTable",
          R"({"TableName":"tab","BillingMode":"PROVISIONED","ProvisionedThroughput":{"ReadCapacityUnits":3,"WriteCapacityUnits":4},"StreamSpecification":{"StreamEnabled":false}})"),
      "ValidationException: One or more parameter values were invalid: You cannot modify stream "
      "status while updating table IOPS");
}

TEST_F(TablesTest, ATableThatBecomesProvisionedHasUnitsForEachGlobalIndex) {
  ok("CreateTable", create("pk:S a:S", "pk", gsi(index("one", "a") + "," + index("two", "a"))));
  auto flip = [](const std::string& indexes) {
    return R"({"TableName":"tab","BillingMode":"PROVISIONED","ProvisionedThroughput":{"ReadCapacityUnits":3,"WriteCapacityUnits":4},)"
           R"("GlobalSecondaryIndexUpdates":[)" +
           indexes + "]}";
  };
  auto units = [](const std::string& name) {
    return R"({"Update":{"IndexName":")" + name +
           R"(","ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":6}}})";
  };
  EXPECT_EQ(error("UpdateTable", flip(units("one"))),
            "ValidationException: One or more parameter values were invalid: "
            "ProvisionedThroughput must be specified for index: two");
  std::string both = flip(units("one") + "," + units("two"));
  EXPECT_NE(ok("UpdateTable", both).find(R"("BillingModeSummary":{"BillingMode":"PROVISIONED")"),
            std::string::npos);
  ok("UpdateTable", R"({"TableName":"tab","BillingMode":"PAY_PER_REQUEST"})");
  EXPECT_TRUE(error("UpdateTable", flip(units("two"))).ends_with("for index: one"))
      << "what it had before is not kept";
}

TEST_F(TablesTest, TheCatalogIsAskedAtMostOnceASecond) {
  make_table("tab");
  clock.pass(std::chrono::seconds(2));
  std::string get = R"({"TableName":"tab","Key":{"pk":{"S":"a"}}})";
  ok("GetItem", get);
  uint64_t before = store.version_questions;
  for (int i = 0; i < 10; ++i) ok("GetItem", get);
  EXPECT_EQ(store.version_questions, before);
  clock.pass(std::chrono::seconds(1));
  ok("GetItem", get);
  ok("GetItem", get);
  EXPECT_EQ(store.version_questions, before + 1);
}

TEST_F(TablesTest, KnownTablesAreServedWhileTheCatalogCannotBeAsked) {
  make_table("tab");
  store.catalog_away = true;
  clock.pass(std::chrono::seconds(2));
  ok("PutItem", R"({"TableName":"tab","Item":{"pk":{"S":"a"}}})");
  EXPECT_EQ(error("GetItem", R"({"TableName":"other","Key":{"pk":{"S":"a"}}})"),
            "InternalServerError: The request could not be completed");
  store.catalog_away = false;
  EXPECT_THAT(error("GetItem", R"({"TableName":"other","Key":{"pk":{"S":"a"}}})"),
              testing::StartsWith("ResourceNotFoundException"));
}

TEST_F(TablesTest, SmallQuestionsAreAnswered) {
  make_table("tab");
  EXPECT_EQ(ok("DescribeEndpoints", "{}"),
            R"({"Endpoints":[{"Address":"127.0.0.1:8000","CachePeriodInMinutes":1440}]})");
  EXPECT_NE(ok("DescribeLimits", "{}").find("TableMaxReadCapacityUnits"), std::string::npos);
}

}  // namespace
}  // namespace offramp::engine
