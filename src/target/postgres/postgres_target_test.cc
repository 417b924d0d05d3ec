// The target against a real server: what is loaded comes back, progress goes with the rows, errors
// are named.
#include "target/postgres/postgres_target.h"

#include <cstdlib>

#include "target/postgres/target_world_test.h"

namespace offramp::target::postgres {
namespace {

class PostgresTargetTest : public testing::Test {
 protected:
  void SetUp() override { url_ = PostgresServer::instance().new_database(); }

  std::unique_ptr<Target> prepared(Target::Start start = Target::Start::kFirst) {
    std::unique_ptr<Target> target = open_target(url_);
    Status status = target->prepare(mapping_, "m1", start);
    EXPECT_TRUE(status.ok()) << status.error().message();
    return target;
  }
  void load(Target& target, const Items& items, uint64_t records) {
    auto loader = target.loader();
    ASSERT_OK(loader);
    ASSERT_OK((*loader)->append(make_batch(mapping_, items, "p1", records)));
    ASSERT_OK((*loader)->flush());
  }
  Target::FinishOutcome finish(Target& target, Items* duplicates = nullptr) {
    auto outcome = target.finish_load(
        [&](const Duplicate& duplicate) {
          if (duplicates) duplicates->push_back(duplicate.item_json);
          return Status();
        },
        [](const std::string&) {});
    EXPECT_TRUE(outcome.ok()) << outcome.error().message();
    return outcome.ok() ? *outcome : Target::FinishOutcome{};
  }
  std::string ask(const std::string& sql) {
    auto connection = Connection::open(url_);
    EXPECT_TRUE(connection.ok()) << connection.error().message();
    auto result = connection->query(sql, {}, "ask");
    EXPECT_TRUE(result.ok()) << result.error().message();
    return result.ok() && result->rows() ? std::string(result->text(0, 0)) : "";
  }
  mapping::RowBatch keys_of(const Items& items, ddb::ItemBatch& batch) {
    decode_items(items, batch);
    mapping::RowBatch keys;
    keys.reset(mapping_->tables().size());
    mapping::Splitter splitter(mapping_);
    for (size_t i = 0; i < batch.size(); ++i) {
      Status status = splitter.key_rows(batch.item(i), keys);
      EXPECT_TRUE(status.ok()) << status.error().message();
    }
    return keys;
  }

  std::string url_;
  std::shared_ptr<const mapping::CompiledMapping> mapping_ = test_mapping();
};

const std::string kEveryType =
    R"(,"total":{"N":"123456789012345678901234567890.12345678"},"count":{"N":"-9223372036854775808"},"ratio":{"N":"0.1"},)"
    R"("paid":{"BOOL":true},"blob":{"B":"AP8="},"at":{"S":"2024-02-29T23:59:59.123Z"},"day":{"S":"2024-02-29"},)"
    R"("id":{"S":"0b2f8d4e-7a9c-4f0e-8a1b-2c3d4e5f6a7b"},"doc":{"M":{"a":{"N":"1"},"b":{"L":[{"S":"x"},{"NULL":true}]}}},)"
    R"("any":{"NS":["1","2"]},"tags":{"SS":["a","b"]},"scores":{"NS":["-1.5","20000"]},"blobs":{"BS":["AA==","AQ=="]},)"
    R"("left":{"M":{"o":{"S":"\u0000ver"}}},"empty":{"S":""},"nothing":{"NULL":true})";

TEST_F(PostgresTargetTest, C8_EveryTypeRoundTrips) {
  Items items = {order("a", 3, kEveryType),
                 order("b", 0),
                 order("c", 1),
                 plain("d", R"(,"n":{"N":"1E-130"},"m":{"N":"9.9E+125"})"),
                 plain("Ünïcode 🦆"),
                 plain(std::string(2000, 'k') + "\\u0000"),
                 plain("e", kEveryType)};
  auto target = prepared();
  load(*target, items, 7);
  EXPECT_EQ(read_all(*target), canonical(items));
  finish(*target);
  EXPECT_EQ(read_all(*target), canonical(items));
  EXPECT_EQ(ask("SELECT count(*) FROM \"Orders \"\"2\"\"\" WHERE NULL"), "0");
  EXPECT_EQ(ask("SELECT total::text FROM \"Orders \"\"2\"\"\" WHERE pk = 'a'"),
            "123456789012345678901234567890.12345678");
  EXPECT_EQ(ask("SELECT \"at\" AT TIME ZONE 'UTC' FROM \"Orders \"\"2\"\"\" WHERE pk = 'a'"),
            "2024-02-29 23:59:59.123");
  EXPECT_EQ(ask("SELECT array_to_string(tags, ',') FROM \"Orders \"\"2\"\"\" WHERE pk = 'a'"),
            "a,b");
  EXPECT_EQ(ask("SELECT sum(qty) FROM lines WHERE pk = 'a'"), "6");
}

TEST_F(PostgresTargetTest, ManyItemsInManyParts) {
  Items items;
  auto target = prepared();
  auto loader = target->loader();
  ASSERT_OK(loader);
  std::string filler(1000, 'x');
  for (int b = 0; b < 30; ++b) {
    Items batch;
    for (int i = 0; i < 300; ++i) {
      std::string pk = "p" + std::to_string(b * 1000 + i);
      batch.push_back(i % 2 ? plain(pk, R"(,"f":{"S":")" + filler + "\"}")
                            : order(pk, i % 7, R"(,"f":{"S":")" + filler + "\"}"));
    }
    ASSERT_OK((*loader)->append(
        make_batch(mapping_, batch, "p" + std::to_string(b % 3), static_cast<uint64_t>(b))));
    items.insert(items.end(), batch.begin(), batch.end());
  }
  ASSERT_OK((*loader)->flush());
  finish(*target);
  auto partitions = target->read_partitions(4);
  ASSERT_OK(partitions);
  EXPECT_GE(partitions->size(), 5u) << "large tables are cut";
  EXPECT_EQ(read_all(*target, 4), canonical(items));
  auto counts = target->row_counts();
  ASSERT_OK(counts);
  EXPECT_EQ((*counts)[0].second, 4500u);
}

TEST_F(PostgresTargetTest, C5_PositionsGoWithTheRows) {
  auto target = prepared();
  auto before = target->positions();
  ASSERT_OK(before);
  EXPECT_TRUE(before->empty());
  load(*target, {plain("a"), plain("b")}, 2);
  // Not flushed: neither rows nor position may be there.
  auto loader = target->loader();
  ASSERT_OK(loader);
  ASSERT_OK((*loader)->append(make_batch(mapping_, {plain("c")}, "it's", 1)));
  EXPECT_EQ(ask("SELECT count(*) FROM other"), "2");
  auto positions = target->positions();
  ASSERT_OK(positions);
  ASSERT_EQ(positions->size(), 1u);
  EXPECT_EQ((*positions)["p1"].records, 2u);
  EXPECT_EQ((*positions)["p1"].token, "t2");
  ASSERT_OK((*loader)->flush());
  EXPECT_EQ((*target->positions())["it's"].records, 1u);
  EXPECT_EQ(ask("SELECT count(*) FROM other"), "3");
}

TEST_F(PostgresTargetTest, C5_CommitsAreDurableWhateverTheDatabaseSays) {
  ask("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', "
      "current_database()); END $$");
  EXPECT_EQ(ask("SHOW synchronous_commit"), "on");
  ask("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = remote_apply', "
      "current_database()); END $$");
  EXPECT_EQ(ask("SHOW synchronous_commit"), "remote_apply");
}

TEST_F(PostgresTargetTest, DuplicatesLeaveWithTheirChildren) {
  auto target = prepared();
  load(*target, {order("a", 5, R"(,"v":{"N":"1"})"), order("b", 2)}, 2);
  // Twice inside one batch, the first of them without a line: the rows alone could not tell them
  // apart.
  load(*target,
       {order("a", 0, R"(,"v":{"N":"2"})"), order("a", 3, R"(,"v":{"N":"3"})"), order("b", 2),
        plain("x")},
       6);
  load(*target, {plain("x"), plain("x"), plain("x", R"(,"v":{"N":"1"})")}, 9);
  EXPECT_EQ((*target->positions())["p1"].records, 9u);
  Items duplicates;
  Target::FinishOutcome outcome = finish(*target, &duplicates);
  EXPECT_EQ(outcome.duplicates, 2u + 3u);
  EXPECT_EQ(outcome.identical_copies_removed, 1u);
  EXPECT_EQ(canonical(duplicates),
            canonical({order("a", 5, R"(,"v":{"N":"1"})"), order("a", 0, R"(,"v":{"N":"2"})"),
                       plain("x"), plain("x"), plain("x")}));
  EXPECT_EQ(read_all(*target), canonical({order("a", 3, R"(,"v":{"N":"3"})"), order("b", 2),
                                          plain("x", R"(,"v":{"N":"1"})")}));
  // Again: nothing is left to do.
  outcome = finish(*target, &duplicates);
  EXPECT_EQ(outcome.duplicates + outcome.identical_copies_removed, 0u);
  EXPECT_EQ(duplicates.size(), 5u);
}

TEST_F(PostgresTargetTest, C9_DeduplicationStopsAnywhereAndGoesOn) {
  auto target = prepared();
  Items first, second;
  for (int i = 0; i < 1200; ++i) {
    first.push_back(order("k" + std::to_string(i), 2, R"(,"v":{"N":"1"})"));
    second.push_back(order("k" + std::to_string(i), 1, R"(,"v":{"N":"2"})"));
  }
  load(*target, first, 1);
  load(*target, second, 2);
  int seen = 0;
  auto stopped = target->finish_load(
      [&](const Duplicate&) {
        return ++seen < 700 ? Status() : Status(Error(ErrorKind::kCancelled, "test.stop", "stop"));
      },
      nullptr);
  EXPECT_FALSE(stopped.ok());
  std::string left = ask("SELECT count(*) FROM \"Orders \"\"2\"\"\"");
  EXPECT_EQ(left, "1900") << "one whole step of 500 was committed";
  EXPECT_EQ(finish(*target).duplicates, 700u);
  EXPECT_EQ(read_all(*target), canonical(second));
  EXPECT_EQ(ask("SELECT count(*) FROM lines"), "1200");
}

TEST_F(PostgresTargetTest, FinishIsIdempotent) {
  auto target = prepared();
  load(*target, {order("a", 2)}, 1);
  finish(*target);
  finish(*target);
  EXPECT_EQ(ask("SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE "
                "indisprimary AND "
                "c.relname IN ('Orders \"2\"', 'lines', 'other')"),
            "3");
  EXPECT_EQ(ask("SELECT count(*) FROM pg_class WHERE relname = 'orders_total'"), "1");
}

TEST_F(PostgresTargetTest, ApplyReplacesWholeItems) {
  auto target = prepared();
  load(*target, {order("a", 3), order("b", 1), plain("c")}, 3);
  finish(*target);
  // a gets fewer lines, b goes away, d is new, c's key in another table is left alone.
  Items touched = {order("a", 1, R"(,"total":{"N":"5"})"), order("b", 1), plain("d")};
  ddb::ItemBatch key_items;
  mapping::RowBatch keys = keys_of(touched, key_items);
  auto images = make_batch(mapping_, {touched[0], touched[2]}, "", 0);
  ASSERT_OK(target->apply(keys, images->rows));
  ASSERT_OK(target->apply(keys, images->rows));  // again changes nothing
  EXPECT_EQ(read_all(*target), canonical({touched[0], touched[2], plain("c")}));
  EXPECT_EQ(ask("SELECT count(*) FROM lines"), "1");

  ddb::ItemBatch found, asked_items;
  mapping::RowBatch asked =
      keys_of({order("a", 0), order("a", 0), order("b", 0), plain("c")}, asked_items);
  ASSERT_OK(target->get(asked, found));
  Items got;
  for (size_t i = 0; i < found.size(); ++i) got.push_back(ddb::canonical_item_json(found.item(i)));
  std::sort(got.begin(), got.end());
  EXPECT_EQ(got, canonical({touched[0], plain("c")}));
}

TEST_F(PostgresTargetTest, ReadersSeeOneSnapshot) {
  auto target = prepared();
  load(*target, {order("a", 2), plain("b")}, 2);
  auto partitions = target->read_partitions(2);
  ASSERT_OK(partitions);
  load(*target, {order("c", 2), plain("d")}, 4);
  size_t items = 0;
  for (const ReadPartition& partition : *partitions) {
    auto reader = target->read(partition);
    ASSERT_OK(reader);
    ddb::ItemBatch batch;
    while (*(*reader)->next(batch)) items += batch.size();
  }
  EXPECT_EQ(items, 2u);
}

TEST_F(PostgresTargetTest, PrepareTwiceChangesNothing) {
  auto target = prepared();
  load(*target, {plain("a")}, 1);
  prepared(Target::Start::kResuming);
  prepared(Target::Start::kFirst);
  EXPECT_EQ(ask("SELECT count(*) FROM other"), "1");
}

TEST_F(PostgresTargetTest, PrepareRefusesTablesOfOthers) {
  ask("CREATE TABLE other (a int)");
  auto target = open_target(url_);
  Status status = target->prepare(mapping_, "m1", Target::Start::kFirst);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kConflict);
  EXPECT_NE(status.error().message().find("public.other exists"), std::string::npos)
      << status.error().message();
  EXPECT_EQ(ask("SELECT to_regclass('lines') IS NULL AND to_regclass('offramp.migration') IS NULL"),
            "t")
      << "nothing was created";
  ask("DROP TABLE other");
  prepared();
  Status other = target->prepare(mapping_, "m2", Target::Start::kFirst);
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().kind(), ErrorKind::kConflict);
}

// A killed client's server process lives on until it notices; a resume must not run beside it.
TEST_F(PostgresTargetTest, C9_PrepareEndsSessionsOfAnEarlierProcess) {
  auto killed = prepared();
  auto loader = killed->loader();
  ASSERT_OK(loader);
  EXPECT_EQ(ask("SELECT count(DISTINCT pid) FROM pg_locks WHERE locktype = 'advisory'"), "2");
  auto resumed = prepared(Target::Start::kResuming);
  EXPECT_EQ(ask("SELECT count(DISTINCT pid) FROM pg_locks WHERE locktype = 'advisory'"), "1");
  load(*resumed, {plain("a")}, 1);
}

TEST_F(PostgresTargetTest, C6_ResumeWithoutATraceIsAGap) {
  auto target = open_target(url_);
  EXPECT_EQ(target->prepare(mapping_, "m1", Target::Start::kResuming).error().kind(),
            ErrorKind::kGap);
  target = prepared();
  load(*target, {plain("a")}, 1);
  ask("DROP TABLE other");
  EXPECT_EQ(target->prepare(mapping_, "m1", Target::Start::kFirst).error().kind(), ErrorKind::kGap);
}

TEST_F(PostgresTargetTest, AttachCreatesNothing) {
  auto target = open_target(url_);
  EXPECT_EQ(target->attach(mapping_, "m1").error().kind(), ErrorKind::kGap);
  EXPECT_EQ(ask("SELECT to_regclass('offramp.migration') IS NULL"), "t");
  prepared();
  ASSERT_OK(target->attach(mapping_, "m1"));
  EXPECT_TRUE(target->positions()->empty());
  ask("DROP TABLE other");
  EXPECT_EQ(target->row_counts().error().kind(), ErrorKind::kGap);
  EXPECT_EQ(target->read_partitions(2).error().kind(), ErrorKind::kGap);
}

TEST_F(PostgresTargetTest, RefusedRowIsNamedAndSticky) {
  auto target = prepared();
  ask("ALTER TABLE other ADD CONSTRAINT no_b CHECK (pk <> 'b')");
  auto loader = target->loader();
  ASSERT_OK(loader);
  ASSERT_OK((*loader)->append(make_batch(mapping_, {plain("a"), plain("b"), plain("c")}, "p1", 3)));
  Status status = (*loader)->flush();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kBadItem);
  EXPECT_NE(status.error().message().find("other"), std::string::npos) << status.error().message();
  EXPECT_EQ((*loader)->append(make_batch(mapping_, {plain("d")}, "p1", 4)).error().kind(),
            ErrorKind::kBadItem);
  EXPECT_EQ(ask("SELECT count(*) FROM other"), "0");
  EXPECT_TRUE(target->positions()->empty());
}

TEST_F(PostgresTargetTest, OrphanedChildIsFound) {
  auto target = prepared();
  load(*target, {order("a", 1), order("b", 1)}, 2);
  ask("DELETE FROM \"Orders \"\"2\"\"\" WHERE pk = 'b'");
  auto partitions = target->read_partitions(1);
  auto reader = target->read((*partitions)[0]);
  ASSERT_OK(reader);
  ddb::ItemBatch batch;
  Result<bool> more = true;
  while (more.ok() && *more) more = (*reader)->next(batch);
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().kind(), ErrorKind::kCorrupt);
}

TEST_F(PostgresTargetTest, LostServerIsUnavailableAndResumable) {
  // A server of its own: recovery takes as long as there are databases.
  PostgresServer server;
  url_ = server.new_database();
  auto target = prepared();
  load(*target, {plain("a")}, 1);
  auto loader = target->loader();
  ASSERT_OK(loader);
  ASSERT_OK((*loader)->append(make_batch(mapping_, {plain("b")}, "p1", 2)));
  server.crash();
  Status status = (*loader)->flush();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kUnavailable);
  EXPECT_NE(status.error().message().find("127.0.0.1"), std::string::npos);
  EXPECT_NE(status.error().message().find("run the same command again"), std::string::npos);
  EXPECT_EQ(entry().open(url_).error().kind(), ErrorKind::kUnavailable);
  server.start();
  target = prepared(Target::Start::kResuming);
  EXPECT_EQ((*target->positions())["p1"].records, 1u);
  EXPECT_EQ(read_all(*target), canonical({plain("a")}));
}

TEST_F(PostgresTargetTest, C12_OpenErrorsNameTheServerButNoSecret) {
  auto missing = entry().open(PostgresServer::instance().url("nowhere"));
  EXPECT_EQ(missing.error().kind(), ErrorKind::kConfig);
  EXPECT_NE(missing.error().message().find("nowhere"), std::string::npos);
  for (std::string url :
       {"postgresql://u:secret@[::1/x", "postgresql://u:secret@127.0.0.1:99999/x",
        "postgresql://u:secret@127.0.0.1:1/x", "postgres://u:secret@h/x?nonsense=1"}) {
    auto target = entry().open(url);
    ASSERT_FALSE(target.ok());
    EXPECT_EQ(target.error().message().find("secret"), std::string::npos)
        << target.error().message();
  }
  EXPECT_EQ(entry().open("postgresql://127.0.0.1:1/x").error().kind(), ErrorKind::kUnavailable);
  EXPECT_EQ(entry().open("postgres://h/x?nonsense=1").error().kind(), ErrorKind::kConfig);
}

}  // namespace
}  // namespace offramp::target::postgres
