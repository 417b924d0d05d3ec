// DynamoDB JSON: what is read, what is refused and where, and that writing and reading give the
// same item.
#include "ddb/wire_json.h"

#include <gtest/gtest.h>

#include "ddb/compact_json.h"
#include "ddb/digest.h"
#include "ddb/item_size.h"

namespace offramp::ddb {
namespace {

struct Text {
  explicit Text(std::string text) : bytes(std::move(text)) {
    size = bytes.size();
    bytes.append(kJsonPadding, '\0');
  }
  std::string_view view() const { return {bytes.data(), size}; }
  std::string bytes;
  size_t size;
};

class WireJson : public ::testing::Test {
 protected:
  ItemView decode(const std::string& text, JsonForm form = JsonForm::kTyped,
                  std::string_view wrapper = {}) {
    texts_.push_back(std::make_unique<Text>(text));
    batches_.push_back(std::make_unique<ItemBatch>());
    auto root = decoder_.decode_item(texts_.back()->view(), wrapper, form, *batches_.back());
    EXPECT_TRUE(root.ok()) << text << ": " << (root.ok() ? "" : root.error().message());
    if (!root.ok()) return {};
    batches_.back()->add_root(*root, 0);
    return batches_.back()->item(0);
  }
  std::string refusal(const std::string& text, JsonForm form = JsonForm::kTyped,
                      std::string_view wrapper = {}) {
    Text padded(text);
    ItemBatch batch;
    auto root = decoder_.decode_item(padded.view(), wrapper, form, batch);
    EXPECT_FALSE(root.ok()) << text;
    EXPECT_TRUE(batch.nodes().empty());
    return root.ok() ? "" : root.error().message();
  }
  std::string rewrite(const std::string& text, JsonForm form = JsonForm::kTyped,
                      std::string_view wrapper = {}) {
    ItemView item = decode(text, form, wrapper);
    return item ? canonical_item_json(item) : "";
  }
  JsonDecoder decoder_;
  std::vector<std::unique_ptr<Text>> texts_;
  std::vector<std::unique_ptr<ItemBatch>> batches_;
};

TEST_F(WireJson, EveryType) {
  EXPECT_EQ(
      rewrite(
          R"( {"s":{"S":"a\"\u00e9\n😀"}, "n":{"N":"1.50"},"b":{"B":"aGk="},"t":{"BOOL":true},"z":{"NULL":true},
    "l":{"L":[{"N":"1"},{"L":[]}]},"m":{"M":{"x":{"M":{}}}},"ss":{"SS":["b","a"]},"ns":{"NS":["5.0","5","4.9"]},
    "bs":{"BS":["aGk=",""]}} )"),
      R"({"b":{"B":"aGk="},"bs":{"BS":["","aGk="]},"l":{"L":[{"N":"1"},{"L":[]}]},"m":{"M":{"x":{"M":{}}}},)"
      "\"n\":{\"N\":\"1.5\"},\"ns\":{\"NS\":[\"4.9\",\"5\"]},\"s\":{\"S\":\"a\\\"é\\n😀\"},"
      R"("ss":{"SS":["a","b"]},"t":{"BOOL":true},"z":{"NULL":true}})");
}

TEST_F(WireJson, Wrapper) {
  EXPECT_EQ(
      rewrite(R"({"Other":[1,{"Item":2}],"Item":{"pk":{"S":"x"}}})", JsonForm::kTyped, "Item"),
      R"({"pk":{"S":"x"}})");
  EXPECT_NE(refusal(R"({"Keys":{}})", JsonForm::kTyped, "Item").find("no member 'Item'"),
            std::string::npos);
}

TEST_F(WireJson, PlainForm) {
  EXPECT_EQ(
      rewrite(
          R"({"a":"x","n":12345678901234567890.10,"e":-1E2,"t":false,"z":null,"l":[1,"b",{}],"m":{"k":[]}})",
          JsonForm::kPlain),
      R"({"a":{"S":"x"},"e":{"N":"-100"},"l":{"L":[{"N":"1"},{"S":"b"},{"M":{}}]},"m":{"M":{"k":{"L":[]}}},)"
      R"("n":{"N":"12345678901234567890.1"},"t":{"BOOL":false},"z":{"NULL":true}})");
  for (const char* text :
       {R"({"a":nul})", R"({"a":1x})", R"({"a":nullx})", R"({"a":tru})", R"({"a":})", R"([1])"})
    refusal(text, JsonForm::kPlain);
}

TEST_F(WireJson, ExtraEscapes) {
  ItemView item = decode(
      R"({"s":{"$S64":"YQBi"},"m":{"$M64":[["AA==",{"N":"1"}]]},"x":{"$ABSENT":true},"ss":{"$SS64":["AA=="]}})",
      JsonForm::kExtra);
  EXPECT_EQ(item.find("s").bytes(), std::string_view("a\0b", 3));
  EXPECT_EQ((*item.find("m").begin()).name(), std::string_view("\0", 1));
  EXPECT_EQ(item.find("x").type(), Type::kAbsent);
  EXPECT_EQ((*item.find("ss").begin()).bytes(), std::string_view("\0", 1));
  ItemView whole = decode(R"({"$M64":[["AA==",{"S":"v"}]]})", JsonForm::kExtra);
  EXPECT_EQ((*whole.begin()).name(), std::string_view("\0", 1));
  // An attribute may be called like an escape: escapes are recognised as type tags only.
  EXPECT_EQ((*decode(R"({"$M64":{"S":"v"}})", JsonForm::kExtra).begin()).name(), "$M64");
  refusal(R"({"s":{"$S64":"YQBi"}})");
}

TEST_F(WireJson, TheShortWayAndSimdjsonAgree) {
  // kExtra never takes the short way of compact_json.h.
  for (
      const char* text :
      {R"({"pk":{"S":"a"},"n":{"N":"-1.50"},"b":{"B":"aGk="},"t":{"BOOL":false},"z":{"NULL":true}})",
       R"({"l":{"L":[{"S":"x"},{"M":{"k":{"L":[]}}}]},"ss":{"SS":["a","b","a"]},"ns":{"NS":["1.0","1"]}})",
       R"({"bs":{"BS":["aGk=","aA=="]},"e":{"S":""},"m":{"M":{}},"":{"S":"empty name"}})", "{}",
       R"({"long":{"S":"0123456789abcdef0123456789abcdef0123456789"}})"}) {
    ItemView fast = decode(text), general = decode(text, JsonForm::kExtra);
    EXPECT_TRUE(equal(fast, general)) << text;
    EXPECT_EQ(canonical_item_json(fast), canonical_item_json(general)) << text;
  }
  ItemBatch batch;
  JsonValues values;
  CompactNodes nodes;
  Text plain(R"({"Item":{"pk":{"S":"a"}}})"), blanks(R"({"Item": {"pk":{"S":"a"}}})"),
      escape(R"({"Item":{"pk":{"S":"\n"}}})"), twice(R"({"Item":{"pk":{"S":"a"},"pk":{"S":"b"}}})"),
      bad("{\"Item\":{\"pk\":{\"S\":\"\xff\"}}}");
  EXPECT_TRUE(read_compact_item(plain.view(), "Item", values, nodes, batch));
  for (const Text* text : {&blanks, &escape, &twice, &bad}) {
    ItemBatch other;
    EXPECT_FALSE(read_compact_item(text->view(), "Item", values, nodes, other)) << text->view();
  }
}

TEST_F(WireJson, Refusals) {
  EXPECT_NE(refusal(R"({"a":{"S":1}})").find("expected a string (at byte 10)"), std::string::npos);
  EXPECT_NE(refusal(R"({"a":{"N":"x1"}})").find("cannot be converted to a numeric value"),
            std::string::npos);
  for (const char* text : {"secret", "12secret", "1.secret", "1esecret", "1e+secret", "1.2.secret"})
    EXPECT_EQ(refusal(R"({"a":{"N":")" + std::string(text) + R"("}})").find("secret"),
              std::string::npos)
        << "C12: " << text;
  EXPECT_NE(refusal(R"({"a":{"S":"x","N":"1"}})").find("more than one type"), std::string::npos);
  EXPECT_NE(refusal(R"({"a":{}})").find("exactly one type"), std::string::npos);
  EXPECT_NE(refusal(R"({"a":{"Q":"x"}})").find("'Q' is not a DynamoDB type"), std::string::npos);
  EXPECT_NE(refusal(R"({"a":{"S":"x"},"a":{"S":"y"}})").find("occurs twice"), std::string::npos);
  EXPECT_NE(refusal(R"({"a":{"NULL":false}})").find("value of true"), std::string::npos);
  EXPECT_NE(refusal(R"({"a":{"B":"?"}})").find("base64"), std::string::npos);
  EXPECT_NE(refusal("{\"a\":{\"S\":\"\xff\"}}").find("(at byte 11)"), std::string::npos);
  refusal(R"({"a":{"S":"x"},"z":null":1})", JsonForm::kPlain);
  refusal(R"({"s":{"$S64":"/w=="}})", JsonForm::kExtra);
  EXPECT_NE(refusal("{\"a\":{\"S\":\"\xc3\"}}").find("(at byte 11)"), std::string::npos);
  for (const char* text :
       {"", "{", "[]", "null", R"({"a":"x"})", R"({"a":{"L":{}}})", R"({"a":{"M":[]}})",
        R"({"a":{"SS":"x"}})", R"({"a":{"S":"x"}}})", R"({"a":{"S":"x"}} {})", R"({"a" {"S":"x"}})",
        "{\"a\":{\"S\":\"\x01\"}}"})
    refusal(text);
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += R"({"L":[)";
  EXPECT_NE(refusal(R"({"a":)" + deep).size(), 0u);
}

TEST_F(WireJson, EveryTruncationIsRefused) {
  std::string whole =
      R"({"pk":{"S":"a\u0000b"},"l":{"L":[{"M":{"x":{"NS":["1","2"]}}},{"B":"aGk="}]},"n":{"N":"-1.25"}})";
  for (size_t size = 0; size < whole.size(); ++size) refusal(whole.substr(0, size));
}

TEST_F(WireJson, ManyMembersWithAndWithoutDuplicates) {
  std::string members;
  for (int i = 0; i < 1000; ++i)
    members += (i ? "," : "") + ("\"a" + std::to_string(i) + "\":{\"N\":\"1\"}");
  EXPECT_EQ(decode("{" + members + "}").size(), 1000u);
  refusal("{" + members + ",\"a77\":{\"N\":\"2\"}}");
}

TEST_F(WireJson, DigestAndEqualityIgnoreOrder) {
  ItemView a =
      decode(R"({"x":{"SS":["1","2"]},"y":{"M":{"p":{"N":"1"},"q":{"L":[{"S":"a"},{"S":"b"}]}}}})");
  ItemView b = decode(
      R"({"y":{"M":{"q":{"L":[{"S":"a"},{"S":"b"}]},"p":{"N":"1.0"}}},"x":{"SS":["2","1"]}})");
  EXPECT_TRUE(equal(a, b));
  EXPECT_EQ(digest(a), digest(b));
  for (const char* other :
       {R"({"x":{"SS":["1","3"]},"y":{"M":{"p":{"N":"1"},"q":{"L":[{"S":"a"},{"S":"b"}]}}}})",
        R"({"x":{"SS":["1","2"]},"y":{"M":{"p":{"N":"1"},"q":{"L":[{"S":"b"},{"S":"a"}]}}}})",
        R"({"x":{"NS":["1","2"]},"y":{"M":{"p":{"N":"1"},"q":{"L":[{"S":"a"},{"S":"b"}]}}}})",
        R"({"x":{"SS":["1","2"]},"y":{"M":{"q":{"N":"1"},"p":{"L":[{"S":"a"},{"S":"b"}]}}}})",
        R"({"x":{"SS":["1","2"]},"y":{"M":{"p":{"S":"1"},"q":{"L":[{"S":"a"},{"S":"b"}]}}}})",
        R"({"x":{"SS":["1","2"]}})"}) {
    EXPECT_FALSE(equal(a, decode(other))) << other;
    EXPECT_NE(digest(a), digest(decode(other))) << other;
  }
  EXPECT_NE(digest(decode(R"({"a":{"L":[]}})")), digest(decode(R"({"a":{"M":{}}})")));
  EXPECT_NE(digest(decode(R"({"a":{"NULL":true}})")), digest(decode(R"({})")));
}

TEST_F(WireJson, DecodeValue) {
  ItemBatch batch;
  auto root = decoder_.decode_value(R"([1,{"a":"b"}])", "doc", JsonForm::kPlain, batch);
  ASSERT_TRUE(root.ok());
  ValueView value(&batch.nodes()[*root]);
  EXPECT_EQ(value.name(), "doc");
  EXPECT_EQ(canonical_value_json(value), R"({"L":[{"N":"1"},{"M":{"a":{"S":"b"}}}]})");
  EXPECT_FALSE(decoder_.decode_value("1}", "doc", JsonForm::kPlain, batch).ok());
}

TEST_F(WireJson, ItemSizeAsAwsCountsIt) {
  const std::pair<const char*, size_t> cases[] = {
      {R"({"a":{"N":"1"}})", 1 + 2},
      {R"({"a":{"N":"10"}})", 1 + 2},
      {R"({"a":{"N":"12"}})", 1 + 2},
      {R"({"a":{"N":"123"}})", 1 + 3},
      {R"({"a":{"N":"1234"}})", 1 + 3},
      {R"({"a":{"N":"-1"}})", 1 + 3},
      {R"({"a":{"N":"0"}})", 1 + 1},
      {R"({"é":{"S":"é"}})", 4},
      {R"({"a":{"B":"aGk="}})", 3},
      {R"({"a":{"BOOL":true},"b":{"NULL":true}})", 4},
      {R"({"l":{"L":[{"S":"ab"}]}})", 1 + 3 + 1 + 2},
      {R"({"m":{"M":{"k":{"S":"ab"}}}})", 1 + 3 + 1 + 1 + 2},
      {R"({"s":{"SS":["ab","c"]}})", 1 + 3},
      {R"({"a":{"N":"0.001"}})", 1 + 2},
  };
  for (const auto& [text, size] : cases) EXPECT_EQ(item_size(decode(text)), size) << text;
}

}  // namespace
}  // namespace offramp::ddb
