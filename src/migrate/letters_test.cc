// Retrying letters: what fits now is applied, what does not stays, and nothing is applied by
// accident (C7).
#include "migrate/letters.h"

#include "migrate/load.h"
#include "migrate/migration_fixture_test.h"

namespace offramp::migrate {
namespace {

class LettersTest : public MigrationTest {
 protected:
  LettersTest() {
    write_dump({thing("a", 1, "loaded")});
    write_plan();
    migration_ = open(Purpose::kRun);
    migration_->source = open_source(migration_->plan, migration_->folder).value();
    EXPECT_TRUE(
        migration_->target->prepare(migration_->mapping, "m", target::Target::Start::kFirst).ok());
    auto partitions = migration_->source->partitions().value();
    EXPECT_TRUE(load(*migration_->source, partitions, *migration_->target, migration_->mapping,
                     *migration_->journal, progress_, LoadOptions())
                    .ok());
    EXPECT_TRUE(migration_->target
                    ->finish_load([](const target::Duplicate&) { return Status(); },
                                  [](const std::string&) {})
                    .ok());
    EXPECT_TRUE(migration_->journal->set_fact("loaded", "").ok());
  }
  int64_t file(const std::string& body, const std::string& code = "item.refused") {
    Letter letter;
    letter.partition = "p";
    letter.ordinal = next_++;
    letter.body = body;
    letter.code = code;
    letter.reason = "why";
    EXPECT_TRUE(migration_->journal->add_letters(std::span(&letter, 1)).ok());
    return migration_->journal->letters(Journal::Bodies::kWithout).value().back().id;
  }
  LetterState state(int64_t id) { return migration_->journal->letter(id).value()->state; }

  std::unique_ptr<Migration> migration_;
  uint64_t next_ = 0;
};

TEST_F(LettersTest, AnItemThatFitsReplacesItsKey) {
  int64_t fits = file(thing("a", 1, "retried")),
          wrapped = file("{\"Item\":" + thing("b", 1, "wrapped") + "}");
  int64_t broken = file("{\"pk\":{\"S\":\"c\"}"), keyless = file("{\"pk\":{\"S\":\"c\"}}");
  auto outcome = retry_letters(*migration_, {});
  ASSERT_TRUE(outcome.ok()) << outcome.error().message();
  EXPECT_EQ(outcome->applied, 2u);
  ASSERT_EQ(outcome->still_refused.size(), 2u);
  EXPECT_EQ(outcome->still_refused[0].first, broken);
  EXPECT_EQ(state(fits), LetterState::kApplied);
  EXPECT_EQ(state(wrapped), LetterState::kApplied);
  EXPECT_EQ(state(keyless), LetterState::kOpen);
  EXPECT_EQ(target_int("SELECT count(*) FROM things"), 2);
  EXPECT_EQ(target_int("SELECT count(*) FROM things WHERE name = 'retried'"), 1);
  EXPECT_EQ(retry_letters(*migration_, {fits})->applied, 0u);  // applied once only
}

TEST_F(LettersTest, DuplicatesAreOnlyAppliedWhenChosen) {
  int64_t copy = file(thing("a", 1, "the other copy"), "item.duplicate_key");
  EXPECT_EQ(retry_letters(*migration_, {})->applied, 0u);
  EXPECT_EQ(state(copy), LetterState::kOpen);
  EXPECT_EQ(target_int("SELECT count(*) FROM things WHERE name = 'loaded'"), 1);
  EXPECT_EQ(retry_letters(*migration_, {copy})->applied, 1u);
  EXPECT_EQ(target_int("SELECT count(*) FROM things WHERE name = 'the other copy'"), 1);
  EXPECT_EQ(target_int("SELECT count(*) FROM things"), 1);
}

TEST_F(LettersTest, AnUnknownLetterIsNamed) {
  auto outcome = retry_letters(*migration_, {77});
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code(), "letters.unknown");
  EXPECT_NE(outcome.error().message().find("77"), std::string::npos);
}

}  // namespace
}  // namespace offramp::migrate
