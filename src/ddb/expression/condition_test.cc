// What conditions say of items: tables of cases as text: an expression, `=>`, and what it says of
// the item above the table, or `!` and a part of the error. The service's errors of requests are in
// condition_errors_test.cc.
#include "ddb/expression/condition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "ddb/wire_json.h"

namespace offramp::ddb::expression {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Item {
 public:
  explicit Item(std::string_view json) : text_(json) {
    text_.reserve(text_.size() + kJsonPadding);
    JsonDecoder decoder;
    auto root = decoder.decode_item(text_, "", JsonForm::kTyped, batch_);
    if (!root.ok()) ADD_FAILURE() << root.error().message();
    if (root.ok()) batch_.add_root(*root, 0);
  }
  ItemView view() const { return batch_.item(0); }

 private:
  std::string text_;
  ItemBatch batch_;
};

constexpr std::string_view kItem = R"({
  "pk":{"S":"USER#1"}, "sk":{"S":"ORDER#7"}, "n":{"N":"10"}, "m":{"N":"-2.5"}, "big":{"N":"99999999999999999999"},
  "bin":{"B":"AQID"}, "yes":{"BOOL":true}, "nil":{"NULL":true}, "blank":{"S":""}, "word":{"S":"gr\u00fc\u00df"},
  "ss":{"SS":["a","b"]}, "ns":{"NS":["1","2.5"]}, "bs":{"BS":["AQ==","Ag=="]},
  "ss2":{"SS":["b","a"]}, "size":{"S":"reserved"}, "a.b":{"S":"dotted"}, "my name":{"S":"quoted"},
  "l":{"L":[{"N":"1"},{"S":"x"},{"M":{"deep":{"L":[{"S":"found"}]}}},{"L":[]}]},
  "doc":{"M":{"a":{"N":"1"},"b":{"M":{"c":{"S":"leaf"}}}}}, "doc2":{"M":{"b":{"M":{"c":{"S":"leaf"}}},"a":{"N":"1"}}}
})";

// The values that the tables may use.
constexpr std::string_view kValues = R"({
  ":user":{"S":"USER#"}, ":order":{"S":"ORDER#7"}, ":ten":{"N":"10"}, ":ten_text":{"S":"10"}, ":one":{"N":"1"},
  ":twenty":{"N":"20"}, ":bin":{"B":"AQI="}, ":byte":{"B":"AQ=="}, ":b23":{"B":"AgM="}, ":true":{"BOOL":true}, ":null":{"NULL":true},
  ":ss":{"SS":["b","a"]}, ":map":{"M":{"b":{"M":{"c":{"S":"leaf"}}},"a":{"N":"1"}}}, ":empty_list":{"L":[]},
  ":a":{"S":"a"}, ":x":{"S":"x"}, ":type_s":{"S":"S"}, ":type_x":{"S":"X"}
})";

enum class Form { kRequest, kPlan };

// Runs a table against `item`.
void run(std::string_view table, Form form, ItemView item) {
  const Item values(kValues);
  Placeholders placeholders;
  for (ValueView value : values.view()) placeholders.add_value(value.name(), value);
  for (auto [placeholder, name] : {std::pair("#size", "size"), std::pair("#dotted", "a.b"),
                                   std::pair("#pk", "pk"), std::pair("#none", "none")})
    placeholders.add_name(placeholder, name);
  int cases = 0;
  while (!table.empty()) {
    const std::string_view line = table.substr(0, table.find('\n'));
    table.remove_prefix(std::min(table.size(), line.size() + 1));
    const size_t arrow = line.find("=>");
    if (arrow == line.npos) continue;
    ++cases;
    std::string_view text = line.substr(0, arrow), want = line.substr(arrow + 3);
    text = text.substr(text.find_first_not_of(' '));
    text.remove_suffix(1);
    auto condition = form == Form::kPlan
                         ? Condition::parse_plan(text)
                         : Condition::parse_api(text, "FilterExpression", placeholders);
    if (want.starts_with('!')) {
      EXPECT_FALSE(condition.ok()) << line;
      if (condition.ok()) continue;
      EXPECT_EQ(condition.error().kind(), ErrorKind::kConfig);
      EXPECT_THAT(condition.error().message(), HasSubstr(std::string(want.substr(2)))) << line;
    } else {
      EXPECT_TRUE(condition.ok()) << line << ": "
                                  << (condition.ok() ? "" : condition.error().message());
      if (condition.ok()) {
        EXPECT_EQ(condition->evaluate(item), want == "true") << line;
      }
    }
  }
  EXPECT_GT(cases, 0);
}

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
      Form::kRequest, Item(kItem).view());
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
      Form::kRequest, Item(kItem).view());
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
      Form::kRequest, Item(kItem).view());
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
      Form::kRequest, Item(kItem).view());
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
      Form::kRequest, Item(kItem).view());
}

TEST(Condition, SizeOfEveryType) {
  run(R"~(
    size(pk) = 6 => true
    size(blank) = 0 => true
    size(word) = 4 => true
    size(bin) = 3 => true
    size(ss) = 2 => true
    size(ns) = 2 => true
    size(bs) = 2 => true
    size(l) = 4 => true
    size(l[3]) = 0 => true
    size(doc) = 2 => true
    size(n) = 2 => false
    size(n) <> 2 => true
    size(yes) >= 0 => false
    size(nil) >= 0 => false
    size(pk) BETWEEN 5 AND 7 => true
    size(pk) IN (1, 6) => true
    size(pk) > size(blank) => true
    size('日本') = 2 => true
    size('😀') = 2 => true
    size('four') = 4 => true
    size(pk) = '6' => false
    n BETWEEN size(ss) AND 20 => true
    size(12) = 2 => ! operator or function: size, operand type: N
    size(pk) => ! byte 0: The function is not allowed to be used this way
    size(size(pk)) = 1 => ! byte 5: Incorrect operand type for operator or function; operator or function: size, operand type: N
    NOT size(pk) => ! byte 4: The function is not allowed to be used this way
  )~",
      Form::kPlan, Item(kItem).view());
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
      Form::kRequest, Item(kItem).view());
}

TEST(Condition, LiteralsOfPlanFiles) {
  run(R"~(
    begins_with(sk, 'ORDER#') => true
    begins_with(pk, 'ORDER#') => false
    n = 10 => true
    n = 1e1 => true
    n = 10.00 => true
    m = -2.5 => true
    n IN (1, 10, 'x') => true
    yes = true => true
    yes = FALSE => false
    nil = null => true
    blank = '' => true
    pk <> 'it''s' => true
    'it''s' = pk => false
    word = 'grüß' => true
    size = 'reserved' => true
    "my name" = 'quoted' => true
    "a.b" = 'dotted' => true
    doc."b"."c" = 'leaf' => true
    l[2]."deep"[0] = 'found' => true
    ((n = 10)) => true
    attribute_type(pk, 'S') => true
    attribute_type(pk, 'Text') => ! Invalid attribute type name
    contains(ss, 'a') AND attribute_not_exists(archivedAt) => true
    n < true => ! operator or function: <, operand type: BOOL
    n = 1e200 => ! byte 4: Number overflow
    n = 12x => ! byte 6: expected the end of a number
    n = -x => ! byte 4: this character begins nothing
  )~",
      Form::kPlan, Item(kItem).view());
}

TEST(Condition, SyntaxErrorsNameTheByteAndWhatWasExpected) {
  run(R"~(
    n => ! byte 1: expected a comparator, BETWEEN or IN, found the end of the expression
    n = => ! byte 3: expected an attribute, a value, a function or '(', found the end of the expression
    n == 1 => ! byte 3: expected an attribute
    n = 1 2 => ! byte 6: expected AND, OR or the end of the expression, found a number
    n = 1 AND => ! byte 9: expected an attribute
    AND n = 1 => ! byte 0: expected an attribute, a value, a function or '(', found 'AND'
    (n = 1 => ! byte 6: expected AND, OR or ')'
    n = 1) => ! byte 5: expected AND, OR or the end of the expression, found ')'
    (n => ! byte 2: expected a comparator or ')'
    n = m = 1 => ! byte 6: expected AND
    n BETWEEN 1 OR 2 => ! byte 12: expected AND between the bounds
    n = 'x => ! byte 4: the closing quote is missing
    n = # => ! byte 4: expected a name after '#' or ':'
    n ! 1 => ! byte 2: this character begins nothing
    NOT => ! expected an attribute
    n AND m = 1 => ! byte 2: expected a comparator, BETWEEN or IN, found 'AND'
    n = 1 AND (m) => ! expected a comparator
    n = (m = 1) => ! byte 7: expected ')', found '='
    f(n) => ! Invalid function name; function: f
  )~",
      Form::kPlan, Item(kItem).view());
  auto empty = Condition::parse_plan("  ");
  ASSERT_FALSE(empty.ok());
  EXPECT_THAT(empty.error().message(), HasSubstr("can not be empty"));
}

std::string repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(Condition, C10_IsBounded) {
  const auto message = [](const std::string& text) {
    auto condition = Condition::parse_plan(text);
    return condition.ok() ? "" : condition.error().message();
  };
  EXPECT_THAT(message("a = '" + std::string(kExpressionBytesMax, 'x') + "'"),
              HasSubstr("longer than 4096 bytes"));
  EXPECT_EQ(message(repeat("a=1 OR ", 149) + "a=1"), "");  // 299 operators
  EXPECT_THAT(message(repeat("a=1 OR ", 150) + "a=1"), HasSubstr("too many operators"));
  EXPECT_EQ(message("a" + repeat(".a", 31) + "=1"), "");
  EXPECT_THAT(message("a" + repeat(".a", 32) + "=1"), HasSubstr("too many nesting levels"));
  EXPECT_EQ(message("a IN (" + repeat("1,", 99) + "1)"), "");
  EXPECT_THAT(message("a IN (" + repeat("1,", 100) + "1)"),
              HasSubstr("too many operands; number of operands: 101"));
  EXPECT_THAT(message(repeat("(", 4000)), HasSubstr("nested too deeply"));
  EXPECT_THAT(message(repeat("size(", 800)), HasSubstr("nested too deeply"));
  EXPECT_THAT(message(repeat("NOT ", 1000) + "a=1"), HasSubstr("too many operators"));
  EXPECT_THAT(message("a = '\xff'"), HasSubstr("not UTF-8"));
}

TEST(Condition, NamesTheAttributesItReads) {
  auto condition = Condition::parse_plan(
      "begins_with(sk, 'A') AND (a.b[3].c = b OR size(z) > 1) AND NOT x IN (sk, y) AND 'w' <> \"q "
      "q\"");
  ASSERT_TRUE(condition.ok()) << condition.error().message();
  EXPECT_THAT(condition->attributes(), ElementsAre("a", "b", "q q", "sk", "x", "y", "z"));
}

TEST(Condition, ErrorsDoNotRepeatLiterals) {
  auto condition = Condition::parse_plan("a = 1 'secret text'");
  ASSERT_FALSE(condition.ok());
  EXPECT_THAT(condition.error().message(), testing::Not(HasSubstr("secret")));
}

TEST(Condition, CopiesAndThreadsShareOne) {
  std::vector<Condition> copies;
  {
    const std::string text = "contains(doc, 'it''s') OR \"my name\" = 'quoted'";
    auto condition = Condition::parse_plan(text);
    ASSERT_TRUE(condition.ok());
    copies.assign(4, *condition);
  }  // the text is gone: parse_plan() has copied it
  const Item item(kItem);
  std::vector<std::jthread> threads;
  for (const Condition& copy : copies)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) EXPECT_TRUE(copy.evaluate(item.view()));
    });
}

}  // namespace
}  // namespace offramp::ddb::expression
