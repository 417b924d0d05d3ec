// Conditions as plan files write them: literals, quoted names, errors that name the byte; bounds.
#include <thread>

#include "ddb/expression/condition_cases_test.h"

namespace offramp::ddb::expression {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(PlanCondition, SizeOfEveryType) {
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
      Form::kPlan, TestItem(kItem).view());
}

TEST(PlanCondition, LiteralsOfPlanFiles) {
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
      Form::kPlan, TestItem(kItem).view());
}

TEST(PlanCondition, SyntaxErrorsNameTheByteAndWhatWasExpected) {
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
      Form::kPlan, TestItem(kItem).view());
  auto empty = Condition::parse_plan("  ");
  ASSERT_FALSE(empty.ok());
  EXPECT_THAT(empty.error().message(), HasSubstr("can not be empty"));
}

std::string repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(PlanCondition, C10_IsBounded) {
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

TEST(PlanCondition, NamesTheAttributesItReads) {
  auto condition = Condition::parse_plan(
      "begins_with(sk, 'A') AND (a.b[3].c = b OR size(z) > 1) AND NOT x IN (sk, y) AND 'w' <> \"q "
      "q\"");
  ASSERT_TRUE(condition.ok()) << condition.error().message();
  EXPECT_THAT(condition->attributes(), ElementsAre("a", "b", "q q", "sk", "x", "y", "z"));
}

TEST(PlanCondition, ErrorsDoNotRepeatLiterals) {
  auto condition = Condition::parse_plan("a = 1 'secret text'");
  ASSERT_FALSE(condition.ok());
  EXPECT_THAT(condition.error().message(), testing::Not(HasSubstr("secret")));
}

TEST(PlanCondition, CopiesAndThreadsShareOne) {
  std::vector<Condition> copies;
  {
    const std::string text = "contains(doc, 'it''s') OR \"my name\" = 'quoted'";
    auto condition = Condition::parse_plan(text);
    ASSERT_TRUE(condition.ok());
    copies.assign(4, *condition);
  }  // the text is gone: parse_plan() has copied it
  const TestItem item(kItem);
  std::vector<std::jthread> threads;
  for (const Condition& copy : copies)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) EXPECT_TRUE(copy.evaluate(item.view()));
    });
}

}  // namespace
}  // namespace offramp::ddb::expression
