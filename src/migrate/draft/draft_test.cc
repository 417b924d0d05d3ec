// Drafting a plan: what is written can be run, and nothing is written over by accident.
#include "migrate/draft/draft.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <thread>

#include "migrate/draft/source_url.h"
#include "migrate/migration_fixture_test.h"

namespace offramp::migrate::draft {
namespace {

using ::testing::HasSubstr;
using From = plan::LoadSpec::From;

class DraftTest : public MigrationTest {
 protected:
  DraftTest() {
    write_dump({thing("a", 1, "x"), thing("a", 2, "y"), thing("b", 1, "x")});
    options_.source_url = "dump:" + folder_ + "/items.jsonl";
    options_.target_url = "sqlite:" + folder_ + "/target.sqlite";
    options_.output = plan_path_;
    options_.key = "pk,sk";
  }
  Result<Draft> draft() { return draft_plan(options_, progress_); }
  std::string code() {
    auto drafted = draft();
    return drafted.ok() ? "no error" : drafted.error().code();
  }
  std::string plan_text() const {
    std::ifstream in(plan_path_);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
  }

  DraftOptions options_;
};

TEST_F(DraftTest, WhatIsWrittenCanBeOpened) {
  auto drafted = draft();
  ASSERT_TRUE(drafted.ok()) << drafted.error().message();
  EXPECT_EQ(drafted->sampled, 3u);
  EXPECT_FALSE(drafted->written_through);
  auto migration = open(Purpose::kRun);
  EXPECT_EQ(migration->plan.source.key.partition.name, "pk");
  EXPECT_EQ(migration->plan.source.key.sort->type, ddb::Type::kN);
}

TEST_F(DraftTest, NothingIsLeftBesideThePlan) {
  ASSERT_TRUE(draft().ok());
  EXPECT_FALSE(std::filesystem::exists(plan_path_ + ".offramp"));
  EXPECT_FALSE(std::filesystem::exists(plan_path_ + ".part"));
}

TEST_F(DraftTest, AnEditedPlanIsNotWrittenOver) {
  std::ofstream(plan_path_) << "edited";
  EXPECT_EQ(code(), "plan.exists");
  EXPECT_EQ(plan_text(), "edited");
  options_.overwrite = true;
  EXPECT_EQ(code(), "no error");
  EXPECT_NE(plan_text(), "edited");
}

TEST_F(DraftTest, AStartedPlanIsNeverWrittenOver) {
  ASSERT_TRUE(draft().ok());
  { auto started = open(Purpose::kRun); }
  options_.overwrite = true;
  EXPECT_EQ(code(), "plan.started");
}

TEST_F(DraftTest, APipeIsWrittenThrough) {
  options_.output = folder_ + "/pipe";
  ASSERT_EQ(::mkfifo(options_.output.c_str(), 0600), 0);
  std::string read;
  std::thread reader([&] {
    std::ifstream in(options_.output);
    std::stringstream out;
    out << in.rdbuf();
    read = out.str();
  });
  auto drafted = draft();
  reader.join();
  ASSERT_TRUE(drafted.ok()) << drafted.error().message();
  EXPECT_TRUE(drafted->written_through);
  EXPECT_TRUE(std::filesystem::is_fifo(options_.output));
  EXPECT_FALSE(std::filesystem::exists(options_.output + ".offramp"));
  EXPECT_TRUE(plan::parse_plan(read, plan_path_).ok());
}

TEST_F(DraftTest, PathsOfAPlanInAPipeStayAsTyped) {
  auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  options_.source_url = "dump:items.jsonl";
  options_.target_url = "sqlite:target.sqlite";
  options_.output = "/dev/null";
  auto drafted = draft();
  std::filesystem::current_path(before);
  ASSERT_TRUE(drafted.ok()) << drafted.error().message();
  EXPECT_EQ(drafted->plan.source.load.path, "items.jsonl");
  EXPECT_EQ(drafted->plan.target, "sqlite:target.sqlite");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST_F(DraftTest, PathsThatDoNotExistAreNamed) {
  options_.output = folder_ + "/none/plan.yaml";
  auto no_folder = draft();
  ASSERT_FALSE(no_folder.ok());
  EXPECT_EQ(no_folder.error().kind(), ErrorKind::kConfig);
  EXPECT_THAT(no_folder.error().message(), HasSubstr(folder_ + "/none"));
  options_.output = folder_;
  EXPECT_EQ(code(), "plan.folder");
  options_.output = plan_path_;
  options_.source_url = "dump:" + folder_ + "/itmes.jsonl";
  auto no_source = draft();
  ASSERT_FALSE(no_source.ok());
  EXPECT_EQ(no_source.error().kind(), ErrorKind::kConfig) << no_source.error().message();
  EXPECT_THAT(no_source.error().message(), HasSubstr("itmes.jsonl"));
}

TEST_F(DraftTest, AWrongKeyIsExplained) {
  options_.key = "pk,nope";
  EXPECT_EQ(code(), "plan.key_missing");
  write_dump({thing("a", 1, "x"), R"({"pk":{"N":"1"},"sk":{"N":"1"}})"});
  options_.key = "pk,sk";
  EXPECT_EQ(code(), "plan.key_type");
  write_dump({});
  options_.key = "";
  EXPECT_EQ(code(), "plan.empty");
}

TEST_F(DraftTest, C12_APasswordIsRefusedBeforeAnythingIsRead) {
  options_.target_url = "postgresql://app:hunter2@127.0.0.1/app";
  auto refused = draft();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), "plan.password");
  EXPECT_EQ(refused.error().kind(), ErrorKind::kConfig);
  EXPECT_EQ(refused.error().message().find("hunter2"), std::string::npos);
}

TEST_F(DraftTest, AnEmptySourceCanBePlannedWithAKey) {
  std::ofstream(folder_ + "/items.jsonl", std::ios::trunc);
  auto drafted = draft();
  ASSERT_TRUE(drafted.ok()) << drafted.error().message();
  EXPECT_EQ(drafted->plan.source.key.partition.type, ddb::Type::kS);
  options_.key.clear();
  options_.overwrite = true;
  EXPECT_EQ(code(), "plan.empty");
}

TEST_F(DraftTest, OptionsThatDoNotGoWithTheSource) {
  options_.then = {"export"};
  EXPECT_EQ(code(), "plan.then");
}

TEST_F(DraftTest, AStopWritesNothing) {
  std::stop_source stop;
  stop.request_stop();
  options_.stop = stop.get_token();
  EXPECT_EQ(code(), "plan.stopped");
  EXPECT_FALSE(std::filesystem::exists(plan_path_));
}

TEST(SourceUrlTest, EveryForm) {
  auto scan = parse_source_url(
      "dynamodb://App%2DTable?region=eu-west-1&endpoint=http%3A//127.0.0.1:8000&segments=4");
  ASSERT_TRUE(scan.ok()) << scan.error().message();
  EXPECT_EQ(scan->table, "App-Table");
  EXPECT_EQ(scan->region, "eu-west-1");
  EXPECT_EQ(scan->endpoint, "http://127.0.0.1:8000");
  EXPECT_EQ(scan->load.segments, 4);
  EXPECT_EQ(parse_source_url("export:dir")->load.from, From::kExport);
  EXPECT_EQ(parse_source_url("s3://b/AWSDynamoDB/1")->load.path, "s3://b/AWSDynamoDB/1");
  EXPECT_EQ(parse_source_url("dump:-")->load.path, "-");
}

TEST(SourceUrlTest, WrongOnesListTheForms) {
  for (const char* url :
       {"", "items.json", "dynamodb://", "dynamodb://T?x=1", "dynamodb://T?segments=0",
        "dynamodb://T?segments=a", "export:", "dump:", "mysql://x"}) {
    auto parsed = parse_source_url(url);
    ASSERT_FALSE(parsed.ok()) << url;
    EXPECT_EQ(parsed.error().kind(), ErrorKind::kConfig);
    EXPECT_THAT(parsed.error().message(), HasSubstr("dump:FILE"));
  }
}

}  // namespace
}  // namespace offramp::migrate::draft
