// Indexes added to and removed from tables that exist: the states, what is refused, and what
// processes see of it.
#include "engine/engine_fixture_test.h"
#include "engine/index_builds.h"

namespace offramp::engine {
namespace {

class IndexUpdatesTest : public EngineTest {
 protected:
  IndexUpdatesTest() {
    ok("CreateTable",
       R"({"TableName":"tab","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},)"
       R"({"AttributeName":"sk","AttributeType":"S"},{"AttributeName":"a","AttributeType":"N"},{"AttributeName":"l","AttributeType":"S"}],)"
       R"("KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],)"
       R"("LocalSecondaryIndexes":[{"IndexName":"by-l","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"l","KeyType":"RANGE"}],)"
       R"("Projection":{"ProjectionType":"ALL"}}],)"
       R"("GlobalSecondaryIndexes":[{"IndexName":"by-a","KeySchema":[{"AttributeName":"a","KeyType":"HASH"}],)"
       R"("Projection":{"ProjectionType":"ALL"}}]})");
  }
  static std::string update(const std::string& updates, const std::string& rest = "") {
    return "{\"TableName\":\"tab\"," + rest + "\"GlobalSecondaryIndexUpdates\":[" + updates + "]}";
  }
  static constexpr const char* kDefine =
      R"("AttributeDefinitions":[{"AttributeName":"g","AttributeType":"S"},{"AttributeName":"n","AttributeType":"N"}],)";
  static std::string add(const std::string& name, const std::string& hash = "g") {
    return R"({"Create":{"IndexName":")" + name + R"(","KeySchema":[{"AttributeName":")" + hash +
           R"(","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}})";
  }
  static std::string drop(const std::string& name) {
    return R"({"Delete":{"IndexName":")" + name + "\"}}";
  }
  // "TableStatus", then name:status of the global indexes.
  std::string states() {
    std::string body = ok("DescribeTable", R"({"TableName":"tab"})");
    simdjson::dom::parser parser;
    simdjson::dom::element table = parser.parse(body)["Table"].value_unsafe();
    std::string out(table["TableStatus"].get_string().value_unsafe());
    simdjson::dom::array indexes;
    if (table["GlobalSecondaryIndexes"].get(indexes)) return out;
    for (auto index : indexes) {
      out += " " + std::string(index["IndexName"].get_string().value_unsafe()) + ":" +
             std::string(index["IndexStatus"].get_string().value_unsafe());
      bool backfilling = false;
      if (!index["Backfilling"].get(backfilling)) out += backfilling ? "+" : "-";
    }
    return out;
  }
  void sweep() { engine->index_builds()->sweep({}); }
  std::string query(const std::string& index, const std::string& value) {
    return R"({"TableName":"tab","IndexName":")" + index +
           R"(","KeyConditionExpression":"g = :v","ExpressionAttributeValues":{":v":)" + value +
           "}}";
  }
};

TEST_F(IndexUpdatesTest, AnIndexIsCreatedInStepsAndThenRead) {
  ok("PutItem", R"({"TableName":"tab","Item":{"pk":{"S":"p"},"sk":{"S":"1"},"g":{"S":"x"}}})");
  ok("PutItem", R"({"TableName":"tab","Item":{"pk":{"S":"p"},"sk":{"S":"2"},"g":{"N":"7"}}})");
  ok("UpdateTable", update(add("by-g"), kDefine));
  EXPECT_EQ(states(), "UPDATING by-a:ACTIVE by-g:CREATING-");
  EXPECT_EQ(error("Query", query("by-g", R"({"S":"x"})")),
            "ValidationException: Cannot read from backfilling global secondary index: by-g");
  store.another_builds = true;
  sweep();
  EXPECT_EQ(states(), "ACTIVE by-a:ACTIVE by-g:CREATING+");
  store.another_builds = false;
  sweep();
  EXPECT_EQ(states(), "ACTIVE by-a:ACTIVE by-g:ACTIVE");
  ASSERT_EQ(store.built.size(), 2U);
  EXPECT_EQ(store.built[0], store.built[1]);
  EXPECT_NE(ok("Query", query("by-g", R"({"S":"x"})")).find(R"("Count":1)"), std::string::npos);
  // Its attributes have their type from now on.
  EXPECT_TRUE(error("PutItem",
                    R"({"TableName":"tab","Item":{"pk":{"S":"p"},"sk":{"S":"3"},"g":{"N":"7"}}})")
                  .starts_with("ValidationException: One or more parameter values were invalid: "
                               "Type mismatch for Index Key g"));
  std::string described = ok("DescribeTable", R"({"TableName":"tab"})");
  EXPECT_NE(described.find(R"({"AttributeName":"g","AttributeType":"S"})"), described.npos);
  // The unused definition is not kept.
  EXPECT_EQ(described.find(R"("AttributeName":"n")"), described.npos);
  // Who starts later reads the same entry.
  auto later = std::move(Engine::open(store, EngineOptions{.clock = &clock})).value();
  worker = std::move(later->worker()).value();
  EXPECT_EQ(states(), "ACTIVE by-a:ACTIVE by-g:ACTIVE");
  worker.reset();
}

TEST_F(IndexUpdatesTest, AnIndexIsDeletedWhenNobodyReadsByItAnyMore) {
  ok("UpdateTable", update(drop("by-a")));
  EXPECT_EQ(states(), "UPDATING by-a:DELETING");
  EXPECT_EQ(error("Scan", R"({"TableName":"tab","IndexName":"by-a"})"),
            "ValidationException: The table does not have the specified index: by-a");
  sweep();
  EXPECT_TRUE(store.removed.empty());
  EXPECT_EQ(error("UpdateTable", update(drop("by-a"))),
            "ResourceInUseException: Attempt to change a resource which is still in use: Index is "
            "being deleted. Table: tab Index: by-a");
  EXPECT_TRUE(error("DeleteTable", R"({"TableName":"tab"})").starts_with("ResourceInUseException"));
  clock.pass(std::chrono::seconds(3));
  sweep();
  EXPECT_EQ(store.removed, std::vector<std::string>{"by-a"});
  EXPECT_EQ(states(), "ACTIVE");
  EXPECT_EQ(ok("DescribeTable", R"({"TableName":"tab"})").find(R"("AttributeName":"a")"),
            std::string::npos);
  // Of another type now: the column stays that of the table's first indexes.
  ok("PutItem", R"({"TableName":"tab","Item":{"pk":{"S":"p"},"sk":{"S":"1"},"a":{"S":"text"}}})");
  ok("UpdateTable",
     update(add("by-a", "a"),
            R"("AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}],)"));
  sweep();
  EXPECT_EQ(states(), "ACTIVE by-a:ACTIVE");
  auto later = std::move(Engine::open(store, EngineOptions{.clock = &clock})).value();
  worker = std::move(later->worker()).value();
  EXPECT_EQ(ok("GetItem", R"({"TableName":"tab","Key":{"pk":{"S":"p"},"sk":{"S":"1"}}})"),
            R"({"Item":{"pk":{"S":"p"},"sk":{"S":"1"},"a":{"S":"text"}}})");
  worker.reset();
}

TEST_F(IndexUpdatesTest, AFailedBuildIsTriedAgainAndMayBeGivenUp) {
  ok("UpdateTable", update(add("by-g"), kDefine));
  auto builds = engine->index_builds();
  store.before_build = [] { return Status(Error(ErrorKind::kUnavailable, "test.gone", "gone")); };
  builds->sweep({});
  builds->sweep({});
  EXPECT_EQ(logged.size(), 1U);  // it rests
  EXPECT_EQ(states(), "ACTIVE by-a:ACTIVE by-g:CREATING+");
  clock.pass(std::chrono::seconds(10));
  builds->sweep({});
  EXPECT_EQ(logged.size(), 2U);
  ok("UpdateTable", update(drop("by-g")));
  clock.pass(std::chrono::seconds(10));
  builds->sweep({});
  EXPECT_EQ(states(), "ACTIVE by-a:ACTIVE");
}

TEST_F(IndexUpdatesTest, ADeletionWhileItIsBuiltWins) {
  ok("UpdateTable", update(add("by-g"), kDefine));
  store.before_build = [&]() -> Status {
    ok("UpdateTable", update(drop("by-g")));
    return {};
  };
  sweep();
  store.before_build = nullptr;
  EXPECT_EQ(states(), "UPDATING by-a:ACTIVE by-g:DELETING");
  clock.pass(std::chrono::seconds(4));
  sweep();
  EXPECT_EQ(states(), "ACTIVE by-a:ACTIVE");
}

TEST_F(IndexUpdatesTest, Refuses) {
  const std::string invalid = "ValidationException: One or more parameter values were invalid: ";
  const std::string once =
      "LimitExceededException: Subscriber limit exceeded: Only 1 online index can be created or "
      "deleted simultaneously per table";
  struct Case {
    std::string body, error;
  };
  const Case kCases[] = {
      {update(""), invalid + "List of GlobalSecondaryIndexUpdates is empty"},
      {update("{}"), invalid +
                         "One of GlobalSecondaryIndexUpdate.Update, "
                         "GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete "
                         "must not be null"},
      {update(R"({"Delete":{"IndexName":"by-a"},"Update":{"IndexName":"by-a"}})"),
       invalid + "Only one global secondary index action is allowed per "
                 "GlobalSecondaryIndexUpdate object"},
      {update(drop("by-a") + "," + drop("by-a")),
       invalid + "Only one global secondary index update per index is allowed simultaneously. "
                 "Index: by-a"},
      {update(drop("by-a") + "," + add("by-g"), kDefine), once},
      {update(drop("none")),
       "ResourceNotFoundException: Requested resource not found: Index none for table tab"},
      {update(drop("by-l")),
       "ValidationException: Cannot delete an index that is not a GlobalSecondaryIndex: by-l"},
      {update(add("by-l"), kDefine),
       "ValidationException: Attempting to create an index which already exists"},
      {update(add("by-a"), kDefine),
       "ValidationException: Attempting to create an index which already exists"},
      {update(add("by-g")), invalid + "Some index key attributes are not defined in "
                                      "AttributeDefinitions. Keys: [g], AttributeDefinitions: []"},
      {update(add("more", "l"), kDefine), invalid + "Some index key attributes are not defined in "
                                                    "AttributeDefinitions. Keys: [l], "
                                                    "AttributeDefinitions: [g, n]"},
      {update(add("by-g"),
              R"("AttributeDefinitions":[{"AttributeName":"g","AttributeType":"BOOL"}],)"),
       "ValidationException: 1 validation error detected: Value 'BOOL' at "
       "'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: Member must "
       "satisfy enum value set: [B, N, S]"},
      {update(R"({"Create":{"IndexName":"x"}})"),
       "ValidationException: 3 validation errors detected: Value 'x' at "
       "'globalSecondaryIndexUpdates.1.member.create.indexName' failed to satisfy constraint: "
       "Member must have length greater than or equal to 3; Value null at "
       "'globalSecondaryIndexUpdates.1.member.create.keySchema' failed to satisfy constraint: "
       "Member must not be null; Value null at "
       "'globalSecondaryIndexUpdates.1.member.create.projection' failed to satisfy constraint: "
       "Member must not be null"},
      {update(R"({"Update":{"IndexName":"by-a"}})"),
       invalid + "The only Updates for index: by-a when TableThroughputMode is PAY_PER_REQUEST can "
                 "be to OnDemandThroughput, WarmThroughput"},
      {update(add("by-g"), std::string(kDefine) + R"("DeletionProtectionEnabled":true,)"),
       "ValidationException: DeletionProtection modification must be the only operation in the "
       "request"},
      {update(drop("by-a"),
              R"("ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1},)"),
       "ValidationException: You cannot create or delete index while updating table IOPS"},
  };
  for (const Case& c : kCases) EXPECT_EQ(error("UpdateTable", c.body), c.error) << c.body;
  EXPECT_EQ(states(), "ACTIVE by-a:ACTIVE");
  ok("UpdateTable", update(add("by-g"), kDefine));
  EXPECT_EQ(error("UpdateTable", update(add("other", "n"), kDefine)), once);
  EXPECT_EQ(error("UpdateTable", update(drop("by-a"))), once);
  EXPECT_EQ(error("UpdateTable", update(add("by-g"), kDefine)),
            "ResourceInUseException: Attempt to change a resource which is still in use: Index is "
            "being created. Table: tab Index: by-g");
  EXPECT_EQ(error("UpdateTable", update(drop("by-g"))),
            "ResourceInUseException: Attempt to change a resource which is still in use: Index is "
            "being created but is not backfilling yet. Table: tab Index: by-g");
}

TEST_F(IndexUpdatesTest, UpToFourAttributesOfEachKind) {
  std::string keys, definitions;
  for (const char* name : {"h1", "h2", "h3", "h4", "r1", "r2", "r3", "r4"}) {
    keys += std::string(keys.empty() ? "" : ",") + R"({"AttributeName":")" + name +
            R"(","KeyType":")" + (name[0] == 'h' ? "HASH" : "RANGE") + "\"}";
    definitions += std::string(definitions.empty() ? "" : ",") + R"({"AttributeName":")" + name +
                   R"(","AttributeType":"S"})";
  }
  ok("UpdateTable", update(R"({"Create":{"IndexName":"wide","KeySchema":[)" + keys +
                               R"(],"Projection":{"ProjectionType":"KEYS_ONLY"}}})",
                           "\"AttributeDefinitions\":[" + definitions + "],"));
  sweep();
  EXPECT_EQ(states(), "ACTIVE by-a:ACTIVE wide:ACTIVE");
}

}  // namespace
}  // namespace offramp::engine
