// The errors of conditions in requests: an expression, `=>`, and the service's words for what is
// wrong with it, all of them as DynamoDB Local has them. Several things are wrong in some: which
// comes first is a rule too.
#include <gtest/gtest.h>

#include "ddb/expression/condition.h"
#include "ddb/expression/request_test.h"

namespace offramp::ddb::expression {
namespace {

// What the expressions may use.
constexpr std::string_view kValues = R"({
  ":a":{"S":"a"}, ":n":{"N":"1"}, ":n2":{"N":"2"}, ":b":{"BOOL":true}, ":l":{"L":[]},
  ":ss":{"SS":["x"]}, ":m":{"M":{}}, ":bin":{"B":"YQ=="}})";

std::string error_of(std::string_view text) {
  const TestItem values(kValues);
  Placeholders placeholders;
  for (ValueView value : values.view()) placeholders.add_value(value.name(), value);
  const auto condition = Condition::parse_api(text, "ConditionExpression", placeholders);
  if (condition.ok()) return "";
  EXPECT_EQ(condition.error().code(), "ValidationException");
  EXPECT_EQ(condition.error().kind(), ErrorKind::kConfig);
  return condition.error().message();
}

void check(std::string_view table) {
  for_each_case(table, [](std::string_view text, std::string_view want) {
    EXPECT_EQ(error_of(text), "Invalid ConditionExpression: " + std::string(want)) << text;
  });
}

TEST(ConditionErrors, Syntax) {
  check(R"~(
    a => Syntax error; token: "<EOF>", near: "a"
    a = => Syntax error; token: "<EOF>", near: "="
    a = = :a => Syntax error; token: "=", near: "= = :a"
    = :a => Syntax error; token: "=", near: "= :a"
    a == :a => Syntax error; token: "=", near: "== :a"
    a = :a b => Syntax error; token: "b", near: ":a b"
    a = :a b c d => Syntax error; token: "b", near: ":a b c"
    a ! :a => Syntax error; token: "!", near: "a ! :a"
    a = ! => Syntax error; token: "!", near: "= !"
    a = : => Syntax error; token: ":", near: "= :"
    a = # => Syntax error; token: "#", near: "= #"
    a = :a :b => Syntax error; token: ":b", near: ":a :b"
    a. => Syntax error; token: "<EOF>", near: "."
    a. = :a => Syntax error; token: "=", near: ". = :a"
    a[ = :a => Syntax error; token: "=", near: "[ = :a"
    a[x] = :a => Syntax error; token: "x", near: "[x]"
    a[:a] = :a => Syntax error; token: ":a", near: "[:a]"
    a[1.5] = :a => Syntax error; token: ".", near: "1.5"
    a[-1] = :a => Syntax error; token: "-", near: "[-1"
    a[1 = :a => Syntax error; token: "=", near: "1 = :a"
    _x = :a => Syntax error; token: "_", near: "_x"
    a = 'x' => Syntax error; token: "'", near: "= 'x"
    a = "x" => Syntax error; token: """, near: "= "x"
    a = 5 => Syntax error; token: "5", near: "= 5"
    (a = :a => Syntax error; token: "<EOF>", near: ":a"
    a = :a) => Syntax error; token: ")", near: ":a)"
    (a => Syntax error; token: "<EOF>", near: "a"
    (a) => Syntax error; token: "<EOF>", near: ")"
    NOT => Syntax error; token: "<EOF>", near: "NOT"
    NOT a => Syntax error; token: "<EOF>", near: "a"
    AND a = :a => Syntax error; token: "AND", near: "AND a"
    a AND b = :a => Syntax error; token: "AND", near: "a AND b"
    a = :a AND => Syntax error; token: "<EOF>", near: "AND"
    a = :a AND OR => Syntax error; token: "OR", near: "AND OR"
    a BETWEEN :a => Syntax error; token: "<EOF>", near: ":a"
    a BETWEEN :a AND => Syntax error; token: "<EOF>", near: "AND"
    a BETWEEN :a OR :b => Syntax error; token: "OR", near: ":a OR :b"
    a IN => Syntax error; token: "<EOF>", near: "IN"
    a IN :a => Syntax error; token: ":a", near: "IN :a"
    a IN ( => Syntax error; token: "<EOF>", near: "("
    a IN () => Syntax error; token: ")", near: "()"
    a IN (:a => Syntax error; token: "<EOF>", near: ":a"
    a IN (:a,) => Syntax error; token: ")", near: ",)"
    a IN :a :b => Syntax error; token: ":a", near: "IN :a :b"
    size() = :n => Syntax error; token: ")", near: "() ="
    attribute_exists() => Syntax error; token: ")", near: "()"
    a = b = c => Syntax error; token: "=", near: "b = c"
    a = (b = :a) => Syntax error; token: "=", near: "b = :a"
    a + b = :a => Syntax error; token: "+", near: "a + b"
    size(a+b) = :n => Syntax error; token: "+", near: "a+b"
    a , b => Syntax error; token: ",", near: "a , b"
    , => Syntax error; token: ",", near: ","
    . => Syntax error; token: ".", near: "."
    ] => Syntax error; token: "]", near: "]"
    [ => Syntax error; token: "[", near: "["
    a b => Syntax error; token: "b", near: "a b"
    a b c => Syntax error; token: "b", near: "a b c"
    a.b.c d => Syntax error; token: "d", near: "c d"
    a.0 = :a => Syntax error; token: "0", near: ".0 ="
    é = :a => Syntax error; token: "é", near: "é ="
    a = :é => Syntax error; token: ":", near: "= :é"
    SET a = :a => Syntax error; token: "SET", near: "SET a"
    a > = :a => Syntax error; token: "=", near: "> = :a"
    a < > :a => Syntax error; token: ">", near: "< > :a"
    a != :a => Syntax error; token: "!", near: "a !="
    a[007] = :a => Syntax error; token: "0", near: "007"
    a[00000000000000001] = :a => Syntax error; token: "0", near: "000"
    a = :a  b  c => Syntax error; token: "b", near: ":a  b  c"
    a = :a  )  ) => Syntax error; token: ")", near: ":a  )  )"
    IN(a) => Syntax error; token: "IN", near: "IN("
    AND(a) => Syntax error; token: "AND", near: "AND("
    a.size(b) = :n => Syntax error; token: "(", near: "size(b"
    (a = :a) = :a => Syntax error; token: "=", near: ") = :a"
    (a,b) = :a => Syntax error; token: ",", near: "a,b"
    a IN (b) = :a => Syntax error; token: "=", near: ") = :a"
    a = NOT b => Syntax error; token: "NOT", near: "= NOT b"
    a = (NOT b) => Syntax error; token: "NOT", near: "(NOT b"
    foo(a) bar => Syntax error; token: "bar", near: ") bar"
    a = :a 5 => Syntax error; token: "5", near: ":a 5"
    5 => Syntax error; token: "5", near: "5"
    5 = a => Syntax error; token: "5", near: "5 ="
    a = :a-b => Syntax error; token: "-", near: ":a-b"
    a-b = :a => Syntax error; token: "-", near: "a-b"
    a AND b => Syntax error; token: "AND", near: "a AND b"
    (a AND b) => Syntax error; token: "AND", near: "a AND b"
    (a = :a AND b) => Syntax error; token: ")", near: "b)"
    (a) AND b = :a => Syntax error; token: "AND", near: ") AND b"
    (a) = (b) = (c) => Syntax error; token: "=", near: ") = ("
    foo(a) AND => Syntax error; token: "<EOF>", near: "AND"
    set = :a => Syntax error; token: "set", near: "set ="
    a.add = :a => Syntax error; token: "add", near: ".add ="
    a.and = :a => Syntax error; token: "and", near: ".and ="
    a.or => Syntax error; token: "or", near: ".or"
    a.between = :a => Syntax error; token: "between", near: ".between ="
    (((c))) => Syntax error; token: "<EOF>", near: ")"
    foo(a => Syntax error; token: "<EOF>", near: "a"
  )~");
}

TEST(ConditionErrors, RedundantParenthesesWhereTheyEnd) {
  check(R"~(
    ((a = :a)) => The expression has redundant parentheses;
    (((a = :a))) => The expression has redundant parentheses;
    ((a)) = :a => The expression has redundant parentheses;
    a = ((:a)) => The expression has redundant parentheses;
    (a = :a) AND ((a = :a)) => The expression has redundant parentheses;
    ((a) BETWEEN (b) AND ((c))) => The expression has redundant parentheses;
    size(((a))) = :n => The expression has redundant parentheses;
    a IN (((b))) => The expression has redundant parentheses;
    NOT ((a = :a)) => The expression has redundant parentheses;
    ((NOT a = :a)) => The expression has redundant parentheses;
    ((attribute_exists(a))) => The expression has redundant parentheses;
    ((a = :a)) b => The expression has redundant parentheses;
    ((contains(d, :a)))- => The expression has redundant parentheses;
    a BETWEEN ((b)) . => The expression has redundant parentheses;
    a = :a AND (b = :a OR ((c = :a))) => The expression has redundant parentheses;
    ((a)) = :a = :b => The expression has redundant parentheses;
    a IN (((b)) => The expression has redundant parentheses;
  )~");
}

TEST(ConditionErrors, WordsInTheOrderOfTheText) {
  check(R"~(
    foo(a) => Invalid function name; function: foo
    a[99999999999] = :a => List index is not within the allowable range; index: [99999999999]
    a[4294967296] = :a => List index is not within the allowable range; index: [4294967296]
    a[2147483648] = :a => List index is not within the allowable range; index: [2147483648]
    size(a) => The function is not allowed to be used this way in an expression; function: size
    size(attribute_exists(a)) = :n => The function is not allowed to be used this way in an expression; function: attribute_exists
    attribute_exists(a) = :b => The function is not allowed to be used this way in an expression; function: attribute_exists
    attribute_exists(a) = attribute_exists(b) => The function is not allowed to be used this way in an expression; function: attribute_exists
    NOT size(a) => The function is not allowed to be used this way in an expression; function: size
    (size(a)) => The function is not allowed to be used this way in an expression; function: size
    name = :a => Attribute name is a reserved keyword; reserved keyword: name
    a.name = :a => Attribute name is a reserved keyword; reserved keyword: name
    Size(a) = :n => Invalid function name; function: Size
    if_not_exists(a, :a) => The function is not allowed in a condition expression; function: if_not_exists
    if_not_exists(a, :a) = :a => The function is not allowed in a condition expression; function: if_not_exists
    list_append(a,:a) => The function is not allowed in a condition expression; function: list_append
    a IN (attribute_exists(b)) => The function is not allowed to be used this way in an expression; function: attribute_exists
    attribute_exists(b) IN (a) => The function is not allowed to be used this way in an expression; function: attribute_exists
    attribute_exists(b) BETWEEN a AND b => The function is not allowed to be used this way in an expression; function: attribute_exists
    a BETWEEN attribute_exists(b) AND b => The function is not allowed to be used this way in an expression; function: attribute_exists
    SIZE(a) = :n => Invalid function name; function: SIZE
    name(a) => Invalid function name; function: name
    (attribute_exists(a)) = :a => The function is not allowed to be used this way in an expression; function: attribute_exists
    foo(name) => Invalid function name; function: foo
    size(name) => The function is not allowed to be used this way in an expression; function: size
    name = foo(a) => Attribute name is a reserved keyword; reserved keyword: name
    attribute_exists(name) = :a => The function is not allowed to be used this way in an expression; function: attribute_exists
    size(foo(a)) = :a => Invalid function name; function: foo
    foo(bar(a)) = :a => Invalid function name; function: foo
    size(size(a)) => The function is not allowed to be used this way in an expression; function: size
    begins_with(if_not_exists(a,b), foo(c)) => The function is not allowed in a condition expression; function: if_not_exists
    a = attribute_exists(name) => The function is not allowed to be used this way in an expression; function: attribute_exists
    attribute_exists(name, foo(a)) => Attribute name is a reserved keyword; reserved keyword: name
    a IN (foo(a), name) => Invalid function name; function: foo
    contains(attribute_exists(foo(a)), :a) => The function is not allowed to be used this way in an expression; function: attribute_exists
    a BETWEEN name AND foo(a) => Attribute name is a reserved keyword; reserved keyword: name
    a.name[99999999999] = :a => Attribute name is a reserved keyword; reserved keyword: name
    a[99999999999].name = :a => List index is not within the allowable range; index: [99999999999]
    attribute_exists(list_append(foo(a))) => The function is not allowed in a condition expression; function: list_append
    size(size(name)) = :n => Attribute name is a reserved keyword; reserved keyword: name
    begins_with(begins_with(name,b),b) => The function is not allowed to be used this way in an expression; function: begins_with
  )~");
}

TEST(ConditionErrors, Operands) {
  check(R"~(
    size(a) = size(size(a)) => Incorrect operand type for operator or function; operator or function: size, operand type: N
    size(a,b) = :n => Incorrect number of operands for operator or function; operator or function: size, number of operands: 2
    attribute_exists(a,b) => Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2
    attribute_exists(:a) => Operator or function requires a document path; operator or function: attribute_exists
    attribute_exists(size(a)) => Operator or function requires a document path; operator or function: attribute_exists
    begins_with(a) => Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1
    contains(a,b,c) => Incorrect number of operands for operator or function; operator or function: contains, number of operands: 3
    a = :undef => An expression attribute value used in expression is not defined; attribute value: :undef
    #x = :a => An expression attribute name used in the document path is not defined; attribute name: #x
    a = a => The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a]
    a < :b => Incorrect operand type for operator or function; operator or function: <, operand type: BOOL
    begins_with(a, size(a)) => Incorrect operand type for operator or function; operator or function: begins_with, operand type: N
    #a.#b = :a => An expression attribute name used in the document path is not defined; attribute name: #a
    attribute_type(a, b) => Incorrect operand type for operator or function; operator or function: attribute_type, operand type: {NS,SS,L,BS,N,M,B,S,NULL,BOOL}
    attribute_type(a, :a) => Invalid attribute type name found; type: a, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}
    attribute_type(a, :n) => Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N
    attribute_type(:a, :a) => Invalid attribute type name found; type: a, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}
    contains(a, a) => The first operand must be distinct from the remaining operands for this operator or function; operator: contains, first operand: [a]
    begins_with(a, :n) => Incorrect operand type for operator or function; operator or function: begins_with, operand type: N
    begins_with(:n, a) => Incorrect operand type for operator or function; operator or function: begins_with, operand type: N
    size(:n) = a => Incorrect operand type for operator or function; operator or function: size, operand type: N
    size(:b) = a => Incorrect operand type for operator or function; operator or function: size, operand type: BOOL
    a BETWEEN :n AND :a => The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:a}
    a BETWEEN :n AND :b => Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: BOOL
    a BETWEEN :b AND :n => Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: BOOL
    :b BETWEEN a AND b => Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: BOOL
    a BETWEEN a AND b => The first operand must be distinct from the remaining operands for this operator or function; operator: BETWEEN, first operand: [a]
    a IN (a) => The first operand must be distinct from the remaining operands for this operator or function; operator: IN, first operand: [a]
    a IN (:a, :b, a) => The first operand must be distinct from the remaining operands for this operator or function; operator: IN, first operand: [a]
    begins_with(#zz) => An expression attribute name used in the document path is not defined; attribute name: #zz
    begins_with(:zz) => An expression attribute value used in expression is not defined; attribute value: :zz
    begins_with(#zz, #zz, :zz) => An expression attribute name used in the document path is not defined; attribute name: #zz
    :zz = #zz => An expression attribute value used in expression is not defined; attribute value: :zz
    #zz = :zz => An expression attribute name used in the document path is not defined; attribute name: #zz
    b = b AND #zz = :zz => The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [b]
    b < :b AND #zz = :a => Incorrect operand type for operator or function; operator or function: <, operand type: BOOL
    attribute_exists(:zz) => An expression attribute value used in expression is not defined; attribute value: :zz
    attribute_exists(:a, :b) => Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2
    attribute_type(:a,:n) => Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N
    attribute_type(a,a) => The first operand must be distinct from the remaining operands for this operator or function; operator: attribute_type, first operand: [a]
    attribute_type(a,b.c) => Incorrect operand type for operator or function; operator or function: attribute_type, operand type: {NS,SS,L,BS,N,M,B,S,NULL,BOOL}
    attribute_type(:n, b) => Incorrect operand type for operator or function; operator or function: attribute_type, operand type: {NS,SS,L,BS,N,M,B,S,NULL,BOOL}
    begins_with(a,a) => The first operand must be distinct from the remaining operands for this operator or function; operator: begins_with, first operand: [a]
    begins_with(:b,:n) => Incorrect operand type for operator or function; operator or function: begins_with, operand type: BOOL
    begins_with(size(a),:n) => Incorrect operand type for operator or function; operator or function: begins_with, operand type: N
    size(a) < :b => Incorrect operand type for operator or function; operator or function: <, operand type: BOOL
    a.b[1] <= a.b[1] => The first operand must be distinct from the remaining operands for this operator or function; operator: <=, first operand: [a, b, [1]]
    a < :m => Incorrect operand type for operator or function; operator or function: <, operand type: M
    :m < a => Incorrect operand type for operator or function; operator or function: <, operand type: M
    :m < :b => Incorrect operand type for operator or function; operator or function: <, operand type: M
    a BETWEEN :b AND b => Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: BOOL
    a BETWEEN :ss AND b => Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: SS
    a BETWEEN b AND :m => Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: M
    a BETWEEN b AND a => The first operand must be distinct from the remaining operands for this operator or function; operator: BETWEEN, first operand: [a]
    a BETWEEN :n2 AND :n => The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}
    a = :1 => An expression attribute value used in expression is not defined; attribute value: :1
    a = :_ => An expression attribute value used in expression is not defined; attribute value: :_
    a BETWEEN :n2 AND :n OR #zz = :a => The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}
    a BETWEEN #zz AND :b => An expression attribute name used in the document path is not defined; attribute name: #zz
    a BETWEEN a AND #zz => An expression attribute name used in the document path is not defined; attribute name: #zz
    a BETWEEN :b AND a => Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: BOOL
    :n BETWEEN :n2 AND :n => The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}
    a BETWEEN :n2 AND :a => The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {S:a}
    (a) = a => The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a]
    attribute_type(a, size(b)) => Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N
  )~");
}

std::string repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(ConditionErrors, C10_LimitsAreTheServices) {
  const std::string invalid = "Invalid ConditionExpression: ";
  const std::string operators =
      invalid + "The expression contains too many operators; operator count: 301";
  EXPECT_EQ(error_of(""), invalid + "The expression can not be empty;");
  EXPECT_EQ(error_of(std::string(4091, 'a') + " = :a"), "");
  EXPECT_EQ(
      error_of(std::string(4092, 'a') + " = :a"),
      invalid + "Expression size has exceeded the maximum allowed size; expression size: 4097");
  EXPECT_EQ(error_of(repeat("a=:a OR ", 149) + "NOT a=:a"), "");  // 300
  EXPECT_EQ(error_of(repeat("a=:a OR ", 150) + "a=:a"), operators);
  EXPECT_EQ(error_of(repeat("NOT ", 299) + "a=:a"), "");
  EXPECT_EQ(error_of(repeat("NOT ", 300) + "a=:a"), operators);
  EXPECT_EQ(error_of(repeat("size(a)=:n AND ", 99) + "size(a)=:n"), "");
  EXPECT_EQ(error_of(repeat("size(a)=:n AND ", 100) + "size(a)=:n"), operators);
  EXPECT_EQ(error_of(repeat("a=:a OR ", 150) + "a=#x"),  // the count comes last
            invalid +
                "An expression attribute name used in the document path is not defined; "
                "attribute name: #x");
  EXPECT_EQ(error_of("a" + repeat(".a", 31) + "=:a"), "");
  EXPECT_EQ(error_of("a" + repeat("[0]", 32) + "=:a"),
            invalid + "The document path has too many nesting levels; nesting levels: 33");
  EXPECT_EQ(error_of("a IN (" + repeat(":a,", 99) + ":a)"), "");
  EXPECT_EQ(
      error_of("a IN (" + repeat(":a,", 100) + ":a)"),
      invalid + "The IN operator is provided with too many operands; number of operands: 101");
  EXPECT_EQ(error_of(repeat("(a=:a AND ", 149) + "a=:a" + repeat(")", 149)), "");
  EXPECT_NE(error_of(repeat("(", 4000)), "");
  EXPECT_NE(error_of(repeat("size(", 800)), "");
}

}  // namespace
}  // namespace offramp::ddb::expression
