// GetItem, PutItem, UpdateItem, DeleteItem: answers, errors and their order.
#include "engine/engine_fixture_test.h"

namespace offramp::engine {
namespace {

constexpr std::string_view kCondition =
    "ConditionalCheckFailedException: The conditional request failed";
constexpr std::string_view kInvalid =
    "ValidationException: One or more parameter values were invalid: ";

class ItemsTest : public EngineTest {
 protected:
  ItemsTest() {
    make_table("tab");
    make_table("pair", true);
    ok("CreateTable", R"({"TableName":"indexed","BillingMode":"PAY_PER_REQUEST",
      "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"},
                              {"AttributeName":"g","AttributeType":"S"},{"AttributeName":"l","AttributeType":"B"}],
      "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
      "GlobalSecondaryIndexes":[{"IndexName":"gsi","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],
                                 "Projection":{"ProjectionType":"ALL"}}],
      "LocalSecondaryIndexes":[{"IndexName":"lsi","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},
                                {"AttributeName":"l","KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}]})");
  }
  std::string item(std::string_view pk) {
    return ok("GetItem", R"({"TableName":"tab","Key":{"pk":{"S":")" + std::string(pk) + R"("}}})");
  }
  std::string put_error(std::string_view rest) {
    return error("PutItem", "{\"TableName\":\"tab\"," + std::string(rest) + "}");
  }
};

TEST_F(ItemsTest, WhatIsPutIsGot) {
  EXPECT_EQ(
      ok("PutItem",
         R"({"TableName":"tab","Item":{"pk":{"S":"a"},"n":{"N":"1.50"},"l":{"L":[{"NULL":true}]}}})"),
      "{}");
  EXPECT_EQ(item("a"), R"({"Item":{"pk":{"S":"a"},"n":{"N":"1.5"},"l":{"L":[{"NULL":true}]}}})");
  EXPECT_EQ(item("b"), "{}");
  EXPECT_EQ(
      ok("GetItem",
         R"({"TableName":"arn:aws:dynamodb:local:000000000000:table/tab","Key":{"pk":{"S":"a"}},
                              "ProjectionExpression":"#n, l[0]","ExpressionAttributeNames":{"#n":"n"}})"),
      R"({"Item":{"n":{"N":"1.5"},"l":{"L":[{"NULL":true}]}}})");
  EXPECT_EQ(ok("GetItem",
               R"({"TableName":"tab","Key":{"pk":{"S":"a"}},"ProjectionExpression":"another"})"),
            R"({"Item":{}})");
  EXPECT_EQ(ok("GetItem", R"({"TableName":"tab","Key":{"pk":{"S":"a"}},"AttributesToGet":["n"]})"),
            R"({"Item":{"n":{"N":"1.5"}}})");
}

TEST_F(ItemsTest, ReturnValuesOfPutAndDelete) {
  std::string put =
      R"({"TableName":"tab","Item":{"pk":{"S":"a"},"v":{"S":"1"}},"ReturnValues":"ALL_OLD"})";
  EXPECT_EQ(ok("PutItem", put), "{}");
  EXPECT_EQ(ok("PutItem", put), R"({"Attributes":{"pk":{"S":"a"},"v":{"S":"1"}}})");
  EXPECT_EQ(
      ok("DeleteItem", R"({"TableName":"tab","Key":{"pk":{"S":"a"}},"ReturnValues":"ALL_OLD"})"),
      R"({"Attributes":{"pk":{"S":"a"},"v":{"S":"1"}}})");
  EXPECT_EQ(
      ok("DeleteItem", R"({"TableName":"tab","Key":{"pk":{"S":"a"}},"ReturnValues":"ALL_OLD"})"),
      "{}");
  EXPECT_EQ(ok("DeleteItem", R"({"TableName":"tab","Key":{"pk":{"S":"a"}}})"), "{}");
}

TEST_F(ItemsTest, ConditionsDecideAndShowTheItem) {
  std::string once =
      R"j({"TableName":"tab","Item":{"pk":{"S":"a"},"v":{"N":"1"}},"ConditionExpression":"attribute_not_exists(pk)")j";
  EXPECT_EQ(ok("PutItem", once + "}"), "{}");
  EXPECT_EQ(error("PutItem", once + "}"), kCondition);
  Reply reply = call("PutItem", once + R"(,"ReturnValuesOnConditionCheckFailure":"ALL_OLD"})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.body,
            R"({"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",)"
            R"("message":"The conditional request failed","Item":{"pk":{"S":"a"},"v":{"N":"1"}}})");
  EXPECT_EQ(error("DeleteItem",
                  R"({"TableName":"tab","Key":{"pk":{"S":"a"}},"ConditionExpression":"v = :v",
                                   "ExpressionAttributeValues":{":v":{"N":"2"}}})"),
            kCondition);
  EXPECT_EQ(
      error("PutItem",
            R"({"TableName":"tab","Item":{"pk":{"S":"a"}},"Expected":{"v":{"Exists":false}}})"),
      kCondition);
  // There is no item to show.
  reply = call(
      "DeleteItem",
      R"j({"TableName":"tab","Key":{"pk":{"S":"no"}},"ConditionExpression":"attribute_exists(pk)",
                                 "ReturnValuesOnConditionCheckFailure":"ALL_OLD"})j");
  EXPECT_EQ(reply.body.find("Item\":"), std::string::npos) << reply.body;
}

TEST_F(ItemsTest, AnErrorShowsNothingOfTheRequestBefore) {
  ok("PutItem", R"({"TableName":"tab","Item":{"pk":{"S":"a"},"v":{"S":"private"}}})");
  std::string failing =
      R"j({"TableName":"tab","Item":{"pk":{"S":"a"}},"ConditionExpression":"attribute_not_exists(pk)",
                             "ReturnValuesOnConditionCheckFailure":"ALL_OLD"})j";
  for (auto [operation, body] : {std::pair<const char*, const char*>{"GetItem", "{"},
                                 {"GetItem", R"({"TableName":[]})"},
                                 {"GetItem", "{}"},
                                 {"Nonsense", "{}"}}) {
    EXPECT_NE(call("PutItem", failing).body.find("private"), std::string::npos);
    EXPECT_EQ(call(operation, body).body.find("private"), std::string::npos) << body;
  }
}

TEST_F(ItemsTest, UpdatesAndTheirReturnValues) {
  auto update = [&](std::string_view expression, std::string_view returned) {
    return ok("UpdateItem",
              R"({"TableName":"tab","Key":{"pk":{"S":"a"}},"UpdateExpression":")" +
                  std::string(expression) +
                  R"(","ExpressionAttributeValues":{":v":{"N":"2"}},"ReturnValues":")" +
                  std::string(returned) + "\"}");
  };
  EXPECT_EQ(update("SET n = :v", "ALL_NEW"), R"({"Attributes":{"pk":{"S":"a"},"n":{"N":"2"}}})");
  EXPECT_EQ(update("ADD n :v", "UPDATED_NEW"), R"({"Attributes":{"n":{"N":"4"}}})");
  EXPECT_EQ(update("ADD n :v", "UPDATED_OLD"), R"({"Attributes":{"n":{"N":"4"}}})");
  EXPECT_EQ(update("SET m = :v", "UPDATED_OLD"), "{}");
  EXPECT_EQ(update("SET m = m + :v", "ALL_OLD"),
            R"({"Attributes":{"pk":{"S":"a"},"n":{"N":"6"},"m":{"N":"2"}}})");
  EXPECT_EQ(update("SET m = m + :v", "NONE"), "{}");
  // An update without an expression makes the item; one that only removes does not.
  EXPECT_EQ(
      ok("UpdateItem", R"({"TableName":"tab","Key":{"pk":{"S":"new"}},"ReturnValues":"ALL_NEW"})"),
      R"({"Attributes":{"pk":{"S":"new"}}})");
  EXPECT_EQ(ok("UpdateItem",
               R"({"TableName":"tab","Key":{"pk":{"S":"none"}},"UpdateExpression":"REMOVE x"})"),
            "{}");
  EXPECT_EQ(item("none"), "{}");
  EXPECT_EQ(
      ok("UpdateItem", R"({"TableName":"tab","Key":{"pk":{"S":"old"}},"ReturnValues":"ALL_NEW",
                                 "AttributeUpdates":{"x":{"Value":{"S":"y"},"Action":"PUT"}}})"),
      R"({"Attributes":{"pk":{"S":"old"},"x":{"S":"y"}}})");
}

TEST_F(ItemsTest, UpdatesThatCannotBe) {
  auto refused = [&](std::string_view expression) {
    return error("UpdateItem", R"({"TableName":"tab","Key":{"pk":{"S":"a"}},"UpdateExpression":")" +
                                   std::string(expression) +
                                   R"(","ExpressionAttributeValues":{":v":{"N":"2"}}})");
  };
  EXPECT_EQ(
      refused("SET pk = :v"),
      std::string(kInvalid) + "Cannot update attribute pk. This attribute is part of the key");
  EXPECT_EQ(refused("SET a = b + :v"),
            "ValidationException: The provided expression refers to an attribute that does not "
            "exist in the item");
  EXPECT_EQ(refused("SET a.b = :v"),
            "ValidationException: The document path provided in the update expression is invalid "
            "for update");
  EXPECT_EQ(item("a"), "{}");
  EXPECT_EQ(
      error("UpdateItem", R"({"TableName":"tab","Key":{"pk":{"S":"a"}},"UpdateExpression":""})"),
      "ValidationException: Invalid UpdateExpression: The expression can not be empty;");
  EXPECT_EQ(
      error(
          "UpdateItem",
          R"({"TableName":"tab","Key":{"pk":{"S":"a"}},"UpdateExpression":"SET a = :v","ExpressionAttributeValues":{":v":{"S":"x"},":w":{"S":"y"}}})"),
      "ValidationException: Value provided in ExpressionAttributeValues unused in expressions: "
      "keys: {:w}");
  EXPECT_EQ(
      error(
          "UpdateItem",
          R"({"TableName":"tab","Key":{"pk":{"S":"a"}},"UpdateExpression":"SET a = :v","AttributeUpdates":{"b":{"Action":"DELETE"}},"ExpressionAttributeValues":{":v":{"S":"x"}}})"),
      "ValidationException: Can not use both expression and non-expression parameters in the same "
      "request: Non-expression parameters: {AttributeUpdates} Expression parameters: "
      "{UpdateExpression}");
}

TEST_F(ItemsTest, KeysAreChecked) {
  constexpr std::string_view kSchema =
      "ValidationException: The provided key element does not match the schema";
  auto get = [&](std::string_view key) {
    return error("GetItem", R"({"TableName":"pair","Key":)" + std::string(key) + "}");
  };
  EXPECT_EQ(get("{}"), kSchema);
  EXPECT_EQ(get(R"({"pk":{"S":"a"}})"), kSchema);
  EXPECT_EQ(get(R"({"pk":{"S":"a"},"sk":{"N":"1"}})"), kSchema);
  EXPECT_EQ(get(R"({"pk":{"S":"a"},"sk":{"S":"b"},"x":{"S":"c"}})"), kSchema);
  EXPECT_EQ(
      get(R"({"pk":{"S":""},"sk":{"S":"b"}})"),
      std::string(kInvalid) +
          "The AttributeValue for a key attribute cannot contain an empty string value. Key: pk");
  std::string long_sort(1025, 'x'), long_partition(2049, 'x');
  EXPECT_EQ(
      get(R"({"pk":{"S":")" + long_partition + R"("},"sk":{"S":"b"}})"),
      std::string(kInvalid) + "Size of hashkey has exceeded the maximum size limit of2048 bytes");
  EXPECT_EQ(get(R"({"pk":{"S":"a"},"sk":{"S":")" + long_sort + R"("}})"),
            std::string(kInvalid) +
                "Aggregated size of all range keys has exceeded the size limit of 1024 bytes");
  EXPECT_EQ(put_error(R"("Item":{"x":{"S":"a"}})"),
            std::string(kInvalid) + "Missing the key pk in the item");
  EXPECT_EQ(put_error(R"("Item":{"pk":{"N":"1"}})"),
            std::string(kInvalid) + "Type mismatch for key pk expected: S actual: N");
  EXPECT_EQ(put_error(R"("Item":{"pk":{"S":""}})"),
            "ValidationException: One or more parameter values are not valid. The AttributeValue "
            "for a key attribute cannot contain an empty string value. Key: pk");
}

TEST_F(ItemsTest, IndexKeysAreChecked) {
  auto put = [&](std::string_view rest) {
    return error("PutItem", R"({"TableName":"indexed","Item":{"pk":{"S":"a"},"sk":{"N":"1"},)" +
                                std::string(rest) + "}}");
  };
  EXPECT_EQ(
      put(R"("g":{"N":"1"})"),
      std::string(kInvalid) + "Type mismatch for Index Key g Expected: S Actual: N IndexName: gsi");
  EXPECT_EQ(put(R"("l":{"NULL":true})"),
            std::string(kInvalid) +
                "Type mismatch for Index Key l Expected: B Actual: NULL IndexName: lsi");
  EXPECT_EQ(put(R"("g":{"S":""})"),
            "ValidationException: One or more parameter values are not valid. A value specified "
            "for a secondary index key is not "
            "supported. The AttributeValue for a key attribute cannot contain an empty string "
            "value. IndexName: gsi, IndexKey: g");
  auto update = [&](std::string_view expression) {
    return error(
        "UpdateItem",
        R"({"TableName":"indexed","Key":{"pk":{"S":"a"},"sk":{"N":"1"}},"UpdateExpression":")" +
            std::string(expression) + R"(","ExpressionAttributeValues":{":v":{"N":"2"}}})");
  };
  EXPECT_EQ(
      update("SET g = :v"),
      std::string(kInvalid) + "Type mismatch for Index Key g Expected: S Actual: N IndexName: gsi");
  ok("PutItem", R"({"TableName":"indexed","Item":{"pk":{"S":"a"},"sk":{"N":"1"},"n":{"N":"5"}}})");
  EXPECT_EQ(update("SET g = n + :v"),
            "ValidationException: The update expression attempted to update the secondary index "
            "key to unsupported type");
  EXPECT_EQ(
      ok("PutItem",
         R"({"TableName":"indexed","Item":{"pk":{"S":"a"},"sk":{"N":"1"}},"ReturnItemCollectionMetrics":"SIZE"})"),
      R"({"ItemCollectionMetrics":{"ItemCollectionKey":{"pk":{"S":"a"}},"SizeEstimateRangeGB":[0,1]}})");
}

TEST_F(ItemsTest, SizesAreLimited) {
  std::string big(409600 - 3, 'x');
  auto put = [&](const std::string& text) {
    return R"({"TableName":"tab","Item":{"pk":{"S":"a"},"v":{"S":")" + text + R"("}}})";
  };
  // "pk", "a" and "v" are four bytes.
  EXPECT_EQ(error("PutItem", put(big)),
            "ValidationException: Item size has exceeded the maximum allowed size");
  ok("PutItem", put(big.substr(1)));
  EXPECT_EQ(
      error(
          "UpdateItem",
          R"({"TableName":"tab","Key":{"pk":{"S":"a"}},"UpdateExpression":"SET w = :v","ExpressionAttributeValues":{":v":{"S":"x"}}})"),
      "ValidationException: Item size to update has exceeded the maximum allowed size");
}

TEST_F(ItemsTest, ErrorsComeInTheServicesOrder) {
  // Types, then constraints together, then expressions, then the table, then the key.
  EXPECT_EQ(error("PutItem", R"({"TableName":5})"),
            "SerializationException: NUMBER_VALUE cannot be converted to String");
  EXPECT_EQ(error("PutItem", R"({"TableName":"no","ReturnValues":"x"})"),
            "ValidationException: 3 validation errors detected: Value 'no' at 'tableName' failed "
            "to satisfy constraint: Member must "
            "have length greater than or equal to 3; Value null at 'item' failed to satisfy "
            "constraint: Member must not be null; "
            "Value 'x' at 'returnValues' failed to satisfy constraint: Member must satisfy enum "
            "value set: [ALL_NEW, UPDATED_OLD, "
            "ALL_OLD, NONE, UPDATED_NEW]");
  EXPECT_EQ(
      error("PutItem", "{}"),
      "ValidationException: 2 validation errors detected: Value null at 'tableName' failed to "
      "satisfy constraint: Member must "
      "not be null; Value null at 'item' failed to satisfy constraint: Member must not be null");
  EXPECT_EQ(error("PutItem", R"({"TableName":""})"),
            "ValidationException: 1 validation error detected: Value '' at 'tableName' failed to "
            "satisfy constraint: Member must have "
            "length greater than or equal to 1");
  EXPECT_EQ(put_error(R"("Item":{},"ReturnValues":"ALL_NEW")"),
            "ValidationException: ReturnValues can only be ALL_OLD or NONE");
  EXPECT_EQ(error("PutItem", R"({"TableName":"missing","Item":{},"ConditionExpression":"a = :v"})"),
            "ValidationException: Invalid ConditionExpression: An expression attribute value used "
            "in expression is not defined; attribute value: :v");
  EXPECT_EQ(error("PutItem", R"({"TableName":"missing","Item":{}})"),
            "ResourceNotFoundException: Requested resource not found");
  EXPECT_EQ(put_error(R"("Item":{},"ExpressionAttributeValues":{":v":{"S":"x"}})"),
            "ValidationException: ExpressionAttributeValues can only be specified when using "
            "expressions: ConditionExpression is null");
  EXPECT_EQ(
      put_error(
          R"("Item":{"pk":{"S":"a"}},"ConditionExpression":"pk.x = :v","ExpressionAttributeValues":{":v":{"S":"x"}})"),
      "ValidationException: Key attributes must be scalars; list random access '[]' and map lookup "
      "'.' are not allowed: Key: pk");
  EXPECT_EQ(error("CreateBackup", "{}"),
            "UnknownOperationException: The operation CreateBackup is not served at this endpoint");
}

TEST_F(ItemsTest, CapacityIsTold) {
  EXPECT_EQ(ok("PutItem",
               R"({"TableName":"tab","Item":{"pk":{"S":"a"}},"ReturnConsumedCapacity":"TOTAL"})"),
            R"({"ConsumedCapacity":{"TableName":"tab","CapacityUnits":1.0}})");
  EXPECT_EQ(
      ok("GetItem",
         R"({"TableName":"tab","Key":{"pk":{"S":"a"}},"ReturnConsumedCapacity":"TOTAL"})"),
      R"({"Item":{"pk":{"S":"a"}},"ConsumedCapacity":{"TableName":"tab","CapacityUnits":0.5}})");
}

TEST_F(ItemsTest, AStoresErrorsAreTold) {
  store.before_commit = [] { return Error(ErrorKind::kConflict, "store.conflict", "secret"); };
  EXPECT_EQ(put_error(R"("Item":{"pk":{"S":"a"}})"),
            "TransactionConflictException: Transaction is ongoing for the item");
  store.before_commit = [] { return Error(ErrorKind::kBadItem, "store.refused", "secret"); };
  EXPECT_EQ(put_error(R"("Item":{"pk":{"S":"a"}})"),
            std::string(kInvalid) + "The table's database refuses the item");
  store.before_commit = [] { return Error(ErrorKind::kUnavailable, "pg.lost", "secret"); };
  Reply reply = call("PutItem", R"({"TableName":"tab","Item":{"pk":{"S":"a"}}})");
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.error_type, "InternalServerError");
  EXPECT_EQ(reply.body.find("secret"), std::string::npos);
  EXPECT_EQ(logged.back(), "secret");
}

TEST_F(ItemsTest, ADecisionThatIsMadeAgainLeavesNoTrace) {
  ok("PutItem", R"({"TableName":"tab","Item":{"pk":{"S":"a"},"n":{"N":"1"}}})");
  int left = 3;
  store.before_commit = [&]() -> Status {
    if (left-- > 0) return Error(ErrorKind::kRetry, "memory.again", "again");
    return {};
  };
  EXPECT_EQ(ok("UpdateItem",
               R"({"TableName":"tab","Key":{"pk":{"S":"a"}},"UpdateExpression":"SET n = n + :v",
                                 "ExpressionAttributeValues":{":v":{"N":"1"}},"ReturnValues":"ALL_NEW"})"),
            R"({"Attributes":{"pk":{"S":"a"},"n":{"N":"2"}}})");
}

TEST_F(ItemsTest, ATableMadeAnewByAnotherProcessIsFound) {
  auto other_engine = std::move(Engine::open(store, EngineOptions{.clock = &clock})).value();
  auto other = std::move(other_engine->worker()).value();
  auto by_other = [&](std::string_view operation, std::string body) {
    size_t size = body.size();
    body.append(ddb::kJsonPadding, '\0');
    Reply reply;
    other->execute(operation, {body.data(), size}, reply);
    return reply.status;
  };
  ok("PutItem", R"({"TableName":"tab","Item":{"pk":{"S":"a"}}})");
  EXPECT_EQ(by_other("DeleteTable", R"({"TableName":"tab"})"), 200);
  EXPECT_EQ(error("GetItem", R"({"TableName":"tab","Key":{"pk":{"S":"a"}}})"),
            "ResourceNotFoundException: Requested resource not found");
  EXPECT_EQ(by_other("CreateTable", R"({"TableName":"tab","BillingMode":"PAY_PER_REQUEST",
    "AttributeDefinitions":[{"AttributeName":"id","AttributeType":"N"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]})"),
            200);
  ok("PutItem", R"({"TableName":"tab","Item":{"id":{"N":"1"}}})");
}

}  // namespace
}  // namespace offramp::engine
