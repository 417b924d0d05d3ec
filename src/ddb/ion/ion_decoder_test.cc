// Every form of Ion text that the export format and the Ion specification name: a text on the left,
// the item it must become (as DynamoDB JSON) or the error on the right.
#include "ddb/ion/ion_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ddb/wire_json.h"

namespace offramp::ddb::ion {
namespace {

using testing::HasSubstr;

// The item as DynamoDB JSON, or "! byte N: why".
std::string decode(std::string_view text, std::string_view wrapper = "Item") {
  IonDecoder decoder;
  ItemBatch batch;
  auto root = decoder.decode_item(text, wrapper, batch);
  if (!root.ok()) {
    EXPECT_EQ(root.error().kind(), ErrorKind::kBadItem);
    EXPECT_TRUE(batch.nodes().empty()) << "nodes left behind by: " << text;
    return "! " + root.error().message().substr(std::string_view("Ion text, ").size());
  }
  std::string out;
  append_item_json(ItemView(&batch.nodes()[*root]), out);
  return out;
}
std::string decode_value(std::string_view value) {
  const std::string out = decode("$ion_1_0 {Item:{a:" + std::string(value) + "}}");
  if (out.starts_with('!')) return out;
  return out.substr(5, out.size() - 6);  // {"a":…}
}

struct Case {
  std::string_view ion, json;
};

TEST(IonDecoder, ReadsEveryTypeOfTheExportTable) {
  const Case cases[] = {
      {R"("text")", R"({"S":"text"})"},
      {R"("")", R"({"S":""})"},
      {"\"gr\xC3\xBC\xC3\x9F\"", "{\"S\":\"gr\xC3\xBC\xC3\x9F\"}"},
      {"103.", R"({"N":"103"})"},
      {"6d2", R"({"N":"600"})"},
      {"2d3", R"({"N":"2000"})"},
      {"-1.5", R"({"N":"-1.5"})"},
      {"0.", R"({"N":"0"})"},
      {"-0.", R"({"N":"0"})"},
      {"0d300", R"({"N":"0"})"},
      {"1d-20", R"({"N":"0.00000000000000000001"})"},
      {"1D+2", R"({"N":"100"})"},
      {"1.5d1", R"({"N":"15"})"},
      {"1.50", R"({"N":"1.5"})"},
      {"12.d-1", R"({"N":"1.2"})"},
      {"0.00100", R"({"N":"0.001"})"},
      {"99999999999999999999999999999999999999.",
       R"({"N":"99999999999999999999999999999999999999"})"},
      {"1_000.2_5", R"({"N":"1000.25"})"},
      {"17", R"({"N":"17"})"},
      {"-17", R"({"N":"-17"})"},
      {"0", R"({"N":"0"})"},
      {"-0", R"({"N":"0"})"},
      {"0xFf_00", R"({"N":"65280"})"},
      {"-0x10", R"({"N":"-16"})"},
      {"0b1_01", R"({"N":"5"})"},
      {"0B0", R"({"N":"0"})"},
      {"{{aGVsbG8=}}", R"({"B":"aGVsbG8="})"},
      {"{{ aGVs\n bG8= }}", R"({"B":"aGVsbG8="})"},
      {"{{}}", R"({"B":""})"},
      {"{{  }}", R"({"B":""})"},
      {"true", R"({"BOOL":true})"},
      {"false", R"({"BOOL":false})"},
      {"null", R"({"NULL":true})"},
      {"null.null", R"({"NULL":true})"},
      {"null.decimal", R"({"NULL":true})"},
      {"null.struct", R"({"NULL":true})"},
      {"null.sexp", R"({"NULL":true})"},
      {"[]", R"({"L":[]})"},
      {R"([1., "b", [null]])", R"({"L":[{"N":"1"},{"S":"b"},{"L":[{"NULL":true}]}]})"},
      {"[1.,]", R"({"L":[{"N":"1"}]})"},
      {"{}", R"({"M":{}})"},
      {"{b:{c:true},}", R"({"M":{"b":{"M":{"c":{"BOOL":true}}}}})"},
      {R"($dynamodb_SS::["x","y"])", R"({"SS":["x","y"]})"},
      {R"($dynamodb_SS::[""])", R"({"SS":[""]})"},
      {R"($dynamodb_SS :: ["x",])", R"({"SS":["x"]})"},
      {R"('$dynamodb_SS'::["x"])", R"({"SS":["x"]})"},
      {"$dynamodb_NS::[1.,2d1,-0.5]", R"({"NS":["1","20","-0.5"]})"},
      {"$dynamodb_BS::[{{AQ==}},{{Ag==}}]", R"({"BS":["AQ==","Ag=="]})"},
  };
  for (const Case& c : cases) EXPECT_EQ(decode_value(c.ion), c.json) << c.ion;
}

TEST(IonDecoder, ReadsEscapesAndLongStrings) {
  const Case cases[] = {
      {R"("\a\b\t\n\v\f\r\"\'\/\?\\")",
       "{\"S\":\"\\u0007\\u0008\\t\\n\\u000b\\u000c\\r\\\"'/?\\\\\"}"},
      {R"("a\0b")", R"({"S":"a\u0000b"})"},
      {R"("\x41\xe9\u00e9\U0001F600")", "{\"S\":\"A\xC3\xA9\xC3\xA9\xF0\x9F\x98\x80\"}"},
      {R"("\uD83D\uDE00")", "{\"S\":\"\xF0\x9F\x98\x80\"}"},
      {"\"one \\\ntwo\"", R"({"S":"one two"})"},
      {"\"one \\\r\ntwo\"", R"({"S":"one two"})"},
      {"\"a\tb\"", R"({"S":"a\tb"})"},
      {"'''a'''", R"({"S":"a"})"},
      {"''''''", R"({"S":""})"},
      {"'''it's''' /* and */ ''' ''fine'' '''", R"({"S":"it's ''fine'' "})"},
      {"'''a\r\nb\rc\nd\\ne'''", R"({"S":"a\nb\nc\nd\ne"})"},
  };
  for (const Case& c : cases) EXPECT_EQ(decode_value(c.ion), c.json) << c.ion;
}

TEST(IonDecoder, ReadsFieldNamesInEverySpelling) {
  EXPECT_EQ(
      decode(
          R"({bare_1:1,$x:2,'my attr':3,"quoted":4,'''lo''' '''ng''':5,'null':6,'it\'s':7,'':8})",
          ""),
      R"({"bare_1":{"N":"1"},"$x":{"N":"2"},"my attr":{"N":"3"},"quoted":{"N":"4"},"long":{"N":"5"},)"
      R"("null":{"N":"6"},"it's":{"N":"7"},"":{"N":"8"}})");
  EXPECT_EQ(decode("{$4:1}", ""), R"({"name":{"N":"1"}})");
  EXPECT_EQ(decode("{'$4':1}", ""), R"({"$4":{"N":"1"}})");
  EXPECT_THAT(decode("{$10:1}", ""), HasSubstr("byte 1: a symbol number without"));
  EXPECT_THAT(decode("{$0:1}", ""), HasSubstr("byte 1: a symbol number without"));
  EXPECT_THAT(decode("{true:1}", ""), HasSubstr("byte 1: a reserved word must be quoted"));
}

TEST(IonDecoder, ReadsLinesAsTheServiceWritesThem) {
  EXPECT_EQ(decode(R"($ion_1_0 {Item:{pk:"a",n:1.}})"), R"({"pk":{"S":"a"},"n":{"N":"1"}})");
  EXPECT_EQ(decode("{Item:{}}"), "{}");
  EXPECT_EQ(decode("$ion_1_0\n// a comment\n$ion_1_0 /* b */ $ion_symbol_table::{symbols:[\"x\"]}\n"
                   "{ 'Item' /**/ : { a : 1 // c\n } } // end"),
            R"({"a":{"N":"1"}})");
  EXPECT_EQ(decode("{Other:[1,{a:2}],Item:{b:true},More:null}"), R"({"b":{"BOOL":true}})");
  EXPECT_EQ(decode("{a:{}}\r\n", ""), R"({"a":{"M":{}}})");
}

TEST(IonDecoder, KeepsWholesomeBytesWhereTheyAre) {
  const std::string text = R"({Item:{name:"plain",n:12.5,m:7.}})";
  IonDecoder decoder;
  ItemBatch batch;
  auto root = decoder.decode_item(text, "Item", batch);
  ASSERT_TRUE(root.ok());
  const ItemView item(&batch.nodes()[*root]);
  const auto inside = [&](std::string_view part) {
    return part.data() >= text.data() && part.data() + part.size() <= text.data() + text.size();
  };
  for (ValueView value : item) {
    EXPECT_TRUE(inside(value.name()));
    EXPECT_TRUE(inside(value.bytes())) << value.bytes();
  }
  EXPECT_EQ(batch.arena.bytes_held(), 0u);
}

TEST(IonDecoder, RefusesWhatHasNoDynamoDbType) {
  const Case cases[] = {
      {"1e3", "! byte 19: an Ion float has no DynamoDB type"},
      {"nan", "! byte 18: an Ion float has no DynamoDB type"},
      {"+inf", "! byte 18: an Ion float has no DynamoDB type"},
      {"-inf", "! byte 19: an Ion float has no DynamoDB type"},
      {"2007-02-23T", "! byte 22: an Ion timestamp has no DynamoDB type"},
      {"2007T", "! byte 22: an Ion timestamp has no DynamoDB type"},
      {"hello", "! byte 18: an Ion symbol has no DynamoDB type"},
      {"'hello'", "! byte 18: an Ion symbol has no DynamoDB type"},
      {"truex", "! byte 18: an Ion symbol has no DynamoDB type"},
      {R"({{"clob"}})", "! byte 18: an Ion clob has no DynamoDB type"},
      {"(+ 1 2)", "! byte 18: an Ion s-expression has no DynamoDB type"},
      {"euro::[1.]", "! byte 18: the annotation is none of DynamoDB's sets"},
      {"$dynamodb_SS::$dynamodb_SS::[\"a\"]", "! byte 32: expected the list of a set"},
      {"$dynamodb_SS::[1.]", "! byte 33: the set has a member of another type"},
      {"$dynamodb_NS::[null.decimal]", "! byte 33: the set has a member of another type"},
      {"$dynamodb_NS::[]", "! byte 32: a set must not be empty"},
      {"$dynamodb_NS::[1.,1.0]", "! byte 32: a set has one member twice"},
      {"{b:1,c:2,'b':3}", "! byte 18: a struct has two fields of one name"},
  };
  for (const Case& c : cases) EXPECT_EQ(decode_value(c.ion), c.json) << c.ion;
}

TEST(IonDecoder, RefusesBrokenText) {
  const Case cases[] = {
      {"", "! byte 0: the text holds no value"},
      {"$ion_1_0", "! byte 8: the text holds no value"},
      {"$ion_1_1 {Item:{}}", "! byte 0: expected one struct"},
      {"[1]", "! byte 0: expected one struct"},
      {"{{AA==}}", "! byte 0: expected one struct"},
      {"{Item:{}} {Item:{}}", "! byte 10: expected the end of the text after one struct"},
      {"{Item:{},Item:{}}", "! byte 14: the item's member occurs twice"},
      {"{Itm:{}}", "! byte 8: the struct has no member 'Item'"},
      {"{Item:[]}", "! byte 6: expected a struct"},
      {"{Item:{a 1}}", "! byte 9: expected ':' after a field name"},
      {"{Item:{a:}}", "! byte 9: expected a value"},
      {"{Item:{a:1 b:2}}", "! byte 11: expected ',' or '}' in a struct"},
      {"{Item:{,}}", "! byte 7: expected a field name or '}'"},
      {"{Item:{a:[1 2]}}", "! byte 12: expected ',' or ']' in a list"},
      {"{Item:{a:[,]}}", "! byte 10: expected a value"},
      {"{Item:{a:01}}", "! byte 9: a number does not begin with 0"},
      {"{Item:{a:1_}}", "! byte 10: expected the end of a number"},
      {"{Item:{a:1__0}}", "! byte 10: expected the end of a number"},
      {"{Item:{a:1x}}", "! byte 10: expected the end of a number"},
      {"{Item:{a:1d}}", "! byte 11: expected the digits of an exponent"},
      {"{Item:{a:-}}", "! byte 10: expected a digit"},
      {"{Item:{a:.5}}", "! byte 9: expected a value"},
      {"{Item:{a:0x}}", "! byte 11: expected a digit"},
      {"{Item:{a:0x1_}}", "! byte 12: expected a digit"},
      {"{Item:{a:0b2}}", "! byte 11: expected a digit"},
      {"{Item:{a:null.text}}", "! byte 14: expected an Ion type after 'null.'"},
      {R"({Item:{a:"b}})", "! byte 13: the closing quote is missing"},
      {"{Item:{a:\"\n\"}}", "! byte 10: a control character inside quotes must be escaped"},
      {R"({Item:{a:"\q"}})", "! byte 10: this escape does not exist in Ion"},
      {R"({Item:{a:"\u12"}})", "! byte 14: expected a hexadecimal digit of an escape"},
      {R"({Item:{a:"\uD800x"}})", "! byte 10: half of a surrogate pair"},
      {R"({Item:{a:"\uDC00"}})", "! byte 10: half of a surrogate pair"},
      {R"({Item:{a:"\uD800\u0041"}})", "! byte 10: half of a surrogate pair"},
      {R"({Item:{a:"\U00110000"}})", "! byte 10: the escape is beyond Unicode"},
      {"{Item:{a:'''b}}", "! byte 15: the closing ''' is missing"},
      {"{Item:{a:{{A}}}}", "! byte 9: the blob is not base64"},
      {"{Item:{a:{{AA==}", "! byte 15: the closing }} is missing"},
      {"{Item:{a:{{AA /**/ ==}}}}", "! byte 9: the blob is not base64"},
      {"{Item:{} /* }", "! byte 9: the comment has no end"},
      {"{Item:{a:\"\xff\"}}", "! byte 10: not UTF-8"},
      {"{Item:{a:\"\xC3\xBC\xC3\"}}", "! byte 12: not UTF-8"},
      {"{Item:{a:1d126}}",
       "! byte 9: Number overflow. Attempting to store a number with magnitude larger than "
       "supported range"},
      {"{Item:{a:1d99999999999999999999}}",
       "! byte 9: Number overflow. Attempting to store a number with magnitude "
       "larger than supported range"},
      {"{Item:{a:1d-131}}",
       "! byte 9: Number underflow. Attempting to store a number with magnitude smaller than "
       "supported range"},
      {"{Item:{a:123456789012345678901234567890123456789.}}",
       "! byte 9: Attempting to store more than 38 significant digits in a Number"},
      {"{Item:{a:0xffffffffffffffffffffffffffffffffff}}",
       "! byte 9: more than 38 significant digits in a number"},
  };
  for (const Case& c : cases) EXPECT_EQ(decode(c.ion), c.json) << c.ion;
}

TEST(IonDecoder, FindsADuplicateAmongManyFields) {
  std::string text = "{";
  for (int i = 0; i < 100; ++i) text += "f" + std::to_string(i) + ":1,";
  EXPECT_THAT(decode(text + "}", ""), HasSubstr("\"f99\""));
  EXPECT_THAT(decode(text + "f50:2}", ""),
              HasSubstr("byte 0: a struct has two fields of one name"));
}

TEST(IonDecoder, BoundsTheDepth) {
  const auto nested = [](int lists) {
    return "{a:" + std::string(lists, '[') + std::string(lists, ']') + "}";
  };
  EXPECT_THAT(decode(nested(kDepthMax - 1), ""), HasSubstr("[]"));
  EXPECT_THAT(decode(nested(kDepthMax), ""), HasSubstr("the value is nested too deeply"));
  EXPECT_THAT(decode(nested(1'000'000), ""), HasSubstr("the value is nested too deeply"));
}

TEST(IonDecoder, AFailureKeepsEarlierItems) {
  IonDecoder decoder;
  ItemBatch batch;
  auto root = decoder.decode_item("{Item:{a:1}}", "Item", batch);
  ASSERT_TRUE(root.ok());
  batch.add_root(*root, 0);
  EXPECT_FALSE(decoder.decode_item("{Item:{b:[1,2,{c:", "Item", batch).ok());
  EXPECT_EQ(batch.nodes().size(), 2u);
  std::string out;
  append_item_json(batch.item(0), out);
  EXPECT_EQ(out, R"({"a":{"N":"1"}})");
}

struct RecordText {
  std::string keys = "-", new_image = "-", old_image = "-";
  uint64_t micros = 0;
};
Result<RecordText> decode_record(std::string_view text) {
  IonDecoder decoder;
  ItemBatch batch;
  IonRecord record = TRY(decoder.decode_record(text, batch));
  const auto print = [&](const std::optional<uint32_t>& root) {
    std::string out = root ? "" : "-";
    if (root) append_item_json(ItemView(&batch.nodes()[*root]), out);
    return out;
  };
  return RecordText{print(record.keys), print(record.new_image), print(record.old_image),
                    record.write_timestamp_micros.value_or(0)};
}

TEST(IonDecoder, ReadsChangeRecords) {
  const std::string body = R"({Metadata:{WriteTimestampMicros:1768387643192366.},Keys:{pk:"a"},)"
                           R"(OldImage:{pk:"a",n:1.},NewImage:{pk:"a",n:2.}})";
  for (const std::string& text : {"$ion_1_0 " + body, "$ion_1_0 {Record:" + body + "}"}) {
    auto record = decode_record(text);
    ASSERT_TRUE(record.ok()) << record.error().message();
    EXPECT_EQ(record->keys, R"({"pk":{"S":"a"}})");
    EXPECT_EQ(record->old_image, R"({"pk":{"S":"a"},"n":{"N":"1"}})");
    EXPECT_EQ(record->new_image, R"({"pk":{"S":"a"},"n":{"N":"2"}})");
    EXPECT_EQ(record->micros, 1768387643192366u);
  }
  auto deletion = decode_record(R"({Record:{Keys:{pk:"a"},NewImage:null.struct}})");
  ASSERT_TRUE(deletion.ok());
  EXPECT_EQ(deletion->new_image, "-");
  EXPECT_EQ(deletion->old_image, "-");
  for (std::string_view time : {"7", "7.", "{N:\"7\"}", "{N:7.}", "\"7\""}) {
    auto record =
        decode_record("{Keys:{},Metadata:{WriteTimestampMicros:" + std::string(time) + "}}");
    ASSERT_TRUE(record.ok()) << time << record.error().message();
    EXPECT_EQ(record->micros, 7u) << time;
  }
}

TEST(IonDecoder, RefusesBrokenChangeRecords) {
  for (std::string_view text :
       {"{Record:{NewImage:{}}}", "{Record:{Record:{Keys:{}}}}", "{Keys:{},Keys:{}}", "{Keys:[]}",
        "{Record:1}", "{Keys:{},Metadata:{WriteTimestampMicros:1.5}}",
        "{Keys:{},Metadata:{WriteTimestampMicros:{N:\"x\"}}}",
        "{Keys:{},Metadata:{WriteTimestampMicros:{{AA==}}}}"}) {
    auto record = decode_record(text);
    ASSERT_FALSE(record.ok()) << text;
    EXPECT_EQ(record.error().kind(), ErrorKind::kBadItem);
  }
}

}  // namespace
}  // namespace offramp::ddb::ion
