// Updates carried out on an item: an expression, `=>`, and the attributes that changed (null: gone)
// or `!` and the error; as DynamoDB Local has them. And what is touched.
#include "ddb/expression/update.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <optional>
#include <set>

#include "ddb/expression/request_test.h"

namespace offramp::ddb::expression {
namespace {

constexpr std::string_view kItem = R"({
  "pk":{"S":"u"},"s":{"S":"str"},"n":{"N":"10"},
  "l":{"L":[{"S":"l0"},{"S":"l1"},{"S":"l2"},{"M":{"x":{"N":"1"},"y":{"N":"2"}}}]},
  "m":{"M":{"a":{"S":"A"},"b":{"M":{"c":{"N":"3"},"d":{"N":"4"}}},"l":{"L":[{"N":"0"},{"N":"1"}]}}},
  "ss":{"SS":["p","q"]},"ns":{"NS":["1","2"]},"nul":{"NULL":true},
  "big":{"N":"99999999999999999999999999999999999999"},"e":{"L":[]},"em":{"M":{}}})";

constexpr std::string_view kValues = R"({
  ":a":{"S":"a"}, ":n":{"N":"1"}, ":n2":{"N":"2"}, ":b":{"BOOL":true},
  ":l":{"L":[{"S":"v1"},{"S":"v2"}]}, ":ss":{"SS":["x","y"]}, ":ns":{"NS":["1","7"]},
  ":m":{"M":{"k":{"S":"w"}}}, ":bin":{"B":"YQ=="}, ":all":{"SS":["p","q"]}})";

// A parsed update with all that it refers to.
class Request {
 public:
  explicit Request(std::string_view text) : text_(text), values_(kValues) {
    for (ValueView value : values_.view()) placeholders_.add_value(value.name(), value);
    update_.emplace(Update::parse(text_, placeholders_));
    EXPECT_TRUE(update_->ok()) << text << ": " << (update_->ok() ? "" : update_->error().message());
  }
  const Update& operator*() const { return **update_; }
  const Update* operator->() const { return &**update_; }

 private:
  const std::string text_;
  const TestItem values_;
  Placeholders placeholders_;
  std::optional<Result<Update>> update_;
};

// The attributes of `now` that are not in `before`, and null for those that are gone.
std::string changes(ItemView before, ItemView now) {
  std::map<std::string, std::string> out;
  for (ValueView value : now) {
    const ValueView old = before.find(value.name());
    if (!old || !equal(old, value)) out[std::string(value.name())] = canonical_value_json(value);
  }
  for (ValueView value : before)
    if (!now.find(value.name())) out[std::string(value.name())] = "null";
  std::string text = "{";
  for (const auto& [name, value] : out)
    text.append(text.size() > 1 ? "," : "").append(json_quoted(name)).append(":").append(value);
  return text + "}";
}

std::string outcome(std::string_view text, ItemView old, ItemView key) {
  const Request update(text);
  ItemBatch out;
  const Status status = update->apply(old, key, out);
  if (status.ok()) return changes(old ? old : key, out.item(0));
  EXPECT_EQ(status.error().code(), "ValidationException");
  EXPECT_TRUE(out.nodes().empty()) << text;
  return "! " + status.error().message();
}

TEST(Update, ChangesAnItem) {
  const TestItem item(kItem), key(R"({"pk":{"S":"u"}})");
  for_each_case(R"~(
    SET s=:a => {"s":{"S":"a"}}
    SET m.a=:a => {"m":{"M":{"a":{"S":"a"},"b":{"M":{"c":{"N":"3"},"d":{"N":"4"}}},"l":{"L":[{"N":"0"},{"N":"1"}]}}}}
    SET m.b.c=:a, m.l[0]=:n => {"m":{"M":{"a":{"S":"A"},"b":{"M":{"c":{"S":"a"},"d":{"N":"4"}}},"l":{"L":[{"N":"1"},{"N":"1"}]}}}}
    SET l[1]=:a => {"l":{"L":[{"S":"l0"},{"S":"a"},{"S":"l2"},{"M":{"x":{"N":"1"},"y":{"N":"2"}}}]}}
    SET l[9]=:a => {"l":{"L":[{"S":"l0"},{"S":"l1"},{"S":"l2"},{"M":{"x":{"N":"1"},"y":{"N":"2"}}},{"S":"a"}]}}
    SET l[9]=:a, l[8]=:n, l[20]=:b => {"l":{"L":[{"S":"l0"},{"S":"l1"},{"S":"l2"},{"M":{"x":{"N":"1"},"y":{"N":"2"}}},{"N":"1"},{"S":"a"},{"BOOL":true}]}}
    SET l[4]=:a, l[0]=:n => {"l":{"L":[{"N":"1"},{"S":"l1"},{"S":"l2"},{"M":{"x":{"N":"1"},"y":{"N":"2"}}},{"S":"a"}]}}
    SET l[3].x=:a, l[1]=:b => {"l":{"L":[{"S":"l0"},{"BOOL":true},{"S":"l2"},{"M":{"x":{"S":"a"},"y":{"N":"2"}}}]}}
    REMOVE l[0] => {"l":{"L":[{"S":"l1"},{"S":"l2"},{"M":{"x":{"N":"1"},"y":{"N":"2"}}}]}}
    REMOVE l[0], l[2] => {"l":{"L":[{"S":"l1"},{"M":{"x":{"N":"1"},"y":{"N":"2"}}}]}}
    REMOVE l[1] SET l[2]=:a => {"l":{"L":[{"S":"l0"},{"S":"a"},{"M":{"x":{"N":"1"},"y":{"N":"2"}}}]}}
    REMOVE l[1] SET l[9]=:a => {"l":{"L":[{"S":"l0"},{"S":"l2"},{"M":{"x":{"N":"1"},"y":{"N":"2"}}},{"S":"a"}]}}
    REMOVE l[0], l[1], l[2], l[3] => {"l":{"L":[]}}
    REMOVE l[9] => {}
    REMOVE l[9], l[0] => {"l":{"L":[{"S":"l1"},{"S":"l2"},{"M":{"x":{"N":"1"},"y":{"N":"2"}}}]}}
    REMOVE m.a => {"m":{"M":{"b":{"M":{"c":{"N":"3"},"d":{"N":"4"}}},"l":{"L":[{"N":"0"},{"N":"1"}]}}}}
    REMOVE m.zz => {}
    REMOVE m.zz.y => ! The document path provided in the update expression is invalid for update
    REMOVE zz.y => ! The document path provided in the update expression is invalid for update
    REMOVE s.y => ! The document path provided in the update expression is invalid for update
    REMOVE s[0] => ! The document path provided in the update expression is invalid for update
    REMOVE l.x => ! The document path provided in the update expression is invalid for update
    REMOVE m[0] => ! The document path provided in the update expression is invalid for update
    REMOVE zz => {}
    REMOVE m.b.c, m.b.d => {"m":{"M":{"a":{"S":"A"},"b":{"M":{}},"l":{"L":[{"N":"0"},{"N":"1"}]}}}}
    REMOVE l[3].x => {"l":{"L":[{"S":"l0"},{"S":"l1"},{"S":"l2"},{"M":{"y":{"N":"2"}}}]}}
    REMOVE l[9].x => ! The document path provided in the update expression is invalid for update
    SET l[9].x=:a => ! The document path provided in the update expression is invalid for update
    SET s.x=:a => ! The document path provided in the update expression is invalid for update
    SET m[0]=:a => ! The document path provided in the update expression is invalid for update
    SET l.x=:a => ! The document path provided in the update expression is invalid for update
    SET zz.x=:a => ! The document path provided in the update expression is invalid for update
    SET m.zz.y=:a => ! The document path provided in the update expression is invalid for update
    SET e[0]=:a => {"e":{"L":[{"S":"a"}]}}
    SET e[5]=:a, e[2]=:n => {"e":{"L":[{"N":"1"},{"S":"a"}]}}
    SET em.k=:a => {"em":{"M":{"k":{"S":"a"}}}}
    ADD n :n => {"n":{"N":"11"}}
    ADD s :n => ! An operand in the update expression has an incorrect data type
    ADD nul :n => ! An operand in the update expression has an incorrect data type
    ADD ns :n => ! An operand in the update expression has an incorrect data type
    ADD n :ns => ! An operand in the update expression has an incorrect data type
    ADD ns :ns => {"ns":{"NS":["1","2","7"]}}
    ADD ss :ns => ! An operand in the update expression has an incorrect data type
    ADD ss :ss => {"ss":{"SS":["p","q","x","y"]}}
    ADD m.n :n => {"m":{"M":{"a":{"S":"A"},"b":{"M":{"c":{"N":"3"},"d":{"N":"4"}}},"l":{"L":[{"N":"0"},{"N":"1"}]},"n":{"N":"1"}}}}
    ADD m.b.c :n => {"m":{"M":{"a":{"S":"A"},"b":{"M":{"c":{"N":"4"},"d":{"N":"4"}}},"l":{"L":[{"N":"0"},{"N":"1"}]}}}}
    ADD l[0] :n => ! An operand in the update expression has an incorrect data type
    ADD l[9] :n => {"l":{"L":[{"S":"l0"},{"S":"l1"},{"S":"l2"},{"M":{"x":{"N":"1"},"y":{"N":"2"}}},{"N":"1"}]}}
    ADD l[9] :n, l[8] :n2 => {"l":{"L":[{"S":"l0"},{"S":"l1"},{"S":"l2"},{"M":{"x":{"N":"1"},"y":{"N":"2"}}},{"N":"2"},{"N":"1"}]}}
    ADD m.l[1] :n => {"m":{"M":{"a":{"S":"A"},"b":{"M":{"c":{"N":"3"},"d":{"N":"4"}}},"l":{"L":[{"N":"0"},{"N":"2"}]}}}}
    ADD m.l[5] :n => {"m":{"M":{"a":{"S":"A"},"b":{"M":{"c":{"N":"3"},"d":{"N":"4"}}},"l":{"L":[{"N":"0"},{"N":"1"},{"N":"1"}]}}}}
    ADD zz.y :n => ! The document path provided in the update expression is invalid for update
    DELETE ss :ss => {}
    DELETE ss :all => {"ss":null}
    DELETE ns :ns => {"ns":{"NS":["2"]}}
    DELETE ns :ss => ! An operand in the update expression has an incorrect data type
    DELETE s :ss => ! An operand in the update expression has an incorrect data type
    DELETE n :ns => ! An operand in the update expression has an incorrect data type
    DELETE zz :ss => {}
    DELETE zz.x :ss => ! The document path provided in the update expression is invalid for update
    DELETE m.zz :ss => {}
    DELETE l[9] :ss => {}
    DELETE l[0] :ss => ! An operand in the update expression has an incorrect data type
    SET n = n + :n => {"n":{"N":"11"}}
    SET n = n - :n2, s = n => {"n":{"N":"8"},"s":{"N":"10"}}
    SET n = s + :n => ! An operand in the update expression has an incorrect data type
    SET n = zz + :n => ! The provided expression refers to an attribute that does not exist in the item
    SET n = big + :n => {"n":{"N":"100000000000000000000000000000000000000"}}
    SET n = big + big => ! Number overflow. Attempting to store a number with magnitude larger than supported range
    SET n = :n - n => {"n":{"N":"-9"}}
    SET l = list_append(l, :l) => {"l":{"L":[{"S":"l0"},{"S":"l1"},{"S":"l2"},{"M":{"x":{"N":"1"},"y":{"N":"2"}}},{"S":"v1"},{"S":"v2"}]}}
    SET l = list_append(:l, l) => {"l":{"L":[{"S":"v1"},{"S":"v2"},{"S":"l0"},{"S":"l1"},{"S":"l2"},{"M":{"x":{"N":"1"},"y":{"N":"2"}}}]}}
    SET s = list_append(s, :l) => ! An operand in the update expression has an incorrect data type
    SET s = list_append(zz, :l) => ! The provided expression refers to an attribute that does not exist in the item
    SET l = list_append(if_not_exists(zz, :l), :l) => {"l":{"L":[{"S":"v1"},{"S":"v2"},{"S":"v1"},{"S":"v2"}]}}
    SET l = list_append(l,l) => {"l":{"L":[{"S":"l0"},{"S":"l1"},{"S":"l2"},{"M":{"x":{"N":"1"},"y":{"N":"2"}}},{"S":"l0"},{"S":"l1"},{"S":"l2"},{"M":{"x":{"N":"1"},"y":{"N":"2"}}}]}}
    SET s = if_not_exists(s, :a) => {}
    SET s = if_not_exists(zz, :a) => {"s":{"S":"a"}}
    SET s = if_not_exists(zz, zy) => ! The provided expression refers to an attribute that does not exist in the item
    SET s = if_not_exists(s, zy) => ! The provided expression refers to an attribute that does not exist in the item
    SET s = if_not_exists(m.a, :a) => {"s":{"S":"A"}}
    SET zz = m.b, q = l[3] => {"q":{"M":{"x":{"N":"1"},"y":{"N":"2"}}},"zz":{"M":{"c":{"N":"3"},"d":{"N":"4"}}}}
    SET m.b = m => {"m":{"M":{"a":{"S":"A"},"b":{"M":{"a":{"S":"A"},"b":{"M":{"c":{"N":"3"},"d":{"N":"4"}}},"l":{"L":[{"N":"0"},{"N":"1"}]}}},"l":{"L":[{"N":"0"},{"N":"1"}]}}}}
    SET l[0]=l[1], l[1]=l[0] => {"l":{"L":[{"S":"l1"},{"S":"l0"},{"S":"l2"},{"M":{"x":{"N":"1"},"y":{"N":"2"}}}]}}
    SET s = n, n = :n2 => {"n":{"N":"2"},"s":{"N":"10"}}
    SET nul = nul + :n => ! An operand in the update expression has an incorrect data type
    SET s = ss => {"s":{"SS":["p","q"]}}
    DELETE ss :ss SET q = ss => {"q":{"SS":["p","q"]}}
    SET l[0]=:a, l[2]=:n REMOVE l[1], l[3] => {"l":{"L":[{"S":"a"},{"N":"1"}]}}
    SET l[7]=:a REMOVE l[3] => {"l":{"L":[{"S":"l0"},{"S":"l1"},{"S":"l2"},{"S":"a"}]}}
    REMOVE m.b.c SET m.b.x=:n, m.a=:n => {"m":{"M":{"a":{"N":"1"},"b":{"M":{"d":{"N":"4"},"x":{"N":"1"}}},"l":{"L":[{"N":"0"},{"N":"1"}]}}}}
    ADD ss :all => {}
    SET n = n - n => {"n":{"N":"0"}}
    SET l[1] = if_not_exists(l[1], :a), l[5] = if_not_exists(l[5], :a) => {"l":{"L":[{"S":"l0"},{"S":"l1"},{"S":"l2"},{"M":{"x":{"N":"1"},"y":{"N":"2"}}},{"S":"a"}]}}
    SET m.b.c = m.b.c + :n => {"m":{"M":{"a":{"S":"A"},"b":{"M":{"c":{"N":"4"},"d":{"N":"4"}}},"l":{"L":[{"N":"0"},{"N":"1"}]}}}}
    SET a = zz, s.x = :a => ! The provided expression refers to an attribute that does not exist in the item
    SET a = zz + s => ! The provided expression refers to an attribute that does not exist in the item
    SET a = s + zz => ! An operand in the update expression has an incorrect data type
    SET a = list_append(s, zz) => ! An operand in the update expression has an incorrect data type
    ADD s :n SET a = zz => ! The provided expression refers to an attribute that does not exist in the item
    SET s = s + if_not_exists(zz, zy) => ! The provided expression refers to an attribute that does not exist in the item
    SET s = if_not_exists(zz, s) + zz => ! An operand in the update expression has an incorrect data type
    REMOVE l[3].y, l[3].x => {"l":{"L":[{"S":"l0"},{"S":"l1"},{"S":"l2"},{"M":{}}]}}
    SET m.b = if_not_exists(m.q, m.a), m.c = m.b => {"m":{"M":{"a":{"S":"A"},"b":{"S":"A"},"c":{"M":{"c":{"N":"3"},"d":{"N":"4"}}},"l":{"L":[{"N":"0"},{"N":"1"}]}}}}
    DELETE m.ss :ss => {}
  )~",
                [&](std::string_view text, std::string_view want) {
                  EXPECT_EQ(outcome(text, item.view(), key.view()), want) << text;
                });
}

TEST(Update, MakesAnItemFromItsKey) {
  const TestItem key(R"({"pk":{"S":"u"}})");
  for_each_case(R"~(
    SET a=:a => {"a":{"S":"a"}}
    ADD a :n => {"a":{"N":"1"}}
    ADD a :ss => {"a":{"SS":["x","y"]}}
    DELETE a :ss => {}
    SET a=pk => {"a":{"S":"u"}}
    SET a=if_not_exists(pk,:n) => {"a":{"S":"u"}}
    SET a=if_not_exists(b,:n) => {"a":{"N":"1"}}
    REMOVE s DELETE a :ss => {}
    SET a.b=:a => ! The document path provided in the update expression is invalid for update
    ADD a.b :n => ! The document path provided in the update expression is invalid for update
    SET a=b => ! The provided expression refers to an attribute that does not exist in the item
  )~",
                [&](std::string_view text, std::string_view want) {
                  EXPECT_EQ(outcome(text, ItemView(), key.view()), want) << text;
                });
}

TEST(Update, OnlyRemovesMakesNoItem) {
  EXPECT_TRUE(Request("REMOVE a, b.c")->only_removes());
  EXPECT_FALSE(Request("REMOVE a SET b = :a")->only_removes());
  EXPECT_FALSE(Request("DELETE a :ss")->only_removes());
}

TEST(Update, SaysWhatItWritesAndReadsBelow) {
  const Request update("SET b.c = pk, a = q[0] REMOVE b.d ADD z :n");
  EXPECT_EQ(update->written_attributes(), (std::vector<std::string_view>{"b", "a", "z"}));
  const std::string_view keys[] = {"pk", "q"};
  EXPECT_EQ(update->reads_below(keys), "q");
  EXPECT_EQ(update->reads_below({keys, 1}), std::nullopt);
}

// The touched paths of the old and of the new item; `-`: none. Nested ones as partial documents:
// reference notes, §3.
TEST(Update, Touched) {
  const TestItem item(kItem), key(R"({"pk":{"S":"u"}})");
  const auto touched = [&](std::string_view text) {
    const Request update(text);
    ItemBatch out, parts;
    EXPECT_TRUE(update->apply(item.view(), key.view(), out).ok()) << text;
    std::string shown;
    if (update->touched(item.view(), Update::Touched::kOld, parts))
      shown = canonical_item_json(parts.item(parts.size() - 1));
    shown += shown.empty() ? "- " : " ";
    if (!update->touched(out.item(0), Update::Touched::kNew, parts)) return shown + "-";
    return shown + canonical_item_json(parts.item(parts.size() - 1));
  };
  for_each_case(R"~(
    SET s=:a => {"s":{"S":"str"}} {"s":{"S":"a"}}
    SET q=:a => - {"q":{"S":"a"}}
    SET q=:a, s=:a => {"s":{"S":"str"}} {"q":{"S":"a"},"s":{"S":"a"}}
    REMOVE s => {"s":{"S":"str"}} -
    REMOVE zz => - -
    SET m.a=:a => {"m":{"M":{"a":{"S":"A"}}}} {"m":{"M":{"a":{"S":"a"}}}}
    SET m.q=:a => - {"m":{"M":{"q":{"S":"a"}}}}
    REMOVE m.b.c => {"m":{"M":{"b":{"M":{"c":{"N":"3"}}}}}} -
    SET m.l[1]=:a, m.a=:n => {"m":{"M":{"a":{"S":"A"},"l":{"L":[{"N":"1"}]}}}} {"m":{"M":{"a":{"N":"1"},"l":{"L":[{"S":"a"}]}}}}
    SET l[0]=:a, l[2]=:n => {"l":{"L":[{"S":"l0"},{"S":"l2"}]}} {"l":{"L":[{"S":"a"},{"N":"1"}]}}
    SET l[9]=:a => - -
    SET l[4]=:a => - {"l":{"L":[{"S":"a"}]}}
    ADD n :n => {"n":{"N":"10"}} {"n":{"N":"11"}}
    DELETE ss :all => {"ss":{"SS":["p","q"]}} -
  )~",
                [&](std::string_view text, std::string_view want) {
                  EXPECT_EQ(touched(text), want) << text;
                });
}

TEST(Update, NothingIsTouchedWithoutAnItem) {
  const Request update("SET s = :a");
  ItemBatch out;
  EXPECT_FALSE(update->touched(ItemView(), Update::Touched::kOld, out));
  EXPECT_EQ(out.size(), 0u);
}

// A request of 4 KB must not make an item of a hundred times the largest one.
TEST(Update, C10_StopsWhenTheItemIsTooBig) {
  std::string json = R"({"z":{"L":[)", text = "SET ";
  for (int i = 0; i < 100'000; ++i) json += i == 0 ? R"({"NULL":true})" : R"(,{"NULL":true})";
  const TestItem item(json + "]}}");
  for (int i = 0; i < 500; ++i) text += (i == 0 ? "a" : ",a") + std::to_string(i) + "=z";
  const Request update(text);
  ItemBatch out;
  const Status status = update->apply(item.view(), item.view(), out);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message(), "Item size to update has exceeded the maximum allowed size");
  EXPECT_LT(out.nodes().capacity(), 4'000'000u);
}

// Big sets are hashed; small ones are searched.
RC_GTEST_PROP(Update, SetsUniteAndSubtract, (std::set<uint16_t> have, std::set<uint16_t> given)) {
  RC_PRE(!have.empty() && !given.empty());
  const auto set_of = [](const std::set<uint16_t>& members) {
    std::string text = "{\":v\":{\"NS\":[";
    for (uint16_t member : members)
      text.append(text.back() == '[' ? "\"" : ",\"").append(std::to_string(member)).append("\"");
    return text + "]}}";
  };
  std::string old_text = set_of(have);
  old_text.replace(1, 4, "\"v\"");
  const TestItem old(old_text), value(set_of(given));
  for (bool adds : {true, false}) {
    Placeholders placeholders;
    placeholders.add_value(":v", value.view().find(":v"));
    const auto update = Update::parse(adds ? "ADD v :v" : "DELETE v :v", placeholders);
    RC_ASSERT(update.ok());
    ItemBatch out;
    RC_ASSERT(update->apply(old.view(), old.view(), out).ok());
    std::set<std::string> wanted, got;
    for (uint16_t member : have)
      if (adds || !given.contains(member)) wanted.insert(std::to_string(member));
    if (adds)
      for (uint16_t member : given) wanted.insert(std::to_string(member));
    if (const ValueView set = out.item(0).find("v"))
      for (ValueView member : set) RC_ASSERT(got.emplace(member.bytes()).second);
    RC_ASSERT(got == wanted);
  }
}

}  // namespace
}  // namespace offramp::ddb::expression
