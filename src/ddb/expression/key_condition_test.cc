// Key conditions: an expression, `=>`, and `ok` or the service's words for what is wrong with it,
// as DynamoDB Local has them; it leaves the name away that the service adds to "missed key schema
// element" (reference notes, §7).
#include "ddb/expression/key_condition.h"

#include <gtest/gtest.h>

#include "ddb/expression/request_test.h"

namespace offramp::ddb::expression {
namespace {

std::string values_json() {
  return R"({":s":{"S":"a"},":t":{"S":"b"},":n":{"N":"1"},":n2":{"N":"2"},":b":{"BOOL":true},)"
         R"(":e":{"S":""},":l":{"L":[]},":bin":{"B":"YQ=="},":be":{"B":""},":big2":{"S":")" +
         std::string(1025, 'y') + R"("}})";
}

// What a request's key condition stands on; the values live as long as it.
struct Request {
  Request() : values(values_json()) {
    for (ValueView value : values.view()) placeholders.add_value(value.name(), value);
  }
  TestItem values;
  Placeholders placeholders;
};

void check(const std::vector<KeyPart>& partition, const std::vector<KeyPart>& sort,
           std::string_view index, std::string_view table) {
  for_each_case(table, [&](std::string_view text, std::string_view want) {
    Request request;
    const auto parsed = KeyExpression::parse(text, request.placeholders);
    if (!parsed.ok()) {
      EXPECT_EQ(parsed.error().message(), want) << text;
      EXPECT_EQ(parsed.error().code(), "ValidationException");
      return;
    }
    const auto bound = parsed->bind(partition, sort, index);
    EXPECT_EQ(bound.ok() ? "ok" : bound.error().message(), want) << text;
    if (!bound.ok()) {
      EXPECT_EQ(bound.error().code(), "ValidationException");
    }
  });
}

TEST(KeyCondition, OfATableWithAPartitionKey) {
  check({{"pk", Type::kS}}, {}, "", R"~(
    pk = :s => ok
    :s = pk => ok
    pk = :n => One or more parameter values were invalid: Condition parameter type does not match schema type
    pk > :s => Query key condition not supported
    pk <> :s => Invalid operator used in KeyConditionExpression: <>
    pk = pk => Invalid KeyConditionExpression: The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [pk]
    pk = :s AND pk = :s => KeyConditionExpressions must only contain one condition per key
    pk = :s OR pk = :t => Invalid operator used in KeyConditionExpression: OR
    NOT pk = :s => Invalid operator used in KeyConditionExpression: NOT
    pk IN (:s) => Invalid operator used in KeyConditionExpression: IN
    begins_with(pk,:s) => Query key condition not supported
    pk BETWEEN :s AND :t => Query key condition not supported
    x = :s => Query condition missed key schema element: pk
    pk = :s AND x = :s => Query key condition not supported
    x = :s AND y = :t => Query key condition not supported
    pk.x = :s => Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: pk
    pk[0] = :s => Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: pk
    pk = :s AND a.b = :t => KeyConditionExpressions cannot have conditions on nested attributes
    size(pk) = :n => KeyConditionExpressions cannot contain nested operations
    attribute_exists(pk) => Invalid operator used in KeyConditionExpression: attribute_exists
    contains(pk,:s) => Invalid operator used in KeyConditionExpression: contains
    pk = x => Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition
    :s = :t => Invalid condition in KeyConditionExpression: No key attribute specified
    pk = size(x) => KeyConditionExpressions cannot contain nested operations
    pk = :e => One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk
    pk = :b => One or more parameter values were invalid: Condition parameter type does not match schema type
    (pk = :s) => ok
    ((pk = :s)) => Invalid KeyConditionExpression: The expression has redundant parentheses;
    pk => Invalid KeyConditionExpression: Syntax error; token: "<EOF>", near: "pk"
    foo(pk) => Invalid KeyConditionExpression: Invalid function name; function: foo
    #z = :s => Invalid KeyConditionExpression: An expression attribute name used in the document path is not defined; attribute name: #z
    pk = :zz => Invalid KeyConditionExpression: An expression attribute value used in expression is not defined; attribute value: :zz
    pk = :s AND (x = :t OR y = :s) => Invalid operator used in KeyConditionExpression: OR
    pk = :s AND x <> :t => Invalid operator used in KeyConditionExpression: <>
    pk = :s AND NOT x = :t => Invalid operator used in KeyConditionExpression: NOT
    pk = :s AND x IN (:t) => Invalid operator used in KeyConditionExpression: IN
    pk = :s AND size(x) = :n => KeyConditionExpressions cannot contain nested operations
    pk = :s AND attribute_exists(x) => Invalid operator used in KeyConditionExpression: attribute_exists
    begins_with(:s, pk) => Invalid condition in KeyConditionExpression: begins_with operator must have the key attribute as its first operand
    if_not_exists(pk,:s) => Invalid KeyConditionExpression: The function is not allowed in a condition expression; function: if_not_exists
    attribute_type(pk,:s) => Invalid KeyConditionExpression: Invalid attribute type name found; type: a, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}
    pk = :s AND x = y => Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition
    a = :s AND b = :s AND c = :s => Conditions can be of length 1 or 2 only
    pk = :s AND pk > :t => KeyConditionExpressions must only contain one condition per key
    pk = :bin => One or more parameter values were invalid: Condition parameter type does not match schema type
    pk < :b => Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: <, operand type: BOOL
    pk = :l => One or more parameter values were invalid: Condition parameter type does not match schema type
    pk BETWEEN :t AND :s => Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}
    pk BETWEEN :s AND :n => Invalid KeyConditionExpression: The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {S:a}, upper bound operand: AttributeValue: {N:1}
    pk = :s AND a.b = :s AND x <> :t => KeyConditionExpressions cannot have conditions on nested attributes
    pk = :s AND x <> :t AND a.b = :s => Invalid operator used in KeyConditionExpression: <>
    a.b = :s AND a.b = :t => KeyConditionExpressions cannot have conditions on nested attributes
    a = :s AND b = :s AND c = :s AND a = :s => KeyConditionExpressions must only contain one condition per key
    a = :s AND b = :s AND c = :s AND d <> :s => Invalid operator used in KeyConditionExpression: <>
    pk = :s AND (x = size(y)) => KeyConditionExpressions cannot contain nested operations
    pk = :s AND x = y.z => Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition
    pk = :s AND begins_with(x.y,:s) => KeyConditionExpressions cannot have conditions on nested attributes
    pk = :s AND begins_with(x,y) => Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition
    pk = :s AND begins_with(:s,:s) => Invalid condition in KeyConditionExpression: begins_with operator must have the key attribute as its first operand
    pk = :s AND begins_with(size(x),:s) => Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N
    pk = :s AND x BETWEEN :s AND size(y) => KeyConditionExpressions cannot contain nested operations
    pk = :s AND :s BETWEEN x AND size(y) => Invalid condition in KeyConditionExpression: BETWEEN operator must have the key attribute as its first operand
    pk = :s AND x BETWEEN y AND z => Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition
    pk = :s AND y.x BETWEEN :s AND :t => KeyConditionExpressions cannot have conditions on nested attributes
    pk = :s AND x.y = z => KeyConditionExpressions cannot have conditions on nested attributes
    :s = a.b => KeyConditionExpressions cannot have conditions on nested attributes
    NOT size(x) = :n => Invalid operator used in KeyConditionExpression: NOT
    attribute_exists(size(x)) => Invalid KeyConditionExpression: Operator or function requires a document path; operator or function: attribute_exists
    attribute_exists(x) OR y = :s => Invalid operator used in KeyConditionExpression: OR
    contains(x, size(y)) => Invalid operator used in KeyConditionExpression: contains
    x IN (size(y)) => Invalid operator used in KeyConditionExpression: IN
    x <> size(y) => Invalid operator used in KeyConditionExpression: <>
  )~");
}

TEST(KeyCondition, OfATableWithASortKey) {
  check({{"pk", Type::kS}}, {{"sk", Type::kN}}, "", R"~(
    pk = :s AND sk = :n => ok
    sk = :n AND pk = :s => ok
    sk = :n => Query condition missed key schema element: pk
    pk = :s AND sk = :s => One or more parameter values were invalid: Condition parameter type does not match schema type
    pk = :n AND sk = :s => One or more parameter values were invalid: Condition parameter type does not match schema type
    pk = :s AND sk > :n AND sk < :n2 => KeyConditionExpressions must only contain one condition per key
    pk = :s AND sk > :n AND x = :s => Conditions can be of length 1 or 2 only
    sk > :n AND sk < :n2 => KeyConditionExpressions must only contain one condition per key
    pk > :s AND sk = :n => Query key condition not supported
    pk = :s AND begins_with(sk,:s) => One or more parameter values were invalid: Condition parameter type does not match schema type
    pk = :s AND begins_with(sk,:n) => Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N
    pk = :s AND sk BETWEEN :n AND :n2 => ok
    pk = :s AND sk BETWEEN :n2 AND :n => Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}
    pk = :s AND :n BETWEEN sk AND :n2 => Invalid condition in KeyConditionExpression: BETWEEN operator must have the key attribute as its first operand
    pk = :s AND :n < sk => ok
    pk = :s AND :n BETWEEN :n AND :n2 => Invalid condition in KeyConditionExpression: BETWEEN operator must have the key attribute as its first operand
    pk = :s AND begins_with(:s,sk) => Invalid condition in KeyConditionExpression: begins_with operator must have the key attribute as its first operand
    pk = :s AND sk BETWEEN :n AND x => Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition
    pk = :s AND sk = pk => Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition
    pk = :s AND sk < :b => Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: <, operand type: BOOL
    pk = :s AND sk <= :s => One or more parameter values were invalid: Condition parameter type does not match schema type
    pk = :s AND sk BETWEEN :s AND :t => One or more parameter values were invalid: Condition parameter type does not match schema type
    pk = :s AND sk BETWEEN :n AND :s => Invalid KeyConditionExpression: The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:a}
    pk = :s AND sk = :n OR x = :s => Invalid operator used in KeyConditionExpression: OR
    pk = :s AND x = :n => Query condition missed key schema element: sk
    pk = :s AND x > :n => Query condition missed key schema element: sk
    pk = :s AND (sk = :n) => ok
    (pk = :s) AND (sk = :n) => ok
    (pk = :s AND sk = :n) => ok
    pk = :s AND sk <> :n => Invalid operator used in KeyConditionExpression: <>
    pk = :s AND sk = :n AND x = :t => Conditions can be of length 1 or 2 only
    pk = :s AND x = :n AND sk = :n2 => Conditions can be of length 1 or 2 only
    pk = :s AND pk = :s AND sk = :n => KeyConditionExpressions must only contain one condition per key
    begins_with(pk,:s) AND sk = :n => Query key condition not supported
    pk = :s AND sk.a = :n => Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: sk
    pk.a = :s AND sk = :n => Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: pk
    pk = :n AND sk.a = :n => Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: sk
    pk <> :s AND sk = :n => Invalid operator used in KeyConditionExpression: <>
    pk = :s AND begins_with(sk, x) => Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition
    pk = :s AND NOT sk = :n => Invalid operator used in KeyConditionExpression: NOT
    pk = :s AND sk IN (:n) => Invalid operator used in KeyConditionExpression: IN
    pk = :s AND contains(sk,:n) => Invalid operator used in KeyConditionExpression: contains
    pk = :e AND sk = :s => One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk
    pk = :e AND sk = :n => One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk
    pk = :s AND sk = sk => Invalid KeyConditionExpression: The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [sk]
    pk BETWEEN :s AND :t AND sk = :n => Query key condition not supported
    sk = :n AND sk = :n => KeyConditionExpressions must only contain one condition per key
    x = :n AND pk = :s => Query condition missed key schema element: sk
    x > :n AND pk > :s => Query key condition not supported
    pk > :n AND sk = :s => One or more parameter values were invalid: Condition parameter type does not match schema type
    pk = :s AND size(sk) = :n => KeyConditionExpressions cannot contain nested operations
    pk = :s AND sk = size(x) => KeyConditionExpressions cannot contain nested operations
    pk < :s AND x = :n => Query key condition not supported
    NOT (pk = :s AND sk = :n) => Invalid operator used in KeyConditionExpression: NOT
    pk = :s AND begins_with(sk, :b) => Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: BOOL
    pk = :s AND attribute_exists(x) AND sk.y = :n => Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: sk
    sk.y = :n AND attribute_exists(x) => Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: sk
    pk = :n AND begins_with(sk,:s) => One or more parameter values were invalid: Condition parameter type does not match schema type
    x = :s => Query condition missed key schema element: pk
    sk > :s => Query condition missed key schema element: pk
    pk > :s AND sk > :n => Query key condition not supported
    pk > :s => Query key condition not supported
    pk = :s AND foo = :s AND sk BETWEEN :n AND :n2 => Conditions can be of length 1 or 2 only
    pk = :e AND x = :n => One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk
    pk > :e AND sk = :n => Query key condition not supported
    pk > :s AND sk = :s => Query key condition not supported
    pk = :s AND begins_with(sk,:be) => One or more parameter values were invalid: Condition parameter type does not match schema type
  )~");
}

TEST(KeyCondition, OfAnIndexWithAPartitionKey) {
  check({{"g", Type::kS}}, {}, "gsi", R"~(
    g = :s => ok
    g = :s AND sk = :n => Query key condition not supported
    pk = :s => Query condition missed key schema element: g
    g = :e => One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: gsi, IndexKey: g
    g = :n => One or more parameter values were invalid: Condition parameter type does not match schema type
    g > :s => Query key condition not supported
    g.x = :s => Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: g
  )~");
}

TEST(KeyCondition, OfAnIndexWithASortKey) {
  check({{"pk", Type::kS}}, {{"l", Type::kS}}, "lsi", R"~(
    pk = :s => ok
    pk = :s AND l = :t => ok
    pk = :s AND sk = :n => Query condition missed key schema element: l
    pk = :s AND begins_with(l,:t) => ok
    pk = :s AND l = :e => One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: lsi, IndexKey: l
    pk = :s AND l > :e => One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: lsi, IndexKey: l
    pk = :s AND begins_with(l,:e) => One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: lsi, IndexKey: l
    pk = :s AND l BETWEEN :e AND :s => One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: lsi, IndexKey: l
    pk = :s AND l = :big2 => One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes
    pk = :s AND l > :big2 => One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes
    l.x = :s AND pk = :s => Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: l
    pk = :e => One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: lsi, IndexKey: pk
    pk = :s AND l BETWEEN :s AND :be => Invalid KeyConditionExpression: The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {S:a}, upper bound operand: AttributeValue: {B:java.nio.HeapByteBuffer[pos=0 lim=0 cap=0]}
    pk = :n AND l = :e => One or more parameter values were invalid: Condition parameter type does not match schema type
  )~");
}

TEST(KeyCondition, OfAnIndexWithSeveral) {
  check({{"a", Type::kS}, {"b", Type::kN}}, {{"c", Type::kS}, {"d", Type::kN}, {"e", Type::kS}},
        "gsi", R"~(
    a = :s AND b = :n => ok
    a = :s => HASH key attributes b must have equality conditions specified in the query
    b = :n => HASH key attributes a must have equality conditions specified in the query
    a = :s AND b > :n => HASH key attributes b must have equality conditions specified in the query
    a = :s AND b = :n AND c = :s => ok
    a = :s AND b = :n AND c = :s AND d > :n => ok
    a = :s AND b = :n AND c > :s AND d = :n => RANGE key attributes c must have equality conditions specified in the query because a condition is present on key attribute d
    a = :s AND b = :n AND d = :n => RANGE key attributes c must have equality conditions specified in the query because a condition is present on key attribute d
    a = :s AND b = :n AND c = :s AND e = :s => RANGE key attributes d must have equality conditions specified in the query because a condition is present on key attribute e
    a = :s AND b = :n AND c = :s AND d = :n2 AND begins_with(e,:s) => ok
    e = :s AND d = :n AND c = :s AND b = :n AND a = :s => ok
    a = :s AND b = :n AND c > :s AND c < :t => KeyConditionExpressions must only contain one condition per key
    a = :s AND b = :n AND c > :s AND d > :n => RANGE key attributes c must have equality conditions specified in the query because a condition is present on key attribute d
    a = :s AND b = :s => One or more parameter values were invalid: Condition parameter type does not match schema type
    a = :n AND b = :s => One or more parameter values were invalid: Condition parameter type does not match schema type
    a = :s AND b = :n AND c = :n => One or more parameter values were invalid: Condition parameter type does not match schema type
    a = :s AND b = :n AND x = :n => Query condition missed key schema element: c
    a = :s AND b = :n AND c = :s AND d = :n AND e = :s AND x = :s => Query key condition not supported
    a = :s AND b = :n AND a = :s => KeyConditionExpressions must only contain one condition per key
    a = :s AND c = :s => HASH key attributes b must have equality conditions specified in the query
    a = :s AND b = :n AND c = :s AND d = :s => One or more parameter values were invalid: Condition parameter type does not match schema type
    a = :s AND b = :n AND begins_with(c,:s) AND d = :n => RANGE key attributes c must have equality conditions specified in the query because a condition is present on key attribute d
    a = :s AND b = :n AND d > :n => RANGE key attributes c must have equality conditions specified in the query because a condition is present on key attribute d
    c = :s => HASH key attributes a, b must have equality conditions specified in the query
    a > :s AND b > :n => HASH key attributes a, b must have equality conditions specified in the query
    a = :n => HASH key attributes b must have equality conditions specified in the query
    b = :s => HASH key attributes a must have equality conditions specified in the query
    a = :s AND d = :s => HASH key attributes b must have equality conditions specified in the query
    x = :s => HASH key attributes a, b must have equality conditions specified in the query
    x = :s AND y = :t => HASH key attributes a, b must have equality conditions specified in the query
    a > :n AND b = :n => HASH key attributes a must have equality conditions specified in the query
    a = :s AND b = :n AND e > :n => RANGE key attributes c, d must have equality conditions specified in the query because a condition is present on key attribute e
    a = :e AND b = :n => One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: gsi, IndexKey: a
    a = :s AND b = :n AND c = :e => One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: gsi, IndexKey: c
    a = :s AND b = :n AND x = :e AND c = :n => One or more parameter values were invalid: Condition parameter type does not match schema type
    a = :e => HASH key attributes b must have equality conditions specified in the query
    a = :s AND b=:n AND c = :s AND d=:n AND e = :s AND x = :t AND y = :t => Query key condition not supported
    a = :s AND b = :n AND d = :s => RANGE key attributes c must have equality conditions specified in the query because a condition is present on key attribute d
    x = :s AND a = :n => HASH key attributes b must have equality conditions specified in the query
    a.x = :s => Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: a
    a = :s AND b = :n AND c = :big2 => One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes
    a = :s AND b = :n AND c > :s AND e > :s => RANGE key attributes d must have equality conditions specified in the query because a condition is present on key attribute e
  )~");
}

TEST(KeyCondition, TheTablesKeysAreNotTheIndexs) {
  Request request;
  const auto parsed = KeyExpression::parse("pk.x = :s", request.placeholders);
  ASSERT_TRUE(parsed.ok());
  const std::string_view table[] = {"pk", "sk"}, index[] = {"g"};
  EXPECT_EQ(parsed->reads_below(table), "pk");
  EXPECT_EQ(parsed->reads_below(index), std::nullopt);
}

// Shows a bound condition: partition values; equal sort values; the range.
std::string shown(const KeyCondition& condition) {
  constexpr std::string_view kRanges[] = {"", "<", "<=", ">", ">=", "between", "begins_with"};
  std::string text;
  for (ValueView value : condition.partition) text.append(value.bytes()).append(" ");
  text += ";";
  for (ValueView value : condition.sort_equal) text.append(" ").append(value.bytes());
  text.append("; ").append(kRanges[static_cast<size_t>(condition.range)]);
  for (ValueView value : {condition.first, condition.second})
    if (value) text.append(" ").append(value.bytes());
  return text;
}

TEST(KeyCondition, Bound) {
  const std::vector<KeyPart> partition{{"pk", Type::kS}}, sort{{"sk", Type::kN}};
  const std::vector<KeyPart> several{{"a", Type::kS}, {"b", Type::kN}};
  const std::vector<KeyPart> sorts{{"c", Type::kS}, {"d", Type::kN}, {"e", Type::kS}};
  for_each_case(R"~(
    pk = :s => a ;; 
    :s = pk AND sk = :n2 => a ; 2; 
    sk < :n AND pk = :s => a ;; < 1
    pk = :s AND sk <= :n => a ;; <= 1
    pk = :s AND sk > :n => a ;; > 1
    pk = :s AND sk >= :n => a ;; >= 1
    pk = :s AND :n < sk => a ;; > 1
    pk = :s AND :n <= sk => a ;; >= 1
    pk = :s AND :n > sk => a ;; < 1
    pk = :s AND :n >= sk => a ;; <= 1
    (pk = :s) AND (sk BETWEEN :n AND :n2) => a ;; between 1 2
  )~",
                [&](std::string_view text, std::string_view want) {
                  Request request;
                  const auto bound =
                      parse_key_condition(text, request.placeholders, partition, sort);
                  ASSERT_TRUE(bound.ok()) << text;
                  EXPECT_EQ(shown(*bound), want) << text;
                });
  for_each_case(R"~(
    b = :n AND a = :s => a 1 ;; 
    c = :t AND a = :s AND d = :n2 AND b = :n => a 1 ; b 2; 
    a = :s AND b = :n AND begins_with(c, :t) => a 1 ;; begins_with b
    a = :s AND b = :n AND c = :s AND d = :n AND e > :t => a 1 ; a 1; > b
  )~",
                [&](std::string_view text, std::string_view want) {
                  Request request;
                  const auto bound =
                      parse_key_condition(text, request.placeholders, several, sorts);
                  ASSERT_TRUE(bound.ok()) << text;
                  EXPECT_EQ(shown(*bound), want) << text;
                });
}

}  // namespace
}  // namespace offramp::ddb::expression
