// Verify: every kind of difference is found, named and healed; nothing that was planned is called a
// difference.
#include "migrate/verify/verify.h"

#include <gmock/gmock.h>

#include <functional>

#include "ddb/wire_json.h"
#include "migrate/load.h"
#include "migrate/migration_fixture_test.h"

namespace offramp::migrate::verify {
namespace {

using ::testing::ElementsAre;

class VerifyTest : public MigrationTest {
 protected:
  // Loads the dump as a run does, without the steps behind it.
  using OnDuplicate = std::function<Status(const target::Duplicate&)>;
  void load_dump(const OnDuplicate& on_duplicate) { load_dump(kPlainTables, on_duplicate); }
  void load_dump(
      const char* tables = kPlainTables,
      const OnDuplicate& on_duplicate = [](const target::Duplicate&) { return Status(); }) {
    write_plan(tables);
    migration_ = open(Purpose::kRun);
    migration_->id = "m";
    ASSERT_TRUE(
        migration_->target->prepare(migration_->mapping, "m", target::Target::Start::kFirst).ok());
    migration_->source = open_source(migration_->plan, migration_->folder).value();
    auto partitions = migration_->source->partitions().value();
    auto outcome = load(*migration_->source, partitions, *migration_->target, migration_->mapping,
                        *migration_->journal, progress_, LoadOptions());
    ASSERT_TRUE(outcome.ok()) << outcome.error().message();
    auto finished = migration_->target->finish_load(on_duplicate, [](const std::string&) {});
    ASSERT_TRUE(finished.ok()) << finished.error().message();
    ASSERT_TRUE(migration_->journal->set_fact("loaded", "").ok());
  }
  // The source now says something else; the load stays as it was.
  void change_source(const std::vector<std::string>& lines) {
    write_dump(lines);
    migration_->source.reset();
  }
  Report verify_it(Options options = {}) {
    auto report = verify(*migration_, progress_, options);
    if (!report.ok()) {
      ADD_FAILURE() << report.error().message();
      return {};
    }
    return std::move(report).value();
  }
  static Options repairing() {
    Options options;
    options.repair = true;
    return options;
  }
  static Options sampling(uint64_t items) {
    Options options;
    options.sample = items;
    return options;
  }
  static std::vector<std::string> many(int count, const std::string& name = "n") {
    std::vector<std::string> lines;
    for (int i = 0; i < count; ++i) lines.push_back(thing("p" + std::to_string(i % 7), i, name));
    return lines;
  }
  std::unique_ptr<Migration> migration_;
};

TEST_F(VerifyTest, EqualSidesAreEqual) {
  write_dump(many(3000));
  load_dump();
  Report report = verify_it();
  EXPECT_TRUE(report.equal);
  EXPECT_EQ(report.source_items, 3000u);
  EXPECT_EQ(report.target_items, 3000u);
  EXPECT_TRUE(report.findings.empty());
  EXPECT_TRUE(std::filesystem::exists(migration_->folder + "/verify-report.md"));
  EXPECT_THAT(migration_->journal->fact("verified").value().value(),
              ::testing::StartsWith("equal at "));
}

TEST_F(VerifyTest, BeforeTheLoadHasEndedThereIsNoVerdict) {
  write_dump({thing("a", 1, "x")});
  load_dump();
  auto db =
      io::SqliteDb::open(migration_->folder + "/journal.sqlite", io::SqliteDb::Mode::kReadWrite)
          .value();
  ASSERT_TRUE(db.execute("DELETE FROM fact WHERE name = 'loaded'").ok());
  auto report = verify(*migration_, progress_, {});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code(), "verify.not_loaded");
}

TEST_F(VerifyTest, MissingExtraAndDifferentAreFoundNamedAndRepaired) {
  write_dump({thing("a", 1, "x", R"("deep":{"M":{"in":{"S":"1"}}})"), thing("b", 1, "y"),
              thing("c", 1, "z")});
  load_dump();
  change_source({thing("a", 1, "changed", R"("deep":{"M":{"in":{"S":"2"}}},"more":{"BOOL":true})"),
                 thing("c", 1, "z"), thing("d", 4, "new")});
  Report report = verify_it();
  EXPECT_FALSE(report.equal);
  EXPECT_EQ(report.missing, 1u);
  EXPECT_EQ(report.extra, 1u);
  EXPECT_EQ(report.different, 1u);
  ASSERT_EQ(report.findings.size(), 3u);
  for (const KeyFinding& finding : report.findings) {
    if (finding.finding == Finding::kMissing) {
      EXPECT_EQ(finding.key_json, R"({"pk":{"S":"d"},"sk":{"N":"4"}})");
    }
    if (finding.finding == Finding::kExtra) {
      EXPECT_EQ(finding.key_json, R"({"pk":{"S":"b"},"sk":{"N":"1"}})");
    }
    if (finding.finding == Finding::kDifferent) {
      EXPECT_THAT(finding.attributes, ElementsAre("deep", "more", "name"));
    }
  }
  EXPECT_THAT(migration_->journal->fact("verified").value().value(),
              ::testing::StartsWith("different at "));
  // C12: keys and names, no content.
  EXPECT_EQ(report_json(report, *migration_).find("changed"), std::string::npos);
  EXPECT_EQ(report_markdown(report, *migration_).find("changed"), std::string::npos);

  Report repaired = verify_it(repairing());
  EXPECT_TRUE(repaired.equal);
  EXPECT_EQ(repaired.repaired, 3u);
  EXPECT_EQ(repaired.missing + repaired.extra + repaired.different, 0u);
  EXPECT_TRUE(verify_it().equal);
  EXPECT_EQ(target_int("SELECT count(*) FROM things"), 3);
}

TEST_F(VerifyTest, ManyDifferingBucketsAreHealed) {
  write_dump(many(2000, "old"));
  load_dump();
  std::vector<std::string> lines = many(2500, "new");
  lines.erase(lines.begin(), lines.begin() + 700);
  change_source(lines);
  Options options;
  options.details_max = 10;
  Report report = verify_it(options);
  EXPECT_EQ(report.extra, 700u);
  EXPECT_EQ(report.different, 1300u);
  EXPECT_EQ(report.missing, 500u);
  EXPECT_EQ(report.findings.size(), 10u);
  Report repaired = verify_it(repairing());
  EXPECT_TRUE(repaired.equal);
  EXPECT_EQ(repaired.repaired, 2500u);
  EXPECT_EQ(target_int("SELECT count(*) FROM things WHERE name = 'new'"), 1800);
}

TEST_F(VerifyTest, EmptySides) {
  write_dump({});
  load_dump();
  Report both = verify_it();
  EXPECT_TRUE(both.equal);
  EXPECT_EQ(both.source_items, 0u);
  change_source(many(3));
  EXPECT_EQ(verify_it().missing, 3u);
  EXPECT_TRUE(verify_it(repairing()).equal);
  change_source({});
  EXPECT_EQ(verify_it().extra, 3u);
  EXPECT_TRUE(verify_it(repairing()).equal);
  EXPECT_EQ(target_int("SELECT count(*) FROM things"), 0);
}

TEST_F(VerifyTest, C7_RefusedItemsAreNotMissingAndCountUntilWaived) {
  constexpr char kOnlyOrders[] = R"YAML(
tables:
  - into: orders
    key: {pk: "ORDER#{order}", sk: "{sk}"}
)YAML";
  write_dump({thing("ORDER#1", 1, "x"), thing("other", 1, "y")});
  load_dump(kOnlyOrders);
  Report report = verify_it();
  EXPECT_FALSE(report.equal);
  EXPECT_EQ(report.refused, 1u);
  EXPECT_EQ(report.missing, 0u);
  auto letters = migration_->journal->letters(Journal::Bodies::kWithout).value();
  ASSERT_EQ(letters.size(), 1u);
  ASSERT_TRUE(migration_->journal->set_letter_state(letters[0].id, LetterState::kWaived, "x").ok());
  Report waived = verify_it();
  EXPECT_TRUE(waived.equal);
  EXPECT_EQ(waived.waived, 1u);
}

TEST_F(VerifyTest, C7_RepairFilesWhatItCannotWrite) {
  constexpr char kOnlyOrders[] = R"YAML(
tables:
  - into: orders
    key: {pk: "ORDER#{order}", sk: "{sk}"}
)YAML";
  write_dump({thing("ORDER#1", 1, "x")});
  load_dump(kOnlyOrders);
  change_source({thing("ORDER#1", 1, "x"), thing("other", 1, "y")});
  Report report = verify_it(repairing());
  EXPECT_FALSE(report.equal);
  EXPECT_EQ(report.missing, 0u);
  EXPECT_EQ(report.refused, 1u);
  EXPECT_EQ(migration_->journal->letter_counts().value().open, 1u);
}

TEST_F(VerifyTest, C7_RecordsThatAreNoItemsCountUntilWaived) {
  write_dump({thing("a", 1, "x"), R"({"pk":{"S":"b"},"sk":{"N":"no number"}})"});
  load_dump();
  Report report = verify_it();
  EXPECT_FALSE(report.equal);
  EXPECT_EQ(report.unreadable, 1u);
  EXPECT_EQ(report.unreadable_open, 1u);
  EXPECT_EQ(report.missing, 0u);
  auto letters = migration_->journal->letters(Journal::Bodies::kWithout).value();
  ASSERT_EQ(letters.size(), 1u);
  ASSERT_TRUE(migration_->journal->set_letter_state(letters[0].id, LetterState::kWaived, "x").ok());
  EXPECT_TRUE(verify_it().equal);
}

TEST_F(VerifyTest, CopiesAtTheSource) {
  write_dump({thing("a", 1, "old"), thing("a", 1, "new"), thing("b", 1, "same"),
              thing("b", 1, "same"), thing("c", 1, "x")});
  load_dump();
  Report report = verify_it();
  EXPECT_TRUE(report.equal);
  EXPECT_EQ(report.source_copies, 2u);
  EXPECT_EQ(report.source_items, 5u);
  EXPECT_EQ(report.target_items, 3u);

  target_sql("DELETE FROM things WHERE pk = 'a'; UPDATE things SET name = 'broken' WHERE pk = 'b'");
  Report broken = verify_it();
  EXPECT_EQ(broken.missing, 1u);
  EXPECT_EQ(broken.different, 1u);
  EXPECT_TRUE(verify_it(repairing()).equal);
  EXPECT_EQ(target_int("SELECT count(*) FROM things WHERE pk = 'a' AND name = 'new'"), 1);
  EXPECT_EQ(target_int("SELECT count(*) FROM things"), 3);
}

constexpr char kSkipAndDrop[] = R"YAML(
tables:
  - match: "attribute_exists(archived)"
    skip: true
  - into: things
    columns: {name: {from: name, type: text}}
    drop: [debug, [deep, gone], [deep, deeper, gone]]
)YAML";

TEST_F(VerifyTest, SkipAndDropAreNoDifferences) {
  write_dump(
      {thing(
           "a", 1, "x",
           R"("debug":{"S":"d"},"deep":{"M":{"gone":{"S":"g"},"kept":{"S":"k"},"deeper":{"M":{"gone":{"N":"1"}}}}})"),
       thing("b", 1, "x", R"("deep":{"S":"no map"})"),
       thing("c", 1, "x", R"("deep":{"L":[{"M":{"gone":{"S":"in a list"}}}]})"),
       thing("d", 1, "x", R"("archived":{"BOOL":true})")});
  load_dump(kSkipAndDrop);
  Report report = verify_it();
  EXPECT_TRUE(report.equal);
  EXPECT_EQ(report.skipped, 1u);
  EXPECT_EQ(report.dropped_values, 3u);
  EXPECT_EQ(report.source_items, 3u);
  EXPECT_EQ(report.target_items, 3u);
  Report sampled = verify_it(sampling(100));
  EXPECT_TRUE(sampled.equal);
  EXPECT_EQ(sampled.sampled, 3u);

  // What remains after a drop is still compared, and repaired without what is dropped.
  target_sql("UPDATE things SET name = 'broken' WHERE pk = 'a'; DELETE FROM things WHERE pk = 'c'");
  Report broken = verify_it();
  EXPECT_EQ(broken.different, 1u);
  EXPECT_EQ(broken.missing, 1u);
  EXPECT_TRUE(verify_it(repairing()).equal);
}

TEST_F(VerifyTest, AnItemThatBecameSkippedIsExtra) {
  write_dump({thing("d", 1, "x")});
  load_dump(kSkipAndDrop);
  change_source({thing("d", 1, "x", R"("archived":{"BOOL":true})")});
  EXPECT_EQ(verify_it().extra, 1u);
  EXPECT_TRUE(verify_it(repairing()).equal);
  EXPECT_EQ(target_int("SELECT count(*) FROM things"), 0);
}

TEST_F(VerifyTest, ASampleFindsMissingAndDifferent) {
  write_dump(many(500));
  load_dump();
  EXPECT_EQ(verify_it(sampling(1'000'000)).sampled, 500u);
  Report some = verify_it(sampling(50));
  EXPECT_TRUE(some.equal);
  EXPECT_GT(*some.sampled, 5u);
  EXPECT_LT(*some.sampled, 250u);
  target_sql("DELETE FROM things WHERE sk = 3; UPDATE things SET name = 'broken' WHERE sk = 4");
  Report report = verify_it(sampling(1'000'000));
  EXPECT_FALSE(report.equal);
  EXPECT_EQ(report.missing, 1u);
  EXPECT_EQ(report.different, 1u);
}

TEST_F(VerifyTest, ASampleIsNoVerdictOfEqual) {
  write_dump(many(500));
  load_dump();
  EXPECT_TRUE(verify_it(sampling(50)).equal);
  EXPECT_FALSE(migration_->journal->fact("verified").value().has_value());
  // It does not take back what a full comparison found, and an item that is missing from all
  // samples stays found.
  target_sql("INSERT INTO things (pk, sk, name) VALUES ('extra', 1, 'x')");
  EXPECT_FALSE(verify_it().equal);
  EXPECT_TRUE(verify_it(sampling(1'000'000)).equal);
  EXPECT_THAT(migration_->journal->fact("verified").value().value(),
              ::testing::StartsWith("different at "));
  target_sql("DELETE FROM things WHERE pk = 'extra'");
  EXPECT_TRUE(verify_it().equal);
  target_sql("DELETE FROM things WHERE sk = 3");
  EXPECT_FALSE(verify_it(sampling(1'000'000)).equal);
  EXPECT_THAT(migration_->journal->fact("verified").value().value(),
              ::testing::StartsWith("different at "));
}

TEST_F(VerifyTest, C10_OnlySoManyImagesAreHeld) {
  std::string name(1u << 20, 'x');
  std::vector<std::string> lines;
  for (int i = 0; i < 60; ++i) lines.push_back(thing("p", i, name));
  write_dump(lines);
  load_dump();
  target_sql("UPDATE things SET name = 'y' || name");
  Options one_thread;
  one_thread.threads = 1;
  Report report = verify_it(one_thread);
  EXPECT_EQ(report.different, 60u);
  size_t named = 0;
  for (const KeyFinding& finding : report.findings) named += !finding.attributes.empty();
  // The first side's images up to the bound, each let go when the other's has come.
  EXPECT_GE(named, 30u);
  EXPECT_LT(named, 60u);
}

TEST_F(VerifyTest, ASampleOfASourceWithCopiesIsNoDifference) {
  write_dump({thing("a", 1, "old"), thing("a", 1, "new"), thing("b", 1, "x")});
  load_dump();
  EXPECT_TRUE(verify_it(sampling(100)).equal);
}

TEST_F(VerifyTest, C7_ACopyFarFromTheOtherInASampleIsNoDifferenceButAnOpenLetter) {
  std::vector<std::string> lines{thing("a", 1, "old")};
  for (int i = 0; i < 5000; ++i) lines.push_back(thing("filler", i, "x"));
  lines.push_back(thing("a", 1, "new"));
  write_dump(lines);
  load_dump([this](const target::Duplicate&) -> Status {
    auto key = std::string(R"({"pk":{"S":"a"},"sk":{"N":"1"}})");
    std::string text = key + std::string(ddb::kJsonPadding, '\0');
    ddb::JsonDecoder decoder;
    ddb::ItemBatch batch;
    batch.add_root(
        TRY(decoder.decode_item({text.data(), key.size()}, {}, ddb::JsonForm::kTyped, batch)), 0);
    Letter letter = make_letter("copies", 1, batch.item(0), migration_->mapping->key(),
                                "item.duplicate_key", "twice");
    return migration_->journal->add_letters(std::span(&letter, 1));
  });
  EXPECT_TRUE(verify_it(sampling(1'000'000)).equal);
  Report report = verify_it();
  EXPECT_TRUE(report.equal);
  EXPECT_EQ(report.letters_open, 1u);
  EXPECT_EQ(report.unreadable_open, 0u);
}

TEST_F(VerifyTest, AStopSaysSo) {
  write_dump(many(10));
  load_dump();
  std::stop_source stop;
  stop.request_stop();
  Options options;
  options.stop = stop.get_token();
  auto report = verify(*migration_, progress_, options);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code(), "verify.stopped");
  EXPECT_EQ(report.error().kind(), ErrorKind::kCancelled);
}

}  // namespace
}  // namespace offramp::migrate::verify
