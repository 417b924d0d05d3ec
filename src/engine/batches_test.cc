// Batches and transactions: answers, limits, cancellation, tokens.
#include <string>

#include "engine/engine_fixture_test.h"

namespace offramp::engine {
namespace {

constexpr std::string_view kInvalid =
    "ValidationException: One or more parameter values were invalid: ";

class BatchesTest : public EngineTest {
 protected:
  BatchesTest() {
    make_table("one");
    make_table("two");
  }
  static std::string key(std::string_view pk) {
    return R"({"pk":{"S":")" + std::string(pk) + R"("}})";
  }
  static std::string put(std::string_view item) {
    return R"({"PutRequest":{"Item":)" + std::string(item) + "}}";
  }
  static std::string remove(std::string_view pk) {
    return R"({"DeleteRequest":{"Key":)" + key(pk) + "}}";
  }
  static std::string write_to(std::string_view table, std::string_view requests) {
    return R"({"RequestItems":{")" + std::string(table) + "\":[" + std::string(requests) + "]}}";
  }
  static std::string get_from(std::string_view table, std::string_view keys,
                              std::string_view rest = {}) {
    return R"({"RequestItems":{")" + std::string(table) + "\":{\"Keys\":[" + std::string(keys) +
           "]" + std::string(rest) + "}}}";
  }
  std::string item(std::string_view pk) {
    return ok("GetItem", R"({"TableName":"one","Key":)" + key(pk) + "}");
  }
  static std::string repeat(int times, const std::function<std::string(int)>& text) {
    std::string out;
    for (int i = 0; i < times; ++i) out += (i ? "," : "") + text(i);
    return out;
  }
};

TEST_F(BatchesTest, WriteAndGetOverTables) {
  EXPECT_EQ(ok("BatchWriteItem", R"({"RequestItems":{"one":[)" + put(key("a")) + "," +
                                     put(key("b")) + R"(],"two":[)" + put(key("a")) + "]}}"),
            R"({"UnprocessedItems":{}})");
  EXPECT_EQ(
      ok("BatchGetItem", R"({"RequestItems":{"one":{"Keys":[)" + key("a") + "," + key("none") +
                             "," + key("b") + R"(]},"two":{"Keys":[)" + key("a") + "]}}}"),
      R"({"Responses":{"one":[{"pk":{"S":"a"}},{"pk":{"S":"b"}}],"two":[{"pk":{"S":"a"}}]},"UnprocessedKeys":{}})");
  EXPECT_EQ(ok("BatchWriteItem", write_to("one", remove("a") + "," + remove("none"))),
            R"({"UnprocessedItems":{}})");
  EXPECT_EQ(item("a"), "{}");
  EXPECT_EQ(
      ok("BatchWriteItem",
         R"({"RequestItems":{"one":[)" + put(key("a")) + R"(]},"ReturnConsumedCapacity":"TOTAL"})"),
      R"({"UnprocessedItems":{},"ConsumedCapacity":[{"TableName":"one","CapacityUnits":1.0}]})");
}

TEST_F(BatchesTest, BatchesAreRefusedWhole) {
  EXPECT_EQ(error("BatchGetItem", "{}"),
            "ValidationException: The requestItems parameter is required for BatchGetItem");
  EXPECT_EQ(error("BatchWriteItem", "{}"),
            "ValidationException: The requestItems parameter is required for BatchWriteItem");
  EXPECT_EQ(error("BatchGetItem", get_from("one", key("a") + "," + key("a"))),
            "ValidationException: Provided list of item keys contains duplicates");
  EXPECT_EQ(error("BatchWriteItem", write_to("one", put(key("a")) + "," + remove("a"))),
            "ValidationException: Provided list of item keys contains duplicates");
  EXPECT_EQ(
      error("BatchGetItem",
            get_from("one", repeat(101, [](int i) { return key(std::to_string(i)); }))),
      "ValidationException: 1 validation error detected: Value at 'RequestItems.one.member.Keys' "
      "failed to satisfy constraint: Member must have length less than or equal to 100");
  EXPECT_TRUE(error("BatchWriteItem",
                    write_to("one", repeat(26, [](int i) { return remove(std::to_string(i)); })))
                  .ends_with("failed to satisfy constraint: Map value must satisfy constraint: "
                             "[Member must have length less than or equal to 25, Member must have "
                             "length greater than or equal to 1]"));
  EXPECT_EQ(error("BatchGetItem", get_from("missing", key("a"))),
            "ResourceNotFoundException: Requested resource not found");
  EXPECT_EQ(
      error("BatchWriteItem", write_to("one", put(key("good")) + "," + put(R"({"x":{"S":"y"}})"))),
      std::string(kInvalid) + "Missing the key pk in the item");
  EXPECT_EQ(
      error("BatchWriteItem",
            write_to("one", put(key("good")) + R"(,{"DeleteRequest":{"Key":{"x":{"S":"y"}}}})")),
      "ValidationException: The provided key element does not match the schema");
  EXPECT_EQ(item("good"), "{}");
}

TEST_F(BatchesTest, AnAnswerEndsAt16Megabytes) {
  std::string text(390'000, 'x');
  for (int i = 0; i < 50; ++i)
    ok("PutItem", R"({"TableName":"one","Item":{"pk":{"S":"k)" + std::to_string(i) +
                      R"("},"v":{"S":")" + text + R"("}}})");
  std::string keys = repeat(50, [](int i) { return key("k" + std::to_string(i)); });
  std::string answer =
      ok("BatchGetItem",
         get_from("one", keys,
                  R"(,"ProjectionExpression":"#p","ExpressionAttributeNames":{"#p":"pk"})"));
  // 43 of 390,006 bytes fit in 16 MiB.
  std::string left = repeat(7, [](int i) { return key("k" + std::to_string(43 + i)); });
  EXPECT_TRUE(answer.ends_with(
      R"("UnprocessedKeys":{"one":{"Keys":[)" + left +
      R"(],"ProjectionExpression":"#p","ExpressionAttributeNames":{"#p":"pk"}}}})"))
      << answer;
}

class TransactionsTest : public BatchesTest {
 protected:
  static std::string put_action(std::string_view item, std::string_view rest = {}) {
    return R"({"Put":{"TableName":"one","Item":)" + std::string(item) + std::string(rest) + "}}";
  }
  static std::string add(std::string_view pk, std::string_view rest = {}) {
    return R"({"Update":{"TableName":"one","Key":)" + key(pk) +
           R"(,"UpdateExpression":"ADD n :n","ExpressionAttributeValues":{":n":{"N":"1"}})" +
           std::string(rest) + "}}";
  }
  static std::string transaction(std::string_view actions, std::string_view rest = {}) {
    return R"({"TransactItems":[)" + std::string(actions) + "]" + std::string(rest) + "}";
  }
  static std::string token(std::string_view text) {
    return R"(,"ClientRequestToken":")" + std::string(text) + "\"";
  }
};

TEST_F(TransactionsTest, AllOrNothing) {
  EXPECT_EQ(ok("TransactWriteItems",
               transaction(put_action(key("a")) + "," + add("b") +
                           R"(,{"Delete":{"TableName":"two","Key":)" + key("c") + "}}")),
            "{}");
  EXPECT_EQ(item("b"), R"({"Item":{"pk":{"S":"b"},"n":{"N":"1"}}})");
  std::string failing = transaction(
      add("b") + "," +
      put_action(
          key("a"),
          R"j(,"ConditionExpression":"attribute_not_exists(pk)","ReturnValuesOnConditionCheckFailure":"ALL_OLD")j") +
      R"j(,{"ConditionCheck":{"TableName":"two","Key":{"pk":{"S":"z"}},"ConditionExpression":"attribute_exists(pk)"}})j");
  Reply reply = call("TransactWriteItems", failing);
  EXPECT_EQ(
      reply.body,
      R"({"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"Transaction cancelled, please refer )"
      R"(cancellation reasons for specific reasons [None, ConditionalCheckFailed, ConditionalCheckFailed]","CancellationReasons":[)"
      R"({"Code":"None"},{"Code":"ConditionalCheckFailed","Message":"The conditional request failed","Item":{"pk":{"S":"a"}}},)"
      R"({"Code":"ConditionalCheckFailed","Message":"The conditional request failed"}]})");
  EXPECT_EQ(item("b"), R"({"Item":{"pk":{"S":"b"},"n":{"N":"1"}}})");
}

TEST_F(TransactionsTest, WhatIsWrongWithOneActionCancels) {
  Reply reply =
      call("TransactWriteItems", transaction(add("a") + "," + put_action(R"({"x":{"S":"y"}})")));
  EXPECT_EQ(reply.error_type, "TransactionCanceledException");
  EXPECT_NE(
      reply.body.find(
          R"([{"Code":"None"},{"Code":"ValidationError","Message":"One or more parameter values were invalid: Missing the key pk in the item"}])"),
      std::string::npos)
      << reply.body;
  reply = call(
      "TransactWriteItems",
      transaction(
          R"({"Update":{"TableName":"one","Key":{"pk":{"S":"a"}},"UpdateExpression":"SET a = b"}})"));
  EXPECT_NE(
      reply.body.find(
          R"([{"Code":"ValidationError","Message":"The provided expression refers to an attribute that does not exist in the item"}])"),
      std::string::npos)
      << reply.body;
}

TEST_F(TransactionsTest, WhatIsWrongWithTheRequestDoesNotCancel) {
  EXPECT_EQ(error("TransactWriteItems", "{}"),
            "ValidationException: 1 validation error detected: Value null at 'transactItems' "
            "failed to satisfy constraint: Member must not be null");
  EXPECT_EQ(error("TransactWriteItems", transaction("")),
            "ValidationException: 1 validation error detected: Value '[]' at 'transactItems' "
            "failed to satisfy constraint: Member must have length greater than or equal to 1");
  EXPECT_EQ(
      error("TransactWriteItems", transaction(add("a") + "," + put_action(key("a")))),
      "ValidationException: Transaction request cannot include multiple operations on one item");
  EXPECT_EQ(
      error("TransactWriteItems", transaction(R"({"Put":{"TableName":"missing","Item":{}}})")),
      "ResourceNotFoundException: Requested resource not found");
  EXPECT_EQ(
      error("TransactWriteItems",
            transaction(
                R"({"Put":{"TableName":"one","Item":{}},"Delete":{"TableName":"one","Key":{}}})")),
      "ValidationException: TransactItems can only contain one of Check, Put, Update or Delete");
  EXPECT_EQ(
      error("TransactWriteItems",
            transaction(R"({"Put":{"TableName":"one","Item":{},"ConditionExpression":"("}})")),
      "ValidationException: Invalid ConditionExpression: Syntax error; token: \"<EOF>\", near: "
      "\"(\"");
}

TEST_F(TransactionsTest, ATokenMakesItHappenOnce) {
  std::string once = transaction(add("a"), token("t1"));
  EXPECT_EQ(ok("TransactWriteItems", once), "{}");
  EXPECT_EQ(ok("TransactWriteItems", once), "{}");
  // Members in another order are the same request.
  EXPECT_EQ(
      ok("TransactWriteItems",
         R"({"ClientRequestToken":"t1","TransactItems":[{"Update":{"UpdateExpression":"ADD n :n","ExpressionAttributeValues":{":n":{"N":"1"}},"Key":{"pk":{"S":"a"}},"TableName":"one"}}]})"),
      "{}");
  EXPECT_EQ(item("a"), R"({"Item":{"pk":{"S":"a"},"n":{"N":"1"}}})");
  EXPECT_TRUE(error("TransactWriteItems", transaction(add("b"), token("t1")))
                  .starts_with("IdempotentParameterMismatchException: "));
  EXPECT_EQ(item("b"), "{}");
  // Another process knows it too, and clients see nothing of it.
  engine = std::move(Engine::open(store, EngineOptions{.clock = &clock})).value();
  worker = std::move(engine->worker()).value();
  EXPECT_EQ(ok("TransactWriteItems", once), "{}");
  EXPECT_EQ(ok("ListTables", "{}"), R"({"TableNames":["one","two"]})");
  EXPECT_TRUE(error("DescribeTable", R"({"TableName":"offramp:tokens"})")
                  .starts_with("ValidationException"));
  clock.pass(std::chrono::minutes(10));
  EXPECT_EQ(ok("TransactWriteItems", once), "{}");
  EXPECT_EQ(item("a"), R"({"Item":{"pk":{"S":"a"},"n":{"N":"2"}}})");
}

TEST_F(TransactionsTest, ACancelledTransactionDoesNotUseItsToken) {
  std::string conditional =
      transaction(add("a", R"j(,"ConditionExpression":"attribute_exists(pk)")j"), token("t1"));
  EXPECT_EQ(call("TransactWriteItems", conditional).error_type, "TransactionCanceledException");
  ok("PutItem", R"({"TableName":"one","Item":{"pk":{"S":"a"}}})");
  EXPECT_EQ(ok("TransactWriteItems", conditional), "{}");
  EXPECT_EQ(item("a"), R"({"Item":{"pk":{"S":"a"},"n":{"N":"1"}}})");
}

TEST_F(TransactionsTest, OldTokensAreRemoved) {
  for (int i = 0; i < 250; ++i)
    ok("TransactWriteItems", transaction(add("a"), token("old" + std::to_string(i))));
  auto count = [&] {
    target::ServedTable tokens;
    tokens.id = "offramp:tokens";
    return store.table_size(tokens).value().items;
  };
  EXPECT_EQ(count(), 250U);
  clock.pass(std::chrono::minutes(11));
  for (int i = 0; i < 300; ++i)
    ok("TransactWriteItems", transaction(add("a"), token("new" + std::to_string(i))));
  EXPECT_EQ(count(), 300U);
}

TEST_F(TransactionsTest, ConflictsAreReasons) {
  store.before_commit = [] { return Error(ErrorKind::kConflict, "store.conflict", "busy"); };
  Reply reply = call("TransactWriteItems", transaction(add("a")));
  EXPECT_NE(
      reply.body.find(
          R"([{"Code":"TransactionConflict","Message":"Transaction is ongoing for the item"}])"),
      std::string::npos)
      << reply.body;
}

TEST_F(TransactionsTest, GetsAreOfOneMoment) {
  ok("TransactWriteItems", transaction(add("a") + "," + add("b")));
  std::string gets =
      R"({"TransactItems":[{"Get":{"TableName":"one","Key":{"pk":{"S":"a"}},"ProjectionExpression":"n"}},{"Get":{"TableName":"two","Key":{"pk":{"S":"a"}}}},{"Get":{"TableName":"one","Key":{"pk":{"S":"b"}}}}])";
  EXPECT_EQ(
      ok("TransactGetItems", gets + "}"),
      R"({"Responses":[{"Item":{"n":{"N":"1"}}},{},{"Item":{"pk":{"S":"b"},"n":{"N":"1"}}}]})");
  EXPECT_NE(ok("TransactGetItems", gets + R"(,"ReturnConsumedCapacity":"TOTAL"})")
                .find(R"("ConsumedCapacity":[{"TableName":"one","CapacityUnits":4.0)"),
            std::string::npos);
  EXPECT_EQ(
      error(
          "TransactGetItems",
          R"({"TransactItems":[{"Get":{"TableName":"one","Key":{"pk":{"S":"a"}}}},{"Get":{"TableName":"one","Key":{"pk":{"S":"a"}}}}]})"),
      "ValidationException: Transaction request cannot include multiple operations on one item");
  Reply reply = call("TransactGetItems",
                     R"({"TransactItems":[{"Get":{"TableName":"one","Key":{"x":{"S":"a"}}}}]})");
  EXPECT_NE(
      reply.body.find(
          R"([{"Code":"ValidationError","Message":"The provided key element does not match the schema"}])"),
      std::string::npos)
      << reply.body;
}

}  // namespace
}  // namespace offramp::engine
