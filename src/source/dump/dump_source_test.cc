#include "source/dump/dump_source.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/stat.h>

#include "source/test_support.h"

namespace offramp::source::dump {
namespace {

using testing::ReadAll;
using testing::TempDir;
using Items = std::vector<std::string>;

std::unique_ptr<ItemSource> open_ok(const std::string& path,
                                    ddb::JsonForm form = ddb::JsonForm::kTyped) {
  auto source = open_dump({path, form, ""});
  if (!source.ok()) throw std::runtime_error(source.error().message());
  return std::move(*source);
}

ReadAll read_text(const std::string& text, ddb::JsonForm form = ddb::JsonForm::kTyped) {
  TempDir dir;
  testing::write_file(dir.file("dump"), text);
  return testing::read_source(*open_ok(dir.file("dump"), form));
}

const Items kTwo{R"({"pk":{"S":"a"}})", R"({"pk":{"S":"b"}})"};

TEST(DumpSource, KnownFormsGiveTheSameItems) {
  for (
      const char* text : {
          "{\"pk\":{\"S\":\"a\"}}\n{\"pk\":{\"S\":\"b\"}}\n",
          "{\"pk\":{\"S\":\"a\"}}\n\n  {\"pk\":{\"S\":\"b\"}}",
          "\xef\xbb\xbf{\"pk\":{\"S\":\"a\"}}\r\n{\"pk\":{\"S\":\"b\"}}\r\n",
          "{\"Item\":{\"pk\":{\"S\":\"a\"}}}\n{\"Item\":{\"pk\":{\"S\":\"b\"}},"
          "\"ConsumedCapacity\":null}\n",
          "{\"pk\":{\"S\":\"a\"}}{\"pk\":{\"S\":\"b\"}}",
          "{\n \"Item\": {\n \"pk\": {\"S\":\"a\"}\n }\n}\n{\n \"Item\": {\n \"pk\": "
          "{\"S\":\"b\"}\n }\n}\n",
          "[{\"pk\":{\"S\":\"a\"}},{\"pk\":{\"S\":\"b\"}}]",
          "[\n  {\"Item\":{\"pk\":{\"S\":\"a\"}}},\n  {\"pk\":\n{\"S\":\"b\"}}\n]\n",
          R"({"Items":[{"pk":{"S":"a"}},{"pk":{"S":"b"}}],"Count":2,"ScannedCount":2,"ConsumedCapacity":null})",
          R"({"Count":2,"Items":[{"pk":{"S":"a"}},{"pk":{"S":"b"}}],"LastEvaluatedKey":{"pk":{"S":"b"}}})",
          R"({"ConsumedCapacity":{"CapacityUnits":1},"Items":[{"pk":{"S":"a"}},{"pk":{"S":"b"}}]})",
          R"({"LastEvaluatedKey":{"pk":{"S":"b"}},"Items":[{"pk":{"S":"a"}},{"pk":{"S":"b"}}]})",
          "{\"Items\":[{\"pk\":{\"S\":\"a\"}}],\"Count\":1}\n{\"Items\":[],\"Count\":0}\n{"
          "\"Items\":[{\"pk\":{\"S\":\"b\"}}],\"Count\":1}\n",
          R"([{"Items":[{"pk":{"S":"a"}}]},{"Items":[{"pk":{"S":"b"}}]}])",
          R"({"Table":[{"PutRequest":{"Item":{"pk":{"S":"a"}}}},{"PutRequest":{"Item":{"pk":{"S":"b"}}}}]})",
          R"({"RequestItems":{"Table":[{"PutRequest":{"Item":{"pk":{"S":"a"}}}},{"PutRequest":{"Item":{"pk":{"S":"b"}}}}]}})",
          "{\"Table\":[{\"PutRequest\":{\"Item\":{\"pk\":{\"S\":\"a\"}}}}]}\n{\"Table\":[{"
          "\"PutRequest\":{\"Item\":{\"pk\":{\"S\":\"b\"}}}}]}\n",
          "{\"PutRequest\":{\"Item\":{\"pk\":{\"S\":\"a\"}}}}\n{\"PutRequest\":{\"Item\":{\"pk\":{"
          "\"S\":\"b\"}}}}\n",
          "{\"pk\":{\"S\":\"a\"}}\n{\n  \"Items\": [\n    {\"pk\":{\"S\":\"b\"}}\n  ]\n}\n",
      }) {
    ReadAll all = read_text(text);
    EXPECT_FALSE(all.error) << text << "\n" << all.error->message();
    EXPECT_TRUE(all.bad.empty()) << text;
    EXPECT_EQ(all.items, kTwo) << text;
  }
}

TEST(DumpSource, AttributesCalledLikeWrappersStayAttributes) {
  for (const char* text :
       {R"({"Item":{"S":"x"}})", R"({"Item":{"M":{"S":{"S":"x"}}},"pk":{"S":"a"}})",
        R"({"Items":{"L":[{"S":"x"}]}})", R"({"PutRequest":{"M":{}}})",
        R"({"DeleteRequest":{"S":"x"}})", R"({"RequestItems":{"M":{"a":{"L":[]}}}})",
        R"({"ConsumedCapacity":{"N":"1"}})", R"({"LastEvaluatedKey":{"M":{"pk":{"S":"x"}}}})"}) {
    for (const std::string& form :
         {std::string(text) + "\n" + text + "\n", "[" + std::string(text) + "," + text + "]"}) {
      ReadAll all = read_text(form);
      EXPECT_FALSE(all.error) << form << all.error->message();
      EXPECT_EQ(all.items, (Items{text, text})) << form;
    }
  }
  // An item whose attributes are called like type tags, in a wrapper.
  EXPECT_EQ(read_text(R"({"Item":{"S":{"S":"x"},"M":{"M":{}}}})").items,
            Items{R"({"M":{"M":{}},"S":{"S":"x"}})"});
}

TEST(DumpSource, PlainItemsKnowOnlyArraysAndLines) {
  Items expected{R"({"Item":{"M":{"a":{"N":"1"}}}})", R"({"Items":{"L":[{"S":"x"}]}})"};
  for (const char* text : {"{\"Item\":{\"a\":1}}\n{\"Items\":[\"x\"]}\n",
                           "[{\"Item\":{\"a\":1}},{\"Items\":[\"x\"]}]"})
    EXPECT_EQ(read_text(text, ddb::JsonForm::kPlain).items, expected);
}

TEST(DumpSource, PlainJsonWithoutTheFlagIsWrongUse) {
  TempDir dir;
  testing::write_file(dir.file("d"), R"({"pk":"a"})");
  auto source = open_dump({dir.file("d"), ddb::JsonForm::kTyped, ""});
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().kind(), ErrorKind::kConfig);
  EXPECT_NE(source.error().message().find("--plain"), std::string::npos);
  testing::write_file(dir.file("t"), R"({"pk":{"S":"a"}})");
  EXPECT_EQ(open_ok(dir.file("t"), ddb::JsonForm::kPlain)->remarks().size(), 1u);
  testing::write_file(dir.file("x"), "hello");
  EXPECT_EQ(open_dump({dir.file("x"), ddb::JsonForm::kTyped, ""}).error().code(), "dump.not_json");
}

TEST(DumpSource, C7_MalformedLinesAreKeptWholeAndSwallowNothing) {
  std::string text =
      "{\"pk\":{\"S\":\"a\"}}\n"
      "{\"pk\":{\"S\":\"x\"}\n"      // brace missing
      "{\"pk\":{\"S\":\"open}}\n"    // string without an end
      "{\"pk\":{\"S\":\"\xff\"}}\n"  // not UTF-8
      "{\"pk\":{\"X\":\"a\"}}\n"     // no such type
      "hello\n"
      "{\"pk\":{\"S\":\"b\"}}\n";
  ReadAll all = read_text(text);
  EXPECT_FALSE(all.error);
  EXPECT_EQ(all.items, kTwo);
  ASSERT_EQ(all.bad.size(), 5u);
  EXPECT_EQ(all.bad[0].raw, "{\"pk\":{\"S\":\"x\"}");
  EXPECT_EQ(all.bad[0].ordinal, 1u);
  EXPECT_EQ(all.bad[2].raw, "{\"pk\":{\"S\":\"\xff\"}}");
  EXPECT_EQ(all.bad[4].raw, "hello");
  EXPECT_EQ(all.bad[4].error.kind(), ErrorKind::kBadItem);
  EXPECT_NE(all.bad[4].error.message().find("record 5, byte 86"), std::string::npos)
      << all.bad[4].error.message();
}

TEST(DumpSource, ABadItemInAPageIsOneBadRecord) {
  ReadAll all =
      read_text(R"({"Items":[{"pk":{"S":"a"}},{"pk":{"N":"abc"}},{"pk":{"S":"b"}}],"Count":3})");
  EXPECT_FALSE(all.error);
  EXPECT_EQ(all.items, kTwo);
  ASSERT_EQ(all.bad.size(), 1u);
  EXPECT_EQ(all.bad[0].raw, R"({"pk":{"N":"abc"}})");
}

TEST(DumpSource, C6_ABrokenOffFileIsCorruptAfterItsGoodItems) {
  std::string page = R"({"Items":[{"pk":{"S":"a"}},{"pk":{"S":"b"}}],"Count":2})";
  for (size_t size = 1; size < page.size(); ++size) {
    ReadAll all = read_text(page.substr(0, size));
    ASSERT_TRUE(all.error) << size;
    EXPECT_EQ(all.error->kind(), ErrorKind::kCorrupt) << size;
    EXPECT_EQ(all.items.size(), size < 26   ? 0u
                                : size < 43 ? 1u
                                            : 2u)
        << size << all.error->message();
  }
  std::string lines = "{\"pk\":{\"S\":\"a\"}}\n{\"pk\":{\"S\":\"b\"}}";
  for (size_t size = 19; size < lines.size(); ++size) {
    ReadAll all = read_text(lines.substr(0, size));
    ASSERT_TRUE(all.error) << size;
    EXPECT_EQ(all.error->code(), "dump.truncated");
    EXPECT_EQ(all.items.size(), 1u);
  }
  EXPECT_EQ(read_text(R"([{"pk":{"S":"a"}} 17])").error->code(), "dump.bad_structure");
}

TEST(DumpSource, ATruncatedGzipIsCorruptAfterItsGoodItems) {
  TempDir dir;
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "{\"pk\":{\"N\":\"" + std::to_string(i) + "\"}}\n";
  std::string gz = testing::gzip(text);
  testing::write_file(dir.file("d.gz"), gz.substr(0, gz.size() / 2));
  ReadAll all = testing::read_source(*open_ok(dir.file("d.gz")));
  ASSERT_TRUE(all.error);
  EXPECT_EQ(all.error->code(), "gz.truncated");
  EXPECT_GT(all.items.size(), 500u);
  EXPECT_EQ(all.items[499], R"({"pk":{"N":"499"}})");
}

TEST(DumpSource, DeletionsAndSecondTablesAreRefused) {
  ReadAll all = read_text(
      R"({"T":[{"PutRequest":{"Item":{"pk":{"S":"a"}}}},{"DeleteRequest":{"Key":{"pk":{"S":"a"}}}}]})");
  ASSERT_TRUE(all.error);
  EXPECT_EQ(all.error->code(), "dump.delete_request");
  EXPECT_EQ(all.items.size(), 1u);
  all = read_text(R"({"One":[{"PutRequest":{"Item":{"pk":{"S":"a"}}}}],"Two":[]})");
  ASSERT_TRUE(all.error);
  EXPECT_EQ(all.error->code(), "dump.two_tables");
}

TEST(DumpSource, DescribesWhatTheFileSays) {
  TempDir dir;
  testing::write_file(dir.file("b"), R"({"Orders":[{"PutRequest":{"Item":{"pk":{"S":"a"}}}}]})");
  auto source = open_ok(dir.file("b"));
  EXPECT_EQ(source->describe()->name, "Orders");
  EXPECT_FALSE(source->describe()->key);
  testing::write_file(dir.file("e"), "");
  source = open_ok(dir.file("e"));
  EXPECT_EQ(source->remarks().size(), 1u);
  EXPECT_TRUE(testing::read_source(*source).items.empty());
}

TEST(DumpSource, C10_APageLargerThanAnyWindowStreams) {
  std::string text = "{\n  \"Items\": [";
  Items expected;
  for (int i = 0; i < 20'000; ++i) {
    std::string number = std::to_string(i);
    text += (i ? ",\n" : "\n");
    text += "    {\n      \"pk\": {\n        \"N\": \"" + number +
            "\"\n      },\n      \"t\": {\n        \"S\": \"" +
            std::string(static_cast<size_t>(i % 97), '}') + "\\\"\"\n      }\n    }";
    expected.push_back("{\"pk\":{\"N\":\"" + number + "\"},\"t\":{\"S\":\"" +
                       std::string(static_cast<size_t>(i % 97), '}') + "\\\"\"}}");
  }
  text += "\n  ],\n  \"Count\": 20000\n}\n";
  ReadAll all = read_text(text);
  EXPECT_FALSE(all.error);
  EXPECT_EQ(all.items, expected);
}

TEST(DumpSource, AnItemLargerThanAWindowComesWhole) {
  std::string big(900'000, 'y');
  ReadAll all =
      read_text("{\"pk\":{\"S\":\"a\"},\"t\":{\"S\":\"" + big + "\"}}\n{\"pk\":{\"S\":\"b\"}}\n");
  ASSERT_EQ(all.items.size(), 2u);
  EXPECT_GT(all.items[0].size(), big.size());
}

TEST(DumpSource, C9_ResumeFromEveryPositionGivesTheRest) {
  TempDir dir;
  std::string lines, page = "{\"Items\":[";
  for (int i = 0; i < 9000; ++i) {
    std::string item =
        i % 1000 == 7 ? R"({"pk":{"N":"bad"}})" : "{\"pk\":{\"N\":\"" + std::to_string(i) + "\"}}";
    lines += item + "\n";
    page += (i ? "," : "") + item;
  }
  page += "]}";
  for (const std::string& text : {lines, page}) {
    testing::write_file(dir.file("d.gz"), testing::gzip(text));
    auto source = open_ok(dir.file("d.gz"));
    Partition partition = source->partitions()->at(0);
    ReadAll whole = testing::read_partition(*source, partition);
    ASSERT_EQ(whole.items.size(), 8991u);
    ASSERT_GT(whole.positions.size(), 5u);
    for (size_t i = 0; i < whole.positions.size(); ++i) {
      ReadAll rest = testing::read_partition(*source, partition, whole.positions[i]);
      EXPECT_FALSE(rest.error);
      Items expected(whole.items.begin() + static_cast<std::ptrdiff_t>(whole.items_at[i]),
                     whole.items.end());
      EXPECT_EQ(rest.items, expected);
    }
    // A position inside a batch (a target may commit less than a batch) and one of another file.
    model::Position odd{1500, "", false};
    EXPECT_EQ(testing::read_partition(*source, partition, odd).ordinals.front(), 1500u);
    model::Position wrong = whole.positions[1];
    wrong.token = "12";
    EXPECT_EQ(testing::read_partition(*source, partition, wrong).error->code(),
              "dump.resume_mismatch");
    EXPECT_EQ(testing::read_partition(*source, partition, {99999, "", false}).error->code(),
              "dump.resume_mismatch");
  }
}

TEST(DumpSource, FingerprintChangesWithTheContent) {
  TempDir dir;
  testing::write_file(dir.file("d"), R"({"pk":{"S":"a"}})");
  std::string before = *open_ok(dir.file("d"))->fingerprint();
  EXPECT_EQ(*open_ok(dir.file("d"))->fingerprint(), before);
  testing::write_file(dir.file("d"), R"({"pk":{"S":"b"}})");
  EXPECT_NE(*open_ok(dir.file("d"))->fingerprint(), before);
}

TEST(DumpSource, StandardInputIsKeptForASecondReading) {
  TempDir dir;
  testing::write_file(dir.file("in"), R"({"pk":{"S":"a"}})");
  testing::write_file(dir.file("nothing"), "");
  int saved = ::dup(0);
  auto with_input = [&](const std::string& name) {
    int fd = ::open(dir.file(name).c_str(), O_RDONLY);
    ::dup2(fd, 0);
    ::close(fd);
    auto source = open_dump({"-", ddb::JsonForm::kTyped, dir.path().string()});
    ::dup2(saved, 0);
    return source;
  };
  EXPECT_EQ(with_input("nothing").error().code(), "dump.empty_stdin");
  auto first = with_input("in");
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(testing::read_source(**first).items, Items{R"({"pk":{"S":"a"}})"});
  struct stat info {};
  ASSERT_EQ(::stat(dir.file("stdin.dump").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  auto second = with_input("nothing");
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(*(*second)->fingerprint(), *(*first)->fingerprint());
  ::close(saved);
}

TEST(DumpSource, SetsWithDuplicateMembersCollapse) {
  EXPECT_EQ(read_text(R"({"pk":{"NS":["5.0","5.0","4.9"]}})").items,
            Items{R"({"pk":{"NS":["4.9","5"]}})"});
}

TEST(DumpSource, RealDumps) {
  fs::path dumps = testing::shared_data() / "dumps";
  struct Case {
    const char* name;
    ddb::JsonForm form;
    size_t items;
  };
  for (const Case& c : {Case{"persons.ddb-array.json", ddb::JsonForm::kTyped, 500},
                        Case{"game-player-items.plain.jsonl", ddb::JsonForm::kPlain, 835},
                        Case{"all-types-dynamodb.json", ddb::JsonForm::kTyped, 1},
                        Case{"users-dynamodb.jsonl", ddb::JsonForm::kTyped, 2},
                        Case{"products-dynamodb.jsonl", ddb::JsonForm::kTyped, 2}}) {
    ReadAll all = testing::read_source(*open_ok((dumps / c.name).string(), c.form));
    EXPECT_FALSE(all.error) << c.name << all.error->message();
    EXPECT_EQ(all.items.size(), c.items) << c.name;
    EXPECT_TRUE(all.bad.empty()) << c.name << " " << all.bad[0].error.message();
  }
}

RC_GTEST_PROP(DumpSourceProperty, AnyBytesEndInItemsOrAnError, ()) {
  static const std::vector<std::string> pieces{"{",
                                               "}",
                                               "[",
                                               "]",
                                               ",",
                                               ":",
                                               "\"",
                                               "\\",
                                               "\n",
                                               " ",
                                               "\"Items\":[",
                                               "\"Item\":{",
                                               "\"pk\":{\"S\":\"a\"}",
                                               "{\"pk\":{\"S\":\"a\"}}",
                                               "\"Count\":1",
                                               "{\"PutRequest\":",
                                               "\xff",
                                               "\"T\":[",
                                               "null"};
  auto picks =
      *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, static_cast<int>(pieces.size())));
  std::string text;
  for (int pick : picks) text += pieces[static_cast<size_t>(pick)];
  TempDir dir;
  testing::write_file(dir.file("d"), text);
  auto source = open_dump({dir.file("d"), ddb::JsonForm::kTyped, ""});
  if (!source.ok()) return;
  // Ends, and does not depend on where windows fall: the same text behind a long first item.
  ReadAll all = testing::read_source(**source);
  RC_ASSERT(all.items.size() + all.bad.size() <= text.size());
}

}  // namespace
}  // namespace offramp::source::dump
