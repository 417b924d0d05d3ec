// The errors of update expressions: an expression, `=>`, and the service's words for what is wrong
// with it, as DynamoDB Local has them. Several things are wrong in some: the service looks at the
// words from the first to the last, then at the actions from the last to the first.
#include <gtest/gtest.h>

#include "ddb/expression/request_test.h"
#include "ddb/expression/update.h"

namespace offramp::ddb::expression {
namespace {

constexpr std::string_view kValues = R"({
  ":a":{"S":"a"}, ":n":{"N":"1"}, ":n2":{"N":"2"}, ":b":{"BOOL":true}, ":l":{"L":[]},
  ":ss":{"SS":["x"]}, ":m":{"M":{}}, ":bin":{"B":"YQ=="}})";

std::string error_of(std::string_view text) {
  const TestItem values(kValues);
  Placeholders placeholders;
  for (ValueView value : values.view()) placeholders.add_value(value.name(), value);
  const auto update = Update::parse(text, placeholders);
  if (update.ok()) return "";
  EXPECT_EQ(update.error().code(), "ValidationException");
  return update.error().message();
}

void check(std::string_view table) {
  for_each_case(table, [](std::string_view text, std::string_view want) {
    EXPECT_EQ(error_of(text), "Invalid UpdateExpression: " + std::string(want)) << text;
  });
}

TEST(UpdateErrors, Syntax) {
  check(R"~(
    SET a = :a, => Syntax error; token: "<EOF>", near: ","
    SET a = :a,, b = :a => Syntax error; token: ",", near: ",, b"
    SET => Syntax error; token: "<EOF>", near: "SET"
    SET a => Syntax error; token: "<EOF>", near: "a"
    SET a = => Syntax error; token: "<EOF>", near: "="
    SET a = :a b = :a => Syntax error; token: "b", near: ":a b ="
    REMOVE => Syntax error; token: "<EOF>", near: "REMOVE"
    REMOVE a, => Syntax error; token: "<EOF>", near: ","
    REMOVE a = :a => Syntax error; token: "=", near: "a = :a"
    ADD a => Syntax error; token: "<EOF>", near: "a"
    ADD a, :n => Syntax error; token: ",", near: "a, :n"
    ADD a b => Syntax error; token: "b", near: "a b"
    DELETE a b => Syntax error; token: "b", near: "a b"
    DELETE a => Syntax error; token: "<EOF>", near: "a"
    foo => Syntax error; token: "foo", near: "foo"
    a = :a => Syntax error; token: "a", near: "a ="
    SET a = :n + :n + :n => Syntax error; token: "+", near: ":n + :n"
    SET a = ((:n)) => The expression has redundant parentheses;
    SET (a) = :n => Syntax error; token: "(", near: "SET (a"
    SET a = ((b)) + :n => The expression has redundant parentheses;
    SET a = if_not_exists(b, :a + :n) => Syntax error; token: "+", near: ":a + :n"
    SET foo(a) = :a => Syntax error; token: "(", near: "foo(a"
    SET a = :a WHERE b => Syntax error; token: "WHERE", near: ":a WHERE b"
    SET a = :a; => Syntax error; token: ";", near: ":a;"
    SET a = :a REMOVE => Syntax error; token: "<EOF>", near: "REMOVE"
    SET a = :a, REMOVE b => Syntax error; token: "REMOVE", near: ", REMOVE b"
    SET a == :a => Syntax error; token: "=", near: "== :a"
    SET a = = :a => Syntax error; token: "=", near: "= = :a"
    SET a = 5 => Syntax error; token: "5", near: "= 5"
    SET a = a + 1 => Syntax error; token: "1", near: "+ 1"
    SET a += :a => Syntax error; token: "+", near: "a +="
    SET :a = :a => Syntax error; token: ":a", near: "SET :a ="
    REMOVE :a => Syntax error; token: ":a", near: "REMOVE :a"
    SET a = :n + => Syntax error; token: "<EOF>", near: "+"
    SET a = :n * :n => Syntax error; token: "*", near: ":n * :n"
    SET a = -:n => Syntax error; token: "-", near: "= -:n"
    SET a = :n :n => Syntax error; token: ":n", near: ":n :n"
    SET a = b[0 => Syntax error; token: "<EOF>", near: "0"
    SET a = b = c => Syntax error; token: "=", near: "b = c"
    SET a = b AND c => Syntax error; token: "AND", near: "b AND c"
    REMOVE (a) => Syntax error; token: "(", near: "REMOVE (a"
    ADD a (:n) => Syntax error; token: "(", near: "a (:n"
    ADD a -:n => Syntax error; token: "-", near: "a -:n"
    SET set = :a => Syntax error; token: "set", near: "SET set ="
    SET a = add => Syntax error; token: "add", near: "= add"
    REMOVE a b => Syntax error; token: "b", near: "a b"
    REMOVE a SET => Syntax error; token: "<EOF>", near: "SET"
    SET a..b = :a => Syntax error; token: ".", near: "..b"
    SET a = :a[0] => Syntax error; token: "[", near: ":a[0"
    SET a = if_not_exists() => Syntax error; token: ")", near: "()"
    SET a = foo() + b => Syntax error; token: ")", near: "() +"
    SET a = b() => Syntax error; token: ")", near: "()"
    SET a = b.c() => Syntax error; token: "(", near: "c()"
    SET a = (b => Syntax error; token: "<EOF>", near: "b"
    SET a = (b + c) + d => Syntax error; token: "+", near: ") + d"
    SET a = b + (c + d) => Syntax error; token: "+", near: "c + d"
    SET a = ((b + c)) => The expression has redundant parentheses;
    SET a = (b) - ((c)) => The expression has redundant parentheses;
    SET a = if_not_exists((b), ((c))) => The expression has redundant parentheses;
    SET a = if_not_exists(b, (c + d)) => Syntax error; token: "+", near: "c + d"
    REMOVE a ADD => Syntax error; token: "<EOF>", near: "ADD"
    ADD a :n, => Syntax error; token: "<EOF>", near: ","
    ADD a :n :n => Syntax error; token: ":n", near: ":n :n"
    ADD a.b :n c => Syntax error; token: "c", near: ":n c"
    SET a = b c = d => Syntax error; token: "c", near: "b c ="
    SET a = b (c => Syntax error; token: "<EOF>", near: "c"
    SET a = b) => Syntax error; token: ")", near: "b)"
    SET a = b + c + d => Syntax error; token: "+", near: "c + d"
    SET a = b + c d => Syntax error; token: "d", near: "c d"
    SET a = (b c => Syntax error; token: "c", near: "b c"
    SET a = f(b c => Syntax error; token: "c", near: "b c"
    SET a[0 = b => Syntax error; token: "=", near: "0 = b"
    SET a.SET = :n => Syntax error; token: "SET", near: ".SET ="
    SET a = OR => Syntax error; token: "OR", near: "= OR"
    SET OR = :n => Syntax error; token: "OR", near: "SET OR ="
    SET a = between => Syntax error; token: "between", near: "= between"
    SET remove.b = :n => Syntax error; token: "remove", near: "SET remove."
  )~");
}

TEST(UpdateErrors, PathsThatClash) {
  check(R"~(
    SET a = :a, a = :a => Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]
    SET a.b = :a, a = :a => Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a]
    SET a = :a, a.b = :a => Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, b]
    SET a.b = :a, a[1] = :a => Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [1]]
    SET a[1] = :a, a[1] = :a => Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, [1]], path two: [a, [1]]
    SET a[1].b = :a, a[1] = :a => Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, [1], b], path two: [a, [1]]
    SET a.b.c = :a, a.b[0] = :a => Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b, c], path two: [a, b, [0]]
    SET a[0] = :a REMOVE a[0] => Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, [0]], path two: [a, [0]]
    SET a = :a REMOVE a.b => Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, b]
    REMOVE a.b SET a = :a => Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a]
    SET a=:a, a=:b2 => Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]
    SET a=:zz, a=:n => Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]
    SET a=:a,b=:n REMOVE a, b => Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [b], path two: [b]
    SET a=:a,b=:n REMOVE b, a => Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [b], path two: [b]
    SET a=:a, b=:a, b=:n, a=:n => Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [b], path two: [b]
    SET a.b=:a, c=:a, c=:n, a.b=:n, a=:n => Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a]
    SET a=:n, b=:n, c=:n REMOVE b.x, c.x, a.x => Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [c], path two: [c, x]
    SET z=:n, z.a=:n, z[0]=:n => Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [z, a], path two: [z, [0]]
    SET z.a=:n, z[0]=:n, z=:n => Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [z, [0]], path two: [z]
    SET z.a.b=:n, z.a[0]=:n, z[1]=:n => Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [z, a, [0]], path two: [z, [1]]
  )~");
}

TEST(UpdateErrors, WordsAndOperands) {
  check(R"~(
    SET a = :a SET b = :a => The "SET" section can only be used once in an update expression;
    SET a = :a REMOVE b SET c = :a => The "SET" section can only be used once in an update expression;
    REMOVE a REMOVE b => The "REMOVE" section can only be used once in an update expression;
    ADD a :a => Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND
    ADD a :l => Incorrect operand type for operator or function; operator: ADD, operand type: LIST, typeSet: ALLOWED_FOR_ADD_OPERAND
    ADD a :m => Incorrect operand type for operator or function; operator: ADD, operand type: MAP, typeSet: ALLOWED_FOR_ADD_OPERAND
    ADD a :b => Incorrect operand type for operator or function; operator: ADD, operand type: BOOLEAN, typeSet: ALLOWED_FOR_ADD_OPERAND
    DELETE a :n => Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND
    DELETE a :a => Incorrect operand type for operator or function; operator: DELETE, operand type: STRING, typeSet: ALLOWED_FOR_DELETE_OPERAND
    SET a = :n + :a => Incorrect operand type for operator or function; operator or function: +, operand type: S
    SET a = :a + :n => Incorrect operand type for operator or function; operator or function: +, operand type: S
    SET a = :n - :b => Incorrect operand type for operator or function; operator or function: -, operand type: BOOL
    SET a = foo(b) => Invalid function name; function: foo
    SET a = size(b) => The function is not allowed in an update expression; function: size
    SET a = attribute_exists(b) => The function is not allowed in an update expression; function: attribute_exists
    SET a = if_not_exists(b) => Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1
    SET a = if_not_exists(b, c, d) => Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 3
    SET a = if_not_exists(:a, b) => Operator or function requires a document path; operator or function: if_not_exists
    SET a = list_append(b) => Incorrect number of operands for operator or function; operator or function: list_append, number of operands: 1
    SET a = list_append(:l, :a) => Incorrect operand type for operator or function; operator or function: list_append, operand type: S
    SET a = list_append(b, :n) => Incorrect operand type for operator or function; operator or function: list_append, operand type: N
    SET a = list_append(:ss, b) => Incorrect operand type for operator or function; operator or function: list_append, operand type: SS
    SET a = list_append(list_append(:l,:l),:l) => The function is not allowed to be used this way in an expression; function: list_append
    SET a = list_append(:l, list_append(:l,:l)) => The function is not allowed to be used this way in an expression; function: list_append
    SET a = if_not_exists(b, list_append(:l,:l)) => The function is not allowed to be used this way in an expression; function: list_append
    SET a = list_append(:l,:l) + :n => The function is not allowed to be used this way in an expression; function: list_append
    SET a = :n + list_append(:l,:l) => The function is not allowed to be used this way in an expression; function: list_append
    SET a = if_not_exists(list_append(:l,:l), :l) => The function is not allowed to be used this way in an expression; function: list_append
    SET a = if_not_exists(if_not_exists(b,:n), :n) => Operator or function requires a document path; operator or function: if_not_exists
    SET name = :a => Attribute name is a reserved keyword; reserved keyword: name
    SET a = name => Attribute name is a reserved keyword; reserved keyword: name
    SET #x = :a => An expression attribute name used in the document path is not defined; attribute name: #x
    SET a = :x => An expression attribute value used in expression is not defined; attribute value: :x
    SET a.#x = :x => An expression attribute name used in the document path is not defined; attribute name: #x
    SET a = if_not_exists(a, a) => The first operand must be distinct from the remaining operands for this operator or function; operator: if_not_exists, first operand: [a]
    SET a = b[99999999999] => List index is not within the allowable range; index: [99999999999]
    SET a[99999999999] = :a => List index is not within the allowable range; index: [99999999999]
    ADD a :n ADD b :n => The "ADD" section can only be used once in an update expression;
    SET a = #1, b = #2, c = #3 => An expression attribute name used in the document path is not defined; attribute name: #3
    SET c = #1, b = #2, a = #3 => An expression attribute name used in the document path is not defined; attribute name: #3
    SET c = #1, a = #2, b = #3 => An expression attribute name used in the document path is not defined; attribute name: #3
    SET a = :1, b = :2, c = :3 => An expression attribute value used in expression is not defined; attribute value: :3
    SET #x=:a, #y=:a => An expression attribute name used in the document path is not defined; attribute name: #y
    SET #y=:a, #x=:a => An expression attribute name used in the document path is not defined; attribute name: #x
    SET #y=:y, b=#b => An expression attribute name used in the document path is not defined; attribute name: #y
    SET #y=:y, b=#b, q=:q => An expression attribute name used in the document path is not defined; attribute name: #y
    REMOVE #x, #y, #z => An expression attribute name used in the document path is not defined; attribute name: #z
    REMOVE #z, #y, #x => An expression attribute name used in the document path is not defined; attribute name: #x
    REMOVE #x SET #y = :a => An expression attribute name used in the document path is not defined; attribute name: #y
    SET #y = :a REMOVE #x => An expression attribute name used in the document path is not defined; attribute name: #x
    SET #y = :a REMOVE #x ADD #z :n => An expression attribute name used in the document path is not defined; attribute name: #z
    ADD #z :n SET #y = :a => An expression attribute name used in the document path is not defined; attribute name: #y
    ADD a :1, b :2 => An expression attribute value used in expression is not defined; attribute value: :2
    ADD a :1 DELETE b :2 => An expression attribute value used in expression is not defined; attribute value: :2
    DELETE a :1 ADD b :2 => An expression attribute value used in expression is not defined; attribute value: :2
    SET a = :1 + :2 => An expression attribute value used in expression is not defined; attribute value: :1
    SET a = if_not_exists(#q, :1) => An expression attribute name used in the document path is not defined; attribute name: #q
    SET a = list_append(:1, :2) => An expression attribute value used in expression is not defined; attribute value: :1
    SET #a = :1 => An expression attribute name used in the document path is not defined; attribute name: #a
    SET a=:a, #a=:zz, a=:n => An expression attribute name used in the document path is not defined; attribute name: #a
    SET x=:n, y = :a + :n, z=:b+:n => Incorrect operand type for operator or function; operator or function: +, operand type: BOOL
    SET x=:b+:n, y = :a + :n => Incorrect operand type for operator or function; operator or function: +, operand type: S
    SET x=:a+:b => Incorrect operand type for operator or function; operator or function: +, operand type: S
    SET x=list_append(:a,:b) => Incorrect operand type for operator or function; operator or function: list_append, operand type: S
    ADD x :a, y :b => Incorrect operand type for operator or function; operator: ADD, operand type: BOOLEAN, typeSet: ALLOWED_FOR_ADD_OPERAND
    SET x=:a+:n ADD y :b => Incorrect operand type for operator or function; operator: ADD, operand type: BOOLEAN, typeSet: ALLOWED_FOR_ADD_OPERAND
    ADD y :b SET x=:a+:n => Incorrect operand type for operator or function; operator or function: +, operand type: S
    SET x = foo(bar(a)) => Invalid function name; function: foo
    SET x = foo(size(a)) => Invalid function name; function: foo
    SET x = if_not_exists(size(a), b) => The function is not allowed in an update expression; function: size
    SET x = if_not_exists(name, foo(b)) => Attribute name is a reserved keyword; reserved keyword: name
    SET x = list_append(name, list_append(a,b)) => Attribute name is a reserved keyword; reserved keyword: name
    SET x = list_append(list_append(name,b),b) => The function is not allowed to be used this way in an expression; function: list_append
    SET x.name = foo(b) => Attribute name is a reserved keyword; reserved keyword: name
    SET x = name REMOVE name2, values => Attribute name is a reserved keyword; reserved keyword: name
    SET x = a + name REMOVE name2, values => Attribute name is a reserved keyword; reserved keyword: name
    SET x[99999999999] = name => List index is not within the allowable range; index: [99999999999]
    SET a = list_append((list_append(b,c)),d) => The function is not allowed to be used this way in an expression; function: list_append
    SET a = b + (list_append(b,c)) => The function is not allowed to be used this way in an expression; function: list_append
    SET a = (foo(b) + c) => Invalid function name; function: foo
    set a=:n remove b ReMoVe c => The "REMOVE" section can only be used once in an update expression;
  )~");
}

TEST(UpdateErrors, C10_Limits) {
  std::string sums = "SET ", sets = "SET ";
  for (int i = 0; i < 301; ++i) {
    const std::string end = i == 300 ? "" : ",", name = "a" + std::to_string(i);
    sums += name + "=b+c" + end;
    sets += name + "=:n" + end;
  }
  EXPECT_EQ(error_of(sets), "");
  EXPECT_EQ(error_of(sums),
            "Invalid UpdateExpression: The expression contains too many operators; operator count: "
            "301");
  // Many paths are compared by sorting: the last of all with the first.
  EXPECT_EQ(error_of(sets + ", a0.b=:n").substr(0, 74),
            "Invalid UpdateExpression: Two document paths overlap with each other; must");
}

}  // namespace
}  // namespace offramp::ddb::expression
