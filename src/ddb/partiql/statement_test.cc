// What statements mean: conditions asked of an item, updates applied to one, items of INSERT,
// selections; and what is refused, in the service's words.
#include "ddb/partiql/statement.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include "ddb/expression/condition_cases_test.h"
#include "ddb/expression/request_test.h"
#include "ddb/wire_json.h"

namespace offramp::ddb::partiql {
namespace {

using expression::for_each_case;
using expression::kItem;
using expression::TestItem;

constexpr std::string_view kNotWellFormed = "Statement wasn't well formed, can't be processed: ";

// A statement with all that it points to.
struct Parsed {
  explicit Parsed(std::string_view given, std::string_view values = "{}")
      : text(given), parameters(values) {
    auto made = Statement::parse(text, arena);
    if (!made.ok()) {
      error = made.error().message();
      EXPECT_EQ(made.error().code(), "ValidationException") << text;
      return;
    }
    statement.emplace(std::move(made).value());
    std::vector<ValueView> list;
    for (ValueView value : parameters.view()) list.push_back(value);
    if (Status status = statement->bind(list); !status.ok()) error = status.error().message();
  }
  std::string text;
  TestItem parameters;
  base::Arena arena;
  std::optional<Statement> statement;
  std::string error;  // of parsing and binding
};

// Everything that can be made of it; the first error.
std::string compiled(Parsed& parsed) {
  if (!parsed.error.empty()) return parsed.error;
  Statement& statement = *parsed.statement;
  if (auto made = statement.condition(); !made.ok()) return made.error().message();
  if (auto made = statement.selection(); !made.ok()) return made.error().message();
  if (auto made = statement.key_terms(); !made.ok()) return made.error().message();
  if (statement.kind() == Statement::Kind::kUpdate)
    if (auto made = statement.update(); !made.ok()) return made.error().message();
  if (statement.kind() == Statement::Kind::kInsert)
    if (auto made = statement.item(); !made.ok()) return made.error().message();
  return "fine";
}

// "…" in a wanted text stands for the envelope of what is not well formed.
std::string wanted(std::string_view text) {
  if (!text.starts_with("…")) return std::string(text);
  return std::string(kNotWellFormed) + std::string(text.substr(std::string_view("…").size()));
}

TEST(StatementTest, ConditionsAreAskedOfItems) {
  const TestItem item(kItem);
  for_each_case(R"(
    n = 10 => yes
    n = 1e1 => yes
    10 = n => yes
    n <> 10 => no
    n != 11 => yes
    n = '10' => no
    m < 0 and m >= -2.5 => yes
    m = - 2.5 => yes
    pk = 'USER#1' and sk BETWEEN 'ORDER#' AND 'ORDER#9' => yes
    n not between 1 and 9 => yes
    n in (1, 10) => yes
    n in [1, 10] => yes
    n in <<1, 10>> => yes
    n not in (10) => no
    10 in (m, n) => yes
    absent is missing => yes
    n is missing => no
    n IS NOT MISSING => yes
    nil is null => yes
    absent is null => no
    n is not null => yes
    nil = null => yes
    yes = true and not yes = false => yes
    n = 10 or n = 11 and pk = 'x' => yes
    (n = 10 or n = 11) and pk = 'x' => no
    not (n = 10 or n = 11) => no
    "my name" = 'quoted' => yes
    "a.b" = 'dotted' => yes
    "size" = 'reserved' => yes
    doc.b.c = 'leaf' => yes
    doc['b'].c = 'leaf' => yes
    l[1] = 'x' and l[2].deep[0] = 'found' => yes
    l[9] is missing => yes
    N = 10 => no
    size(ss) = 2 => yes
    SIZE(word) = 4 => yes
    "size"('abc') = 3 => yes
    size(n) = 2 => no
    contains(ss, 'a') => yes
    contains(pk, 'SER') => yes
    begins_with(pk, 'USER#') => yes
    BEGINS_WITH(pk, 'X') => no
    attribute_type(bin, 'B') => yes
    attribute_exists(doc.b) and attribute_not_exists(doc.z) => yes
    ss = <<'b', 'a'>> => yes
    ns = <<1, 2.50>> => yes
    doc = {'b': {'c': 'leaf'}, 'a': 1} => yes
    l = [1, 'x'] => no
    blank = '' => yes
    pk = 'it''s' => no
    n = 10 -- and n = 11 => yes
    n = 10 /* and n = 11 */ and pk = 'USER#1' => yes
    n = .5 or n = 5. => no
  )",
                [&](std::string_view where, std::string_view want) {
                  Parsed parsed("SELECT * FROM t WHERE " + std::string(where));
                  ASSERT_EQ(compiled(parsed), "fine") << where;
                  const auto condition = std::move(parsed.statement->condition()).value();
                  EXPECT_EQ(condition->evaluate(item.view()) ? "yes" : "no", want) << where;
                });
}

TEST(StatementTest, UpdatesAreApplied) {
  const TestItem old(
      R"({"n":{"N":"1"},"s":{"SS":["a","b"]},"m":{"M":{"x":{"N":"5"}}},"l":{"L":[{"N":"1"}]}})");
  for_each_case(
      R"(
    SET n = 2 => {"l":{"L":[{"N":"1"}]},"m":{"M":{"x":{"N":"5"}}},"n":{"N":"2"},"s":{"SS":["a","b"]}}
    SET n = n + 1 + 2 REMOVE l REMOVE m REMOVE s => {"n":{"N":"4"}}
    SET n = 10 - (n - -2) REMOVE l REMOVE m REMOVE s => {"n":{"N":"7"}}
    SET n = m.x - n, q = n REMOVE l REMOVE m REMOVE s => {"n":{"N":"4"},"q":{"N":"1"}}
    REMOVE l REMOVE m.x REMOVE s SET n = 'x' => {"m":{"M":{}},"n":{"S":"x"}}
    SET s = set_add(s, <<'c'>>) REMOVE l REMOVE m REMOVE n => {"s":{"SS":["a","b","c"]}}
    SET s = SET_DELETE(s, <<'a'>>) REMOVE l REMOVE m REMOVE n => {"s":{"SS":["b"]}}
    SET z = set_add(z, <<1>>) REMOVE l REMOVE m REMOVE n REMOVE s => {"z":{"NS":["1"]}}
    SET l = list_append(list_append([0], l), [2]) REMOVE m REMOVE n REMOVE s => {"l":{"L":[{"N":"0"},{"N":"1"},{"N":"2"}]}}
    SET l[0] = {'a': [true, null]} SET l[9] = 9 REMOVE m REMOVE n REMOVE s => {"l":{"L":[{"M":{"a":{"L":[{"BOOL":true},{"NULL":true}]}}},{"N":"9"}]}}
    SET z = if_not_exists(z, n + 1) REMOVE l REMOVE m REMOVE n REMOVE s => {"z":{"N":"2"}}
    SET z = absent => The provided expression refers to an attribute that does not exist in the item
    SET n = s + 1 => An operand in the update expression has an incorrect data type
    SET l = list_append(l, n) => An operand in the update expression has an incorrect data type
    SET q.x = 1 => The document path provided in the update expression is invalid for update
  )",
      [&](std::string_view changes, std::string_view want) {
        Parsed parsed("UPDATE t " + std::string(changes) + " WHERE pk = 'a'");
        ASSERT_EQ(compiled(parsed), "fine") << changes;
        const auto update = std::move(parsed.statement->update()).value();
        ItemBatch made;
        const Status status = update.apply(old.view(), old.view(), made);
        EXPECT_EQ(status.ok() ? canonical_item_json(made.item(0)) : status.error().message(), want)
            << changes;
      });
}

TEST(StatementTest, ItemsOfInsert) {
  Parsed parsed(R"(insert into "my table" value {'pk': ?, 'a''b': [1.50, ?1 ], 'c': {}};)");
  EXPECT_EQ(parsed.error, std::string(kNotWellFormed) + "Expected ']'");
  Parsed fine(
      R"(insert into "my ""table" value {'pk': ?, 'a''b': [1.50, [], <<'x', 'y'>>], 'c': {'d': {}},
      'e': ?, 'f': false, 'g': -0.0};)",
      R"({"0":{"S":"key"},"1":{"M":{"x":{"L":[{"B":"AQ=="}]}}}})");
  ASSERT_EQ(compiled(fine), "fine");
  EXPECT_EQ(fine.statement->table(), "my \"table");
  EXPECT_EQ(
      canonical_item_json(*fine.statement->item()),
      R"({"a'b":{"L":[{"N":"1.5"},{"L":[]},{"SS":["x","y"]}]},"c":{"M":{"d":{"M":{}}}},)"
      R"("e":{"M":{"x":{"L":[{"B":"AQ=="}]}}},"f":{"BOOL":false},"g":{"N":"0"},"pk":{"S":"key"}})");
}

TEST(StatementTest, SelectionsComeOutFlatOrAsDocuments) {
  const TestItem item(kItem);
  const auto shown = [&](std::string_view list, Selection::Form form) {
    Parsed parsed("SELECT " + std::string(list) + " FROM t");
    EXPECT_EQ(compiled(parsed), "fine") << list;
    const auto selection = std::move(parsed.statement->selection()).value();
    ItemBatch out;
    selection->apply(item.view(), form, out);
    return canonical_item_json(out.item(0));
  };
  using Form = Selection::Form;
  EXPECT_EQ(shown("n, doc.b.c, l[1], absent", Form::kFlat),
            R"({"c":{"S":"leaf"},"l[1]":{"S":"x"},"n":{"N":"10"}})");
  EXPECT_EQ(shown("n, doc.b.c, l[1], absent", Form::kDocument),
            R"({"doc":{"M":{"b":{"M":{"c":{"S":"leaf"}}}}},"l":{"L":[{"S":"x"}]},"n":{"N":"10"}})");
  EXPECT_EQ(shown("l[2].deep[0]", Form::kFlat), R"({"deep[0]":{"S":"found"}})");
  EXPECT_EQ(shown("absent.a.b", Form::kFlat), "{}");
  EXPECT_EQ(shown("absent.a.b", Form::kDocument), "{}");
}

TEST(StatementTest, ClausesAreKept) {
  Parsed select(R"(SELECT a FROM "T-1"."by a" WHERE b = 1 AND c > 2 ORDER BY b DESC, "c" ASC, d)");
  ASSERT_EQ(compiled(select), "fine");
  EXPECT_EQ(select.statement->kind(), Statement::Kind::kSelect);
  EXPECT_EQ(select.statement->table(), "T-1");
  EXPECT_EQ(select.statement->index(), "by a");
  EXPECT_EQ(select.statement->conjuncts(), 2u);
  const auto order = select.statement->order();
  ASSERT_EQ(order.size(), 3u);
  EXPECT_TRUE(order[0].attribute == "b" && order[0].descending);
  EXPECT_TRUE(order[1].attribute == "c" && !order[1].descending);
  EXPECT_TRUE(order[2].attribute == "d" && !order[2].descending);

  Parsed all("select * from t;");
  ASSERT_EQ(compiled(all), "fine");
  EXPECT_FALSE(std::move(all.statement->selection()).value().has_value());
  EXPECT_FALSE(all.statement->has_where());

  const auto kind = [](std::string_view text) { return Parsed(text).statement->kind(); };
  EXPECT_EQ(kind("FROM t WHERE pk = 1 SET a = 2 REMOVE b"), Statement::Kind::kUpdate);
  EXPECT_EQ(kind("exists(select * from t where a = 1)"), Statement::Kind::kExists);
  EXPECT_EQ(kind("DELETE FROM t WHERE pk = 1 RETURNING ALL OLD *"), Statement::Kind::kDelete);
  EXPECT_EQ(Parsed("UPDATE t REMOVE a WHERE b = 1 RETURNING modified new *").statement->returning(),
            Returning::kModifiedNew);
}

TEST(StatementTest, KeyTermsAreThoseThatMustHold) {
  Parsed parsed(
      "SELECT * FROM t WHERE a = 1 AND 2 < b AND (c BETWEEN 3 AND 4 AND begins_with(d, 'x')) AND "
      "e IN (5, 6) AND (f = 7 OR g = 8) AND NOT h = 9 AND i.j = 10 AND k = l AND m <> 11");
  ASSERT_EQ(compiled(parsed), "fine");
  using Kind = KeyTerm::Kind;
  const std::vector<KeyTerm> terms = std::move(parsed.statement->key_terms()).value();
  const std::vector<std::pair<std::string_view, Kind>> want = {{"a", Kind::kEqual},
                                                               {"b", Kind::kGreater},
                                                               {"c", Kind::kBetween},
                                                               {"d", Kind::kBeginsWith},
                                                               {"e", Kind::kIn}};
  ASSERT_EQ(terms.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_EQ(terms[i].attribute, want[i].first);
    EXPECT_EQ(terms[i].kind, want[i].second);
  }
  EXPECT_EQ(terms[4].values.size(), 2u);
  EXPECT_EQ(terms[1].values[0].bytes(), "2");
  EXPECT_EQ(parsed.statement->conjuncts(), 10u);
}

TEST(StatementTest, RefusedInTheServicesWords) {
  for_each_case(R"(
    garbage => …Expected data manipulation
    SLECT * FROM t => …Expected data manipulation
    SELECT * FROM t WHERE pk = 1 foo => …Unexpected token after expression
    SELECT * FROM t WHERE pk = 1 e5 => …Unexpected token after expression
    SELECT * FROM t WHERE pk = 1) => …Unexpected token after expression
    SELECT * FROM t ORDER BY pk WHERE pk = 1 => …Unexpected token after expression
    DELETE FROM t WHERE pk = 1 ORDER BY pk => …Unexpected token after expression
    INSERT INTO t VALUE {'pk': 1} foo => …Unexpected token after expression
    INSERT INTO t s VALUE {'pk': 1} => …Unexpected token after expression
    UPDATE t SET a = 9 WHERE pk = 1 foo => …Unexpected token after expression
    SELECT * FROM t WHERE pk = 1 # note => …
    SELECT * FROM t WHERE pk = 1 /* note => …
    SELECT * FROM t WHERE pk = 'x => …
    SELECT * FROM t WHERE pk = 1e2147483648 => …
    SELECT * FROM t WHERE pk = 1.5e-2147483647 => …
    SELECT m.inner FROM t => …Invalid path dot component
    SELECT * FROM t s WHERE pk = 1 => Aliasing is not supported
    SELECT * FROM t AS s => Aliasing is not supported
    SELECT a AS b FROM t => Aliasing is not supported
    SELECT a b FROM t => Aliasing is not supported
    UPDATE t s SET a = 3 WHERE pk = 1 => Aliasing is not supported
    DELETE FROM t s WHERE pk = 1 => Aliasing is not supported
    SELECT * FROM a, b => Only select from a single table or index is supported.
    SELECT * FROM a.b.c => A path may contain at most 2 components in the FROM clause
    SELECT * FROM "t"."" WHERE pk = 1 => Path component cannot be an empty string
    SELECT * FROM [1] => Unexpected from source
    SELECT DISTINCT a FROM t => Unsupported token in expression: DISTINCT
    SELECT * FROM t WHERE a = 1 GROUP BY a => Unsupported clause: GROUP BY
    SELECT * FROM t WHERE a = 1 LIMIT 2 => Unsupported clause: LIMIT at 1:35:1
    SELECT a, m.a FROM t => Duplicate identifiers in select clause: a
    SELECT size(a) FROM t => Unexpected path component at 1:8:4
    SELECT 1 FROM t => Unexpected path component at 1:8:1
    SELECT a + 1 FROM t => Unexpected path component at 1:10:1
    SELECT * FROM t ORDER BY a.b => Argument to ORDER BY must be of type VariableReference. Type: PATH
    SELECT * FROM t WHERE a = 1e126 => Number overflow. Attempting to store a number with magnitude larger than supported range under root
    SELECT * FROM t WHERE a = 1e-131 => Number underflow. Attempting to store a number with magnitude smaller than supported range under root
    INSERT INTO t VALUE {'m': {'x': 1e126}} => Number overflow. Attempting to store a number with magnitude larger than supported range under root.x
    INSERT INTO t VALUE {'l': [1, 1e126]} => Number overflow. Attempting to store a number with magnitude larger than supported range under root[1]
    INSERT INTO t VALUE {'a': 1, 'b': 2, 'a': 3} => Duplicate keys in tuple. Key: a under root at 1:38:3
    INSERT INTO t VALUE {"a": 1} => Tuple keys must be of type String. Actual type: VariableReference under root at 1:22:3
    INSERT INTO t VALUE {'a': <<>>} => Empty bags are not supported
    INSERT INTO t VALUE {'a': <<'x', 'x'>>} => One or more parameter values were invalid: Input collection [x, x] contains duplicates.
    INSERT INTO t VALUE {'a': <<1, 'x'>>} => Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags
    INSERT INTO t VALUE {'a': b} => Unsupported data type: b under key root at 1:27:1
    INSERT INTO t VALUE {'a': set_add(b, c)} => Unsupported data type: set_add under key root at 1:27:7
    INSERT INTO t VALUE {'a': [b]} => Unsupported data type: VariableReference under key root.0 at 1:28:1
    INSERT INTO t VALUE 5 => Unsupported format in item expression. Please use struct format {...} to express item values for insert statement. at 1:21:1
    INSERT INTO t VALUE {'a': 1} RETURNING ALL OLD * => RETURNING is not supported in INSERT
    DELETE FROM t WHERE a = 1 RETURNING MODIFIED OLD * => Invalid returning clause: RETURNING MODIFIED OLD *. Only RETURNING ALL OLD * is allowed in DELETE statements.
    UPDATE t SET a = 1 WHERE b = 1 RETURNING ALL NEW a => Expected '*' after ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause
    UPDATE t.i SET a = 1 WHERE b = 1 => This operation is not supported on an index
    SELECT * FROM t WHERE a = ? => Number of parameters in request and statement don't match.
    SELECT * FROM t WHERE true => WHERE clause must contain an expression that resolves to a boolean
    SELECT * FROM t WHERE a = 1 AND b => The arguments to AND/OR must be Expressions
    SELECT * FROM t WHERE a = MISSING => MISSING must be compared using IS operator
    SELECT * FROM t WHERE a + 1 = 2 => Unsupported operator in Condition Expression. Operator: +
    SELECT * FROM t WHERE a LIKE 'x' => Unsupported operator in Condition Expression. Operator: like
    SELECT * FROM t WHERE a IN 1 => IN operator must have a left hand argument of type Variable Reference and right hand argument of type Seq with at least one member
    SELECT * FROM t WHERE a < true => Incorrect operand type for operator or function; operator or function: <, operand type: BOOL
    SELECT * FROM t WHERE a = a => The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a]
    SELECT * FROM t WHERE EXISTS(a) => Unrecognized function: exists at 1:23:6
    SELECT * FROM t WHERE set_add(a, b) = a => Unrecognized function: set_add at 1:23:7
    SELECT * FROM t WHERE attribute_exists('a') => Operator or function requires a document path; operator or function: attribute_exists
    SELECT * FROM t WHERE begins_with(a) => Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1
    SELECT * FROM t WHERE a[*] = 1 => Wildcard path component like a[*].b are not supported at 1:25:1
    SELECT * FROM t WHERE a[-1] = 1 => List index is not within the allowable range; index: [-1] at 1:26:1
    SELECT * FROM t WHERE a[?] = 1 => Unexpected path component at 1:25:1
    UPDATE t SET a = set_add(b, <<1>>) WHERE c = 1 => The first argument to SET_ADD must equal the assignment value at 1:18:7
    UPDATE t SET a = set_add(a, 'x') WHERE c = 1 => The second argument to SET_ADD must be a value with type SET at 1:26:1
    UPDATE t SET a = set_delete(a) WHERE c = 1 => SET_DELETE must have exactly two arguments at 1:18:10
    UPDATE t SET a = b * 2 WHERE c = 1 => Unsupported operator in Update Expression. Operator: *
    UPDATE t SET a = -b WHERE c = 1 => Incorrect number of operands for operator or function; operator or function: -, number of operands: 1
    UPDATE t SET a = size(b) WHERE c = 1 => The function is not allowed in an update expression; function: size
    UPDATE t SET a = b IS MISSING WHERE c = 1 => IS operator is not supported in update expressions
    UPDATE t SET a = 1 SET a.b = 2 WHERE c = 1 => Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, b]
    EXISTS(DELETE FROM t WHERE a = 1) => EXISTS() must contain a single item read with additional condition
  )",
                [&](std::string_view text, std::string_view want) {
                  Parsed parsed(text);
                  EXPECT_EQ(compiled(parsed), wanted(want)) << text;
                });
}

TEST(StatementTest, DepthAndLengthAreBounded) {
  const auto nested = [](int depth) {
    return "SELECT * FROM t WHERE a = " + std::string(depth, '(') + "1" + std::string(depth, ')');
  };
  Parsed fine(nested(90)), deep(nested(4000));
  EXPECT_EQ(compiled(fine), "fine");
  EXPECT_EQ(compiled(deep), std::string(kNotWellFormed) + "Expression is nested too deeply");
  std::string nots = "SELECT * FROM t WHERE ";
  for (int i = 0; i < 2000; ++i) nots += "NOT ";
  Parsed many(nots + "a = 1");
  EXPECT_EQ(compiled(many), std::string(kNotWellFormed) + "Expression is nested too deeply");
  std::string ors = "SELECT * FROM t WHERE a=1";
  for (int i = 0; i < 1000; ++i) ors += " OR a=1";
  Parsed wide(ors);
  EXPECT_EQ(compiled(wide), "The expression contains too many operators; operator count: 301");
  Parsed long_one("SELECT * FROM t WHERE a = '" + std::string(kStatementBytesMax, 'x') + "'");
  EXPECT_EQ(compiled(long_one), std::string(kNotWellFormed) + "Statement is too long");
  const auto lists = [](int depth) {
    return "INSERT INTO t VALUE {'a': " + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  Parsed allowed(lists(31)), refused(lists(32));
  EXPECT_EQ(compiled(allowed), "fine");
  EXPECT_EQ(compiled(refused), "Nesting Levels have exceeded supported limits");
}

// Requests are served on fibers, whose stacks do not grow.
#ifdef OFFRAMP_SANITIZED
constexpr size_t kStackBytes = 32 << 20;  // frames are many times as large
#else
constexpr size_t kStackBytes = 192 << 10;
#endif

void* compile_and_ask(void* text) {
  const TestItem item(expression::kEveryType);
  Parsed parsed(*static_cast<const std::string*>(text));
  if (compiled(parsed) != "fine") return nullptr;
  ItemBatch out;
  if (auto made = parsed.statement->condition(); *made) (void)(*made)->evaluate(item.view());
  if (parsed.statement->kind() == Statement::Kind::kUpdate) {
    const Status status = parsed.statement->update()->apply(item.view(), item.view(), out);
    EXPECT_TRUE(status.ok()) << status.error().message();
  }
  return nullptr;
}

TEST(StatementTest, ASmallStackIsEnough) {
  const auto times = [](std::string_view text, int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += text;
    return out;
  };
  const std::string asked = " WHERE a=1";
  std::string texts[] = {
      "SELECT * FROM t WHERE a=" + times("(", 99) + "1" + times(")", 99),
      "SELECT * FROM t WHERE " + times("(a=1 AND ", 99) + "a=1" + times(")", 99),
      "SELECT * FROM t WHERE a=1" + times(" OR a=1", 1100),
      "SELECT * FROM t WHERE a=1" + times(" AND a=1", 149),
      "INSERT INTO t VALUE {'a':" + times("[", 99) + times("]", 99) + "}",
      "INSERT INTO t VALUE {'a':" + times("{'a':", 99) + "1" + times("}", 99) + "}",
      "UPDATE t SET b=b" + times("+1", 3900) + asked,
      "UPDATE t SET b=b" + times("+1", 299) + asked,
      "UPDATE t SET b=" + times("(b+", 99) + "1" + times(")", 99) + asked,
      "UPDATE t SET f=" + times("list_append(f,", 99) + "f" + times(")", 99) + asked,
      "UPDATE t SET f=" + times("if_not_exists(z,", 99) + "1" + times(")", 99) + asked,
  };
  for (std::string& text : texts) {
    pthread_attr_t small;
    ASSERT_EQ(pthread_attr_init(&small), 0);
    ASSERT_EQ(pthread_attr_setstacksize(&small, kStackBytes), 0);
    pthread_t thread;
    ASSERT_EQ(pthread_create(&thread, &small, compile_and_ask, &text), 0);
    ASSERT_EQ(pthread_join(thread, nullptr), 0);
    pthread_attr_destroy(&small);
  }
}

}  // namespace
}  // namespace offramp::ddb::partiql
