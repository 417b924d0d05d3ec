// The plan file: what is written reads back the same; every mistake is named with its place.
#include "migrate/plan/plan.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>

#include "migrate/plan/mistakes.h"

namespace offramp::migrate::plan {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The example of the design, with what every plan needs beside it.
constexpr std::string_view kExample = R"YAML(version: 1
source:
  table: AppTable
  region: eu-west-1                  # endpoint: http://127.0.0.1:8000
  key: {PK: S, SK: S}
  load: {from: scan, segments: 8}
  capture: streams
  limits: {read_units_per_second: 500, items_per_hour: 100000, window: "22:00-06:00"}
target: postgresql://app@db.internal/app
tables:
  - match: "begins_with(SK, 'ORDER#')"
    into: orders
    key: {SK: "ORDER#{order_id}", PK: "CUSTOMER#{customer_id}"}
    columns:
      total:     {from: total, type: numeric}
      placed_at: {from: placedAt, type: timestamptz, format: iso-ms, sql_null: null}
      city:      {from: address.city, type: text}
      odd:       {from: [a.b, c], type: json}
      order_id:  {type: uuid}
      note:      text
    children:
      order_lines: {from: lines, ordinal: line_no, columns: {sku: {from: sku, type: text}, qty: {from: qty, type: bigint}}}
    indexes: [{columns: [placed_at]}]
    drop: [debug, [x.y, z]]
  - match: "attribute_exists(archivedAt)"
    skip: true
  - into: other
    extra: more
)YAML";

std::string messages(std::string_view yaml) {
  Result<Plan> plan = parse_plan(yaml, "plan.yaml");
  if (plan.ok()) return "no mistake";
  EXPECT_EQ(plan.error().kind(), ErrorKind::kConfig);
  return plan.error().message();
}

// The example with one text replaced.
std::string with(std::string_view from, std::string_view to) {
  std::string text(kExample);
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Plan, ReadsTheDesignsExample) {
  Result<Plan> read = parse_plan(kExample, "dir/plan.yaml");
  ASSERT_TRUE(read.ok()) << read.error().message();
  const Plan& plan = *read;
  EXPECT_EQ(plan.source.table, "AppTable");
  EXPECT_EQ(plan.source.load.from, LoadSpec::From::kScan);
  EXPECT_EQ(plan.source.load.segments, 8);
  EXPECT_EQ(plan.source.capture, "streams");
  EXPECT_EQ(plan.source.limits.read_units_per_second, 500);
  EXPECT_EQ(plan.source.limits.items_per_hour, 100000u);
  EXPECT_EQ(plan.source.limits.window, "22:00-06:00");
  EXPECT_EQ(plan.source.key.partition.name, "PK");
  ASSERT_TRUE(plan.source.key.sort);
  EXPECT_EQ(plan.source.key.sort->name, "SK");
  ASSERT_EQ(plan.tables.size(), 3u);
  const model::TableMapping& orders = plan.tables[0];
  EXPECT_EQ(orders.match, "begins_with(SK, 'ORDER#')");
  // In key schema order, whatever the order in the file.
  ASSERT_EQ(orders.key.size(), 2u);
  EXPECT_EQ(orders.key[0].pattern, "CUSTOMER#{customer_id}");
  EXPECT_EQ(orders.key[1].pattern, "ORDER#{order_id}");
  ASSERT_EQ(orders.columns.size(), 6u);
  EXPECT_EQ(orders.columns[1].time_format, model::TimeFormat::kIsoMs);
  EXPECT_EQ(orders.columns[1].null_means, model::NullMeans::kNullValue);
  EXPECT_EQ(orders.columns[1].at.line, 16);
  EXPECT_EQ(orders.columns[1].at.column, 7);
  EXPECT_EQ(orders.columns[2].from, (std::vector<std::string>{"address", "city"}));
  EXPECT_EQ(orders.columns[3].from, (std::vector<std::string>{"a.b", "c"}));
  EXPECT_TRUE(orders.columns[4].from.empty()) << "a key column has no attribute of its own";
  EXPECT_EQ(orders.columns[5].from, (std::vector<std::string>{"note"}));
  ASSERT_EQ(orders.children.size(), 1u);
  EXPECT_EQ(orders.children[0].ordinal, "line_no");
  EXPECT_EQ(orders.children[0].columns.size(), 2u);
  EXPECT_EQ(orders.drop, (std::vector<std::vector<std::string>>{{"debug"}, {"x.y", "z"}}));
  EXPECT_TRUE(plan.tables[1].skip);
  EXPECT_EQ(plan.tables[2].extra, "more");
}

TEST(Plan, WrittenPlanReadsBackTheSame) {
  Result<Plan> first = parse_plan(kExample, "plan.yaml");
  ASSERT_TRUE(first.ok());
  Plan& plan = *first;
  plan.source.indexes = {
      {"GSI1", {{"GSI1PK"}}, {{"GSI1SK", ddb::Type::kN}, {"x y"}}},
      {"L",
       {{"PK"}},
       {{"d", ddb::Type::kB}},
       true,
       model::SecondaryIndex::Projection::kInclude,
       {"a", "b c"}},
      {"K", {{"k"}}, {}, false, model::SecondaryIndex::Projection::kKeysOnly, {}}};
  plan.source.ttl_attribute = "expires at";
  plan.source.load = {LoadSpec::From::kExport, 0,     "s3://b/AWSDynamoDB/01-ab",
                      {"../inc 1", "null"},    false, "http://127.0.0.1:9000"};
  plan.tables[0].columns.push_back(
      {"nu\"ll\n", {"na\\me\t", "é😀", "a.b"}, model::ColumnType::kTextArray});
  plan.tables[0].columns.push_back(
      {"true", {"null"}, model::ColumnType::kTimestamptz, model::TimeFormat::kEpochMs});
  plan.tables[0].columns.push_back({"hash", {"#a: b"}, model::ColumnType::kBytea});
  plan.tables[0].indexes.push_back({"by city", {"city", "true"}});
  plan.tables[2].match = "#a = 'it''s'";
  PlanComments comments;
  comments.header = {"first", "", "second: #{x}"};
  comments.tables = {{{"orders\nof: all"}, {{"total", "in € # cents"}}}};

  std::string text = write_plan(plan, comments);
  Result<Plan> second = parse_plan(text, "plan.yaml");
  ASSERT_TRUE(second.ok()) << second.error().message() << "\n" << text;
  EXPECT_EQ(write_plan(*second, comments), text);
  // Not only stable text: the facts themselves.
  EXPECT_EQ(second->source.load, plan.source.load);
  EXPECT_EQ(second->source.limits, plan.source.limits);
  EXPECT_EQ(second->source.key, plan.source.key);
  EXPECT_EQ(second->source.ttl_attribute, plan.source.ttl_attribute);
  EXPECT_EQ(second->source.indexes, plan.source.indexes);
  ASSERT_EQ(second->tables.size(), plan.tables.size());
  for (size_t t = 0; t < plan.tables.size(); ++t) {
    const model::TableMapping &a = plan.tables[t], &b = second->tables[t];
    EXPECT_EQ(a.match, b.match);
    EXPECT_EQ(a.into, b.into);
    EXPECT_EQ(a.skip, b.skip);
    EXPECT_EQ(a.drop, b.drop);
    EXPECT_EQ(a.extra, b.extra);
    ASSERT_EQ(a.columns.size(), b.columns.size());
    for (size_t c = 0; c < a.columns.size(); ++c) {
      EXPECT_EQ(a.columns[c].name, b.columns[c].name);
      EXPECT_EQ(a.columns[c].from, b.columns[c].from);
      EXPECT_EQ(a.columns[c].type, b.columns[c].type);
      EXPECT_EQ(a.columns[c].time_format, b.columns[c].time_format);
      EXPECT_EQ(a.columns[c].null_means, b.columns[c].null_means);
    }
    ASSERT_EQ(a.indexes.size(), b.indexes.size());
    for (size_t i = 0; i < a.indexes.size(); ++i) {
      EXPECT_EQ(a.indexes[i].name, b.indexes[i].name);
      EXPECT_EQ(a.indexes[i].columns, b.indexes[i].columns);
    }
  }
}

struct MistakeCase {
  const char* from;
  const char* to;
  const char* expected;
};

TEST(Plan, EachMistakeIsNamedWithItsPlaceAndTheNearestName) {
  const MistakeCase cases[] = {
      {"version: 1", "version: 2", "plan.yaml:1:10: version 2 is not known"},
      {"region:", "regoin:", "4:3: unknown key 'regoin' in source; did you mean 'region'?"},
      {"segments: 8", "segments: many", "source.load.segments must be a whole number"},
      {"segments: 8", "segments: 0", "from 1 to 1000000"},
      {"from: scan", "from: scna", "did you mean 'scan'?"},
      {"from: scan, segments: 8", "from: export", "needs `path`"},
      {"from: scan, segments: 8", "from: dump, path: x, then: [y]", "goes with `from: export`"},
      {"capture: streams", "capture: kinesis", "source.capture cannot be 'kinesis'"},
      {"22:00-06:00", "22:00-26:00", "source.limits.window must look like"},
      {"read_units_per_second: 500", "read_units_per_second: -5", "must be a number above 0"},
      {"key: {PK: S, SK: S}", "key: {PK: S, SK: SS}", "must be S, N or B, not 'SS'"},
      {"  key: {PK: S, SK: S}\n", "", "source needs `key`"},
      {"key: {SK: \"ORDER", "key: {SKK: \"ORDER", "'SKK' is not a key attribute of the source"},
      {"key: {SK: \"ORDER", "key: {SKK: \"ORDER", "leaves out the key attribute 'SK'"},
      {"ORDER#{order_id}", "ORDER#{order_id", "'{' is not closed"},
      {"ORDER#{order_id}", "ORDER#{a}{b}", "two placeholders touch"},
      {"ORDER#{order_id}", "ORDER#{}", "a placeholder needs a name"},
      {"type: numeric", "type: numberic",
       "column 'total': 'numberic' is not a column type; did you "
       "mean 'numeric'?"},
      {"type: numeric", "typ: numeric",
       "unknown key 'typ' in column 'total'; did you mean 'type'?"},
      {"format: iso-ms", "format: rfc3339", "is not a time format; valid: iso, iso-ms"},
      {"sql_null: null", "sql_null: nil", "sql_null cannot be 'nil'"},
      {"city:      {", "total: {", "'total' comes twice in columns"},
      {"city:      {", "Total: {", "differ only in case"},
      {"address.city", "address..city", "has an empty name"},
      {"into: other", "into: Orders", "table 'Orders' is already made by the entry at line 11"},
      {"into: other", "into: order_lines", "already made"},
      {"skip: true", "skip: true\n    into: x", "`into` has no meaning with `skip: true`"},
      {"skip: true", "skip: maybe", "a table.skip must be true or false"},
      {"skip: true", "drop: []", "needs `into`"},
      {"drop: [debug, [x.y, z]]", "drop: debug", "`drop` must be a list"},
      {"indexes: [{columns: [placed_at]}]", "indexes: [{column: [placed_at]}]",
       "unknown key 'column' in an index; did you mean 'columns'?"},
      {"table: AppTable", "table: a/b", "cannot be a DynamoDB table"},
      {"target: postgresql://app@db.internal/app", "target: here", "is not a URL"},
      {"region: eu-west-1", "endpoint: ftp://x", "must begin with http://"},
  };
  for (const MistakeCase& c : cases)
    EXPECT_THAT(messages(with(c.from, c.to)), HasSubstr(c.expected));
}

TEST(Plan, C12_PasswordsAreRefusedAndNotRepeated) {
  for (const char* url :
       {"postgresql://app:hunter2@db/app", "postgresql://db/app?user=a&password=hunter2",
        "postgresql://app:hun/hunter2@db/app", "\"postgresql:host=x password = hunter2\"",
        "postgresql://db/app?sslPassword=hunter2"}) {
    std::string text = messages(with("postgresql://app@db.internal/app", url));
    EXPECT_THAT(text, HasSubstr("PGPASSWORD")) << url;
    EXPECT_THAT(text, Not(HasSubstr("hunter2"))) << url;
  }
  for (const char* url :
       {"postgresql://app@db:5432/app", "postgresql://db:5432/password", "sqlite:a@b:c"})
    EXPECT_EQ(messages(with("postgresql://app@db.internal/app", url)), "no mistake") << url;
}

TEST(Plan, AllMistakesAreReportedInTheOrderOfTheFile) {
  std::string text = messages("version: 3\nsorce: {}\ntables:\n  - {}\n  - 5\n");
  EXPECT_THAT(text, HasSubstr("version 3"));
  EXPECT_THAT(text, HasSubstr("did you mean 'source'?"));
  EXPECT_THAT(text, HasSubstr("needs `target`"));
  EXPECT_THAT(text, HasSubstr("4:5: a table needs `into`"));
  EXPECT_THAT(text, HasSubstr("5:5: a table must be a map, not '5'"));
  EXPECT_LT(text.find("version 3"), text.find("sorce"));
}

TEST(Plan, WhatIsNoPlanIsRefused) {
  EXPECT_THAT(messages(""), HasSubstr("plan.yaml:1:1: "));
  EXPECT_THAT(messages("# nothing\n"), HasSubstr("empty"));
  EXPECT_THAT(messages("just text"), HasSubstr("the plan must be a map"));
  EXPECT_THAT(messages("a: [1, 2\nb: 3\n"), HasSubstr("plan.yaml:2:"));
  EXPECT_THAT(messages("a: 1\n---\nb: 2\n"), HasSubstr("second document"));
  EXPECT_THAT(messages(std::string(100000, '[')), HasSubstr("nested deeper"));
  EXPECT_THAT(messages(std::string(kPlanBytesMax + 1, ' ')), HasSubstr("at most"));
  EXPECT_THAT(messages("a: &x [*x]"), HasSubstr("alias inside its own anchor"));
  EXPECT_THAT(messages(std::string("\0\x01\xff", 3)), Not(HasSubstr("no mistake")));
}

TEST(Plan, C10_AliasBombsAndWideFilesAreBounded) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    bomb += fmt::format("a{0}: &a{0} [", i);
    for (int j = 0; j < 9; ++j) bomb += fmt::format("{}*a{}", j ? ", " : "", i - 1);
    bomb += "]\n";
  }
  EXPECT_THAT(messages(bomb), HasSubstr("with aliases written out"));
  std::string wide = "a: [";
  for (int i = 0; i < 300000; ++i) wide += "b,";
  EXPECT_THAT(messages(wide + "c]"), HasSubstr("more than 200000 values"));
}

TEST(Plan, AliasesAreFineInReason) {
  std::string text = with("city:      {from: address.city, type: text}",
                          "city:      &c {from: address.city, type: text}");
  size_t at = text.find("note:      text");
  text.replace(at, 15, "town:      *c");
  EXPECT_EQ(messages(text), "no mistake");
}

TEST(Plan, RelativePathsStartAtThePlansFolder) {
  Plan plan;
  plan.path = "work/plans/plan.yaml";
  EXPECT_EQ(resolve_path(plan, "dump.json"), "work/plans/dump.json");
  EXPECT_EQ(resolve_path(plan, "../x/dump.json"), "work/x/dump.json");
  EXPECT_EQ(resolve_path(plan, "/abs/dump.json"), "/abs/dump.json");
  EXPECT_EQ(resolve_path(plan, "s3://bucket/prefix"), "s3://bucket/prefix");
  plan.target = "sqlite:out.db";
  EXPECT_EQ(resolve_target(plan), "sqlite:work/plans/out.db");
  plan.target = "sqlite:/abs/out.db";
  EXPECT_EQ(resolve_target(plan), "sqlite:/abs/out.db");
  plan.target = "postgresql://db/app";
  EXPECT_EQ(resolve_target(plan), "postgresql://db/app");
  plan.path = "plan.yaml";
  EXPECT_EQ(resolve_path(plan, "dump.json"), "dump.json");
}

TEST(Plan, FilesAreReadWithABound) {
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("offramp-plan-test-{}", ::getpid());
  std::filesystem::create_directory(folder);
  std::string path = folder / "plan.yaml";
  std::ofstream(path) << kExample;
  EXPECT_TRUE(read_plan(path).ok());
  EXPECT_EQ(read_plan(path)->path, path);
  std::ofstream(path) << std::string(kPlanBytesMax + 10, '#');
  EXPECT_THAT(read_plan(path).error().message(), HasSubstr("at most"));
  EXPECT_THAT(read_plan(folder).error().message(), HasSubstr("it is a folder"));
  std::filesystem::remove_all(folder);
  EXPECT_THAT(read_plan(path).error().message(), HasSubstr("cannot read the plan"));
}

TEST(Plan, MutatedPlansNeverCrashAndWhatIsReadCanBeWritten) {
  std::mt19937 random(20240501);
  const std::string_view pieces[] = {"{",   "}",  "[",    "]",  ":",  "#",    "\n  ",
                                     "&a ", "*a", "null", "- ", "\"", "\xff", "%"};
  int read = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text(kExample);
    for (unsigned i = 0, n = 1 + random() % 3; i < n; ++i) {
      size_t at = random() % text.size();
      if (random() % 2)
        text.erase(at, 1 + random() % 12);
      else
        text.insert(at, pieces[random() % std::size(pieces)]);
    }
    Result<Plan> plan = parse_plan(text, "plan.yaml");
    if (!plan.ok()) {
      EXPECT_EQ(plan.error().kind(), ErrorKind::kConfig);
      continue;
    }
    ++read;
    std::string written = write_plan(*plan);
    Result<Plan> again = parse_plan(written, "plan.yaml");
    ASSERT_TRUE(again.ok()) << "round " << round << ": " << again.error().message() << written;
    EXPECT_EQ(write_plan(*again), written);
  }
  EXPECT_GT(read, 100);
}

TEST(Mistakes, NearestIsNearOrNothing) {
  constexpr std::string_view kNames[] = {"columns", "children", "indexes"};
  EXPECT_EQ(nearest("colunms", kNames), "columns");
  EXPECT_EQ(nearest("INDEXES", kNames), "indexes");
  EXPECT_EQ(nearest("child", kNames), "");
  EXPECT_EQ(nearest("x", kNames), "");
  EXPECT_EQ(nearest(std::string(100000, 'c'), kNames), "");
}

}  // namespace
}  // namespace offramp::migrate::plan
