// The journal: facts and letters stay, also for another process; writing again changes nothing.
#include "migrate/journal.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "migrate/migration_fixture_test.h"

namespace offramp::migrate {
namespace {

class JournalTest : public MigrationTest {
 protected:
  std::unique_ptr<Journal> open_journal(Journal::Open how = Journal::Open::kCreate) const {
    auto journal = Journal::open(folder_, how);
    EXPECT_TRUE(journal.ok());
    return std::move(journal).value();
  }
  static Letter letter(uint64_t ordinal, const std::string& key_digest,
                       const std::string& body = "{}") {
    Letter out;
    out.partition = "p";
    out.ordinal = ordinal;
    out.key_digest = key_digest;
    out.key_json = "{\"pk\":{\"S\":\"a\"}}";
    out.body = body;
    out.code = "item.refused";
    out.reason = "why";
    return out;
  }
};

TEST_F(JournalTest, ThereIsNoneBeforeTheFirstRun) {
  auto journal = Journal::open(folder_, Journal::Open::kExisting);
  ASSERT_FALSE(journal.ok());
  EXPECT_EQ(journal.error().code(), "journal.none");
  EXPECT_EQ(journal.error().kind(), ErrorKind::kConfig);
}

TEST_F(JournalTest, C9_FactsAndPartitionsOutliveTheProcess) {
  {
    auto journal = open_journal();
    EXPECT_FALSE(journal->fact("loaded").value());
    ASSERT_TRUE(journal->set_fact("loaded", "old").ok());
    ASSERT_TRUE(journal->set_fact("loaded", "new").ok());
    std::vector<source::Partition> partitions{{"b", 3, std::nullopt}, {"a", std::nullopt, 7}};
    ASSERT_TRUE(journal->set_partitions(partitions).ok());
    ASSERT_TRUE(journal->set_partitions(partitions).ok());
  }
  auto journal = open_journal(Journal::Open::kExisting);
  EXPECT_EQ(journal->fact("loaded").value(), "new");
  auto partitions = journal->partitions().value();
  ASSERT_EQ(partitions.size(), 2u);
  EXPECT_EQ(partitions[0].id, "b");
  EXPECT_EQ(partitions[0].items, 3u);
  EXPECT_FALSE(partitions[0].bytes);
  EXPECT_EQ(partitions[1].bytes, 7u);
}

TEST_F(JournalTest, C12_TheFileIsPrivate) {
  open_journal();
  struct stat info;
  ASSERT_EQ(::stat((folder_ + "/journal.sqlite").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(JournalTest, C7_ALetterWrittenAgainIsOneLetterAndKeepsItsState) {
  auto journal = open_journal();
  std::string body("raw \0 bytes", 11);
  std::vector<Letter> letters{letter(1, "0123456789abcdef", body), letter(2, "")};
  ASSERT_TRUE(journal->add_letters(letters).ok());
  auto id = journal->letters(Journal::Bodies::kWithout).value()[0].id;
  ASSERT_TRUE(journal->set_letter_state(id, LetterState::kWaived, "test data").ok());
  ASSERT_TRUE(journal->add_letters(letters).ok());

  auto all = journal->letters(Journal::Bodies::kWith).value();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].id, id);
  EXPECT_EQ(all[0].state, LetterState::kWaived);
  EXPECT_EQ(all[0].waived_because, "test data");
  EXPECT_EQ(all[0].body, body);
  EXPECT_EQ(journal->letters(Journal::Bodies::kWithout).value()[0].body, "");
  auto counts = journal->letter_counts().value();
  EXPECT_EQ(counts.open, 1u);
  EXPECT_EQ(counts.waived, 1u);
  EXPECT_EQ(counts.applied, 0u);
}

TEST_F(JournalTest, C7_AnOpenLetterOutweighsOthersOfItsKey) {
  auto journal = open_journal();
  std::string key = "0123456789abcdef";
  EXPECT_FALSE(journal->letter_state_of_key(key).value());
  std::vector<Letter> letters{letter(1, key), letter(2, key)};
  ASSERT_TRUE(journal->add_letters(letters).ok());
  auto ids = journal->letters(Journal::Bodies::kWithout).value();
  ASSERT_TRUE(journal->set_letter_state(ids[0].id, LetterState::kWaived, "x").ok());
  EXPECT_EQ(journal->letter_state_of_key(key).value(), LetterState::kOpen);
  ASSERT_TRUE(journal->set_letter_state(ids[1].id, LetterState::kApplied, "").ok());
  EXPECT_EQ(journal->letter_state_of_key(key).value(), LetterState::kWaived);
  EXPECT_FALSE(journal->letter(999).value());
}

}  // namespace
}  // namespace offramp::migrate
