// What conditions say of items: tables of cases as text: an expression, `=>`, and what it says of
// the item of condition_cases_test.h, or `!` and a part of the error. The service's errors of
// requests are in condition_errors_test.cc.
#include "ddb/expression/condition_cases_test.h"

namespace offramp::ddb::expression {
namespace {

TEST(Condition, ComparesWithinATypeAndNeverAcross) {
  run(R"~(
    n = :ten => true
    n = :ten_text => false
    n <> :ten_text => true
    n <> :ten => false
    n < :twenty => true
    n < :ten => false
    n <= :ten => true
    n >= :ten => true
    n > :one => true
    n > :a => false
    n <= :a => false
    :ten = n => true
    :twenty > n => true
    m < :one => true
    m < n => true
    big > n => true
    pk > :user => true
    pk < :a => true
    bin > :bin => true
    bin = :bin => false
    yes = :true => true
    yes <> :true => false
    nil = :null => true
    ss = :ss => true
    ss = ss2 => true
    ss <> ss2 => false
    ss = ns => false
    doc = :map => true
    doc = doc2 => true
    doc <> l => true
    yes < n => false
    ss >= ss2 => false
  )~",
      Form::kRequest, TestItem(kItem).view());
}

TEST(Condition, AMissingAttributeMakesAllButNotEqualFalse) {
  run(R"~(
    lost = :ten => false
    lost <> :ten => true
    lost <> gone => true
    lost = gone => false
    lost < :ten => false
    lost >= :ten => false
    NOT lost = :ten => true
    lost BETWEEN :one AND :ten => false
    n BETWEEN lost AND :twenty => false
    lost IN (:ten, :one) => false
    n IN (lost, :ten) => true
    n IN (lost) => false
    begins_with(lost, :a) => false
    begins_with(pk, lost) => false
    contains(lost, :a) => false
    contains(ss, lost) => false
    size(lost) = :one => false
    size(lost) <> :one => true
    attribute_type(lost, :type_s) => false
    #none <> :one => true
  )~",
      Form::kRequest, TestItem(kItem).view());
  run(R"~(
    attribute_not_exists(pk) => true
    attribute_exists(pk) => false
    pk <> :a => true
    pk = :a => false
  )~",
      Form::kRequest, ItemView());
}

TEST(Condition, BetweenAndIn) {
  run(R"~(
    n BETWEEN :one AND :twenty => true
    n BETWEEN :ten AND :ten => true
    n between :one and :ten AND yes = :true => true
    m BETWEEN :one AND :twenty => false
    :ten BETWEEN m AND n => true
    pk BETWEEN :user AND :x => true
    n BETWEEN :twenty AND :one => ! requires upper bound to be greater
    n BETWEEN :one AND :a => ! requires same data type
    n BETWEEN :true AND :one => ! Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: BOOL
    n IN (:ten) => true
    n in (:one, :twenty, :ten) => true
    n IN (:one, :ten_text) => false
    ss IN (:ss) => true
    n IN () => ! Syntax error; token: ")", near: "()"
    n IN :ten => ! Syntax error; token: ":ten", near: "IN :ten"
    n IN (:ten => ! Syntax error; token: "<EOF>", near: ":ten"
  )~",
      Form::kRequest, TestItem(kItem).view());
}

TEST(Condition, Precedence) {
  // yes is true; n = :one is false.
  run(R"~(
    yes = :true OR n = :one AND n = :one => true
    (yes = :true OR n = :one) AND n = :one => false
    n = :one AND n = :one OR yes = :true => true
    NOT n = :one AND yes = :true => true
    NOT (n = :one AND yes = :true) => true
    NOT yes = :true OR yes = :true => true
    NOT (yes = :true OR yes = :true) => false
    NOT NOT yes = :true => true
    yes = :true and not n = :one oR n = :one => true
    ((yes = :true) OR n = :one) => true
    ((yes = :true) AND (n = :ten)) => true
    (n) = :ten => true
    (n) = (:ten) => true
    ((n = :ten)) => ! The expression has redundant parentheses
    ((n)) = :ten => ! redundant parentheses
  )~",
      Form::kRequest, TestItem(kItem).view());
}

TEST(Condition, Functions) {
  run(R"~(
    attribute_exists(n) => true
    attribute_exists(nil) => true
    attribute_exists(lost) => false
    attribute_not_exists(lost) => true
    attribute_exists(doc.b.c) => true
    attribute_exists(doc.b.d) => false
    attribute_type(pk, :type_s) => true
    attribute_type(n, :type_s) => false
    begins_with(pk, :user) => true
    begins_with(sk, :user) => false
    begins_with(bin, :bin) => true
    begins_with(bin, :a) => false
    begins_with(n, :user) => false
    begins_with(:order, sk) => true
    begins_with(pk, blank) => true
    contains(pk, :user) => true
    contains(sk, :user) => false
    contains(bin, :b23) => true
    contains(bin, :x) => false
    contains(ss, :a) => true
    contains(ss, :x) => false
    contains(ns, :one) => true
    contains(ns, :ten) => false
    contains(ns, :a) => false
    contains(bs, :byte) => true
    contains(l, :x) => true
    contains(l, :a) => false
    contains(l, :empty_list) => true
    contains(:ss, pk) => false
    contains(doc, :a) => false
    attribute_exists(:ten) => ! Operator or function requires a document path
    attribute_type(pk, n) => ! operator or function: attribute_type, operand type: {
    attribute_type(pk, :ten) => ! Incorrect operand type
    attribute_type(pk, :type_x) => ! Invalid attribute type name found
    begins_with(pk, :ten) => ! operator or function: begins_with, operand type: N
    contains(ss, ss) => ! The first operand must be distinct
    contains(:ten, n) => false
    n = n => ! The first operand must be distinct
    doc.a = doc.a => ! The first operand must be distinct
    l[0] <> l[1] => true
    Contains(ss, :a) => ! Invalid function name; function: Contains
    if_not_exists(n, :ten) => ! The function is not allowed in a condition expression; function: if_not_exists
    attribute_exists(n, pk) => ! Incorrect number of operands
    begins_with(n) => ! Incorrect number of operands
    contains(a, b, c, d) => ! Incorrect number of operands
    attribute_exists() => ! Syntax error; token: ")", near: "()"
    begins_with(size(pk), :a) => ! operator or function: begins_with, operand type: N
    begins_with(attribute_exists(a), :a) => ! not allowed to be used this way
    attribute_exists(n) = :true => ! not allowed to be used this way in an expression; function: attribute_exists
    n < :true => ! operator or function: <, operand type: BOOL
    n >= :ss => ! operator or function: >=, operand type: SS
  )~",
      Form::kRequest, TestItem(kItem).view());
}

TEST(Condition, DocumentPaths) {
  run(R"~(
    doc.a = :one => true
    doc.b.c = :a => false
    doc.#size = :a => false
    l[0] = :one => true
    l[1] = :x => true
    l[2].deep[0] <> :x => true
    attribute_exists(l[2].deep[0]) => true
    attribute_exists(l[2].deep[1]) => false
    attribute_exists(l[9]) => false
    attribute_exists(doc[0]) => false
    attribute_exists(l.a) => false
    attribute_exists(n.a) => false
    attribute_exists(ss[0]) => false
    attribute_exists(#dotted) => true
    attribute_exists(a.b) => false
    #pk = :order => false
    #size = :a => false
    size = :a => ! Attribute name is a reserved keyword; reserved keyword: size
    doc.Name = :a => ! reserved keyword: Name
    #undefined = :a => ! An expression attribute name used in the document path is not defined; attribute name: #undefined
    pk = :undefined => ! An expression attribute value used in expression is not defined; attribute value: :undefined
    l[:ten] = :a => ! Syntax error; token: ":ten", near: "[:ten]"
    l[1.5] = :a => ! Syntax error; token: ".", near: "1.5"
    l[-1] = :a => ! Syntax error; token: "-", near: "[-1"
    l[4294967296] = :a => ! List index is not within the allowable range
    l[3000000000] = :a => ! List index is not within the allowable range
    l[0 = :a => ! Syntax error; token: "=", near: "0 = :a"
    doc. = :a => ! Syntax error; token: "=", near: ". = :a"
    _x = :a => ! Syntax error; token: "_", near: "_x"
    pk = 'text' => ! Syntax error; token: "'", near: "= 'text"
    n = 5 => ! Syntax error; token: "5", near: "= 5"
    "pk" = :a => ! Syntax error; token: """, near: ""pk"
  )~",
      Form::kRequest, TestItem(kItem).view());
}

}  // namespace
}  // namespace offramp::ddb::expression
