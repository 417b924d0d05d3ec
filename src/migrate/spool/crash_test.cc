// C9: a process that appends, folds, reads and releases is killed at every place where that could
// hurt, and at random moments; what it had said to be done is there afterwards. Also: a full disk,
// and many threads at once.
//
// The victim is this same program, started again with OFFRAMP_SPOOL_VICTIM=WORK:FOLDER; it says on
// its standard output what has been acknowledged.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <set>
#include <sstream>

#include "migrate/spool/spool_fixture_test.h"

namespace offramp::migrate::spool {
namespace {

// The batch of a number is always the same, so that whoever looks afterwards knows it.
void fill_batch(uint64_t number, TestChanges& changes) {
  for (uint64_t i = 0; i < 5; ++i) {
    uint64_t key = (number * 7 + i * 13) % 101;
    changes.put(key, key % 10 == 0 ? "" : "of " + std::to_string(number) + std::string(40, '.'));
  }
}

std::map<uint64_t, std::string> newest(uint64_t batches) {
  std::map<uint64_t, std::string> state;
  for (uint64_t number = 1; number <= batches; ++number) {
    TestChanges changes;
    fill_batch(number, changes);
    for (const model::Change& change : changes.list)
      state[key_of(change.key_json)] = change.image_json;
  }
  return state;
}

void say(const std::string& line) {
  std::string text = line + "\n";
  if (::write(1, text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::_Exit(9);
}

template <class T>
T must(Result<T> result) {
  if (result.ok()) return std::move(result).value();
  say("failed " + std::string(base::error_kind_name(result.error().kind())) + " " +
      result.error().message());
  std::_Exit(8);
}
void must(Status status) {
  if (!status.ok()) must<int>(std::move(status).error());
}

std::unique_ptr<Spool> victim_spool(const std::string& folder, const Options& options) {
  auto spool = must(Spool::open(folder, Spool::Open::kCreate, options));
  if (!spool->origin()) must(spool->begin({.generation = 1, .stream = "arn:stream"}, {}));
  return spool;
}

// Everything that a spool does, on one thread, so that named kill points are met in a known order.
void work(const std::string& folder) {
  auto spool = victim_spool(folder, {.segment_bytes = 2000, .fold_bytes = 4000});
  model::ChangeBatch batch;
  Place at;
  for (uint64_t round = 1;; ++round) {
    TestChanges changes;
    fill_batch(spool->newest_batch() + 1, changes);
    model::ShardState shard{.id = "s", .sequence = std::to_string(spool->newest_batch() + 1)};
    say("batch " + std::to_string(must(spool->append(changes.span(), std::span(&shard, 1)))));
    must(spool->fold({}));
    if (round % 40 >= 20 && must(spool->read(batch, at, 30))) {
      // What is released is at the target.
      say("place " + pack_place(at));
      if (at.base == 0) say("log " + std::to_string(at.batch));
      must(spool->release(at));
    }
  }
}

void append_by_threads(const std::string& folder) {
  auto spool = victim_spool(folder, {.segment_bytes = 20'000});
  std::vector<std::jthread> threads;
  for (uint64_t thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] {
      for (uint64_t i = 0;; ++i) {
        TestChanges changes;
        changes.put(thread * 1'000'000 + i, "x");
        must(spool->append(changes.span(), {}));
        say("key " + std::to_string(thread * 1'000'000 + i));
      }
    });
}

void append_until_full(const std::string& folder) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{.rlim_cur = 100'000, .rlim_max = 100'000};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  auto spool = victim_spool(folder, {});
  for (;;) {
    TestChanges changes;
    fill_batch(spool->newest_batch() + 1, changes);
    auto number = spool->append(changes.span(), {});
    if (number.ok()) {
      say("batch " + std::to_string(*number));
      continue;
    }
    say("refused " + std::string(base::error_kind_name(number.error().kind())));
    say("again " + spool->append({}, {}).error().code());
    // What was acknowledged can still be read.
    uint64_t changes_read = 0;
    model::ChangeBatch batch;
    Place at;
    while (must(spool->read(batch, at, 100))) changes_read += batch.changes.size();
    say("read " + std::to_string(changes_read));
    std::_Exit(0);
  }
}

class Victim : public ::testing::Environment {
  void SetUp() override {
    const char* order = std::getenv("OFFRAMP_SPOOL_VICTIM");
    if (!order) return;
    const char* folder = std::strchr(order, ':') + 1;
    if (std::strncmp(order, "work", 4) == 0) work(folder);
    if (std::strncmp(order, "threads", 7) == 0) append_by_threads(folder);
    if (std::strncmp(order, "full", 4) == 0) append_until_full(folder);
    std::_Exit(7);
  }
};
const auto* const kVictim = ::testing::AddGlobalTestEnvironment(new Victim);

struct Outcome {
  int status = 0;
  std::map<std::string, std::string> newest;  // by a line's first word
  std::set<std::string> lines;
};

// Runs a victim; kills it after `lines_max` lines, unless it ends before. 0: lets it be.
Outcome run_victim(const std::string& what, const std::string& folder, const std::string& kill_at,
                   int lines_max) {
  int pipe[2];
  EXPECT_EQ(::pipe(pipe), 0);
  ::fcntl(pipe[0], F_SETFD, FD_CLOEXEC);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, pipe[1], 1);
  std::vector<std::string> variables{"OFFRAMP_SPOOL_VICTIM=" + what + ":" + folder};
  if (!kill_at.empty()) variables.push_back("OFFRAMP_KILL_AT=" + kill_at);
  std::vector<char*> environment;
  for (std::string& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);
  char name[] = "victim", quiet[] = "--gtest_brief=1";
  char* arguments[] = {name, quiet, nullptr};
  pid_t pid = 0;
  EXPECT_EQ(::posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, arguments, environment.data()),
            0);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[1]);
  Outcome out;
  std::string text;
  char bytes[4096];
  int lines = 0;
  for (ssize_t size; (size = ::read(pipe[0], bytes, sizeof bytes)) > 0;) {
    text.append(bytes, static_cast<size_t>(size));
    lines += static_cast<int>(std::count(bytes, bytes + size, '\n'));
    if (lines_max > 0 && lines >= lines_max) ::kill(pid, SIGKILL);
  }
  ::close(pipe[0]);
  ::waitpid(pid, &out.status, 0);
  text.resize(text.rfind('\n') + 1);  // npos + 1 is 0
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    size_t blank = line.find(' ');
    if (blank == line.npos) continue;
    out.newest[line.substr(0, blank)] = line.substr(blank + 1);
    out.lines.insert(line);
  }
  EXPECT_FALSE(out.newest.contains("failed")) << out.newest["failed"];
  return out;
}

bool was_killed(const Outcome& outcome) {
  return WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGKILL;
}

// Where a target stands: at `place`, and before that at least once behind batch `log` of the log.
struct Stands {
  Place place;
  uint64_t log = 0;
};

// What a target holds that stands there, and then reads the rest of the spool, against what was
// captured.
void expect_whole(const Folder& folder, const Outcome& outcome, Stands& stands) {
  uint64_t acknowledged =
      outcome.newest.contains("batch") ? std::stoull(outcome.newest.at("batch")) : 0;
  if (outcome.newest.contains("place"))
    stands.place = unpack_place(outcome.newest.at("place")).value();
  if (outcome.newest.contains("log"))
    stands.log = std::max<uint64_t>(stands.log, std::stoull(outcome.newest.at("log")));
  auto spool = folder.open();
  if (!spool->origin()) {
    EXPECT_EQ(acknowledged, 0u);
    return;
  }
  uint64_t batches = spool->newest_batch();
  EXPECT_GE(batches, acknowledged);
  EXPECT_LE(batches, acknowledged + 1);
  if (batches > 0) {
    ASSERT_EQ(spool->shards().size(), 1u);
    EXPECT_EQ(spool->shards()[0].sequence, std::to_string(batches));
  }
  const Place& place = stands.place;
  std::map<uint64_t, std::string> state = newest(place.base != 0 ? stands.log : place.batch);
  // Of a base, the keys up to the place have been read.
  for (const auto& [key, image] : newest(place.base)) {
    Place at{.generation = place.generation, .base = place.base, .key = digest_of(key)};
    if (!place_before(place, at)) state[key] = image;
  }
  auto sought = spool->seek(place);
  ASSERT_TRUE(sought.ok()) << sought.error().message();
  for (Read read; (read = read_some(*spool, 30)).any;) read.into(state);
  EXPECT_EQ(state, newest(batches)) << "from " << pack_place(place);
}

TEST(SpoolCrash, C9_KilledAtEveryNamedPlace) {
  for (const char* point :
       {"spool.before_begin", "spool.begun", "spool.written", "spool.rolled", "spool.fold_noting",
        "spool.fold_added", "spool.fold_noted", "spool.base_released"}) {
    int most = std::string_view(point).find("beg") != std::string_view::npos ? 1 : 5;
    Folder folder;
    folder.options = {.segment_bytes = 2000, .fold_bytes = 4000};
    Stands stands;
    for (int nth = 1; nth <= most; ++nth) {
      SCOPED_TRACE(std::string(point) + ":" + std::to_string(nth));
      Outcome outcome = run_victim("work", folder.spool(),
                                   std::string(point) + ":" + std::to_string(nth), 20'000);
      ASSERT_TRUE(was_killed(outcome));
      ASSERT_LT(outcome.lines.size(), 15'000u) << "the place was never met";
      expect_whole(folder, outcome, stands);
      if (HasFailure()) return;
    }
  }
}

TEST(SpoolCrash, C9_KilledAtRandomMoments) {
  Folder folder;
  folder.options = {.segment_bytes = 2000, .fold_bytes = 4000};
  Stands stands;
  for (int lines : {3, 40, 111, 57, 200, 90, 33, 150}) {
    Outcome outcome = run_victim("work", folder.spool(), "", lines);
    ASSERT_TRUE(was_killed(outcome));
    expect_whole(folder, outcome, stands);
    if (HasFailure()) return;
  }
}

TEST(SpoolCrash, C9_WhatManyThreadsWereToldIsThere) {
  for (int lines : {50, 700, 2000}) {
    Folder folder;
    Outcome outcome = run_victim("threads", folder.spool(), "", lines);
    ASSERT_TRUE(was_killed(outcome));
    auto spool = folder.open();
    std::set<uint64_t> keys;
    for (Read read; (read = read_some(*spool, 100)).any;)
      for (const Seen& seen : read.changes) EXPECT_TRUE(keys.insert(seen.key).second);
    for (const std::string& line : outcome.lines)
      if (line.starts_with("key ")) {
        EXPECT_TRUE(keys.contains(std::stoull(line.substr(4)))) << line;
      }
    EXPECT_LE(keys.size(), outcome.lines.size() + 4);
  }
}

TEST(SpoolCrash, AFullDiskIsSaidAndCostsNothing) {
  Folder folder;
  Outcome outcome = run_victim("full", folder.spool(), "", 0);
  ASSERT_TRUE(WIFEXITED(outcome.status));
  EXPECT_EQ(WEXITSTATUS(outcome.status), 0);
  EXPECT_EQ(outcome.newest["refused"], "unavailable");
  EXPECT_EQ(outcome.newest["again"], "spool.io");
  uint64_t batches = std::stoull(outcome.newest.at("batch"));
  EXPECT_GT(batches, 50u);
  EXPECT_EQ(outcome.newest["read"], std::to_string(batches * 5));
  // With room again, another process goes on.
  auto spool = folder.open();
  EXPECT_EQ(spool->newest_batch(), batches);
  EXPECT_EQ(spool->append({}, {}).value(), batches + 1);
}

TEST(SpoolThreads, AppendReadFoldReleaseAndAskAtOnce) {
  Folder folder;
  folder.options = {.segment_bytes = 3000, .fold_bytes = 6000};
  auto spool = folder.begun(1);
  constexpr uint64_t kThreads = 3, kEach = 400;
  std::atomic<uint64_t> running{kThreads};
  std::map<uint64_t, std::string> state;
  {
    std::vector<std::jthread> threads;
    for (uint64_t thread = 0; thread < kThreads; ++thread)
      threads.emplace_back([&, thread] {
        for (uint64_t i = 0; i < kEach; ++i) {
          TestChanges changes;
          changes.put(thread * 100 + i % 37, std::to_string(i));
          model::ShardState shard{.id = "s" + std::to_string(thread),
                                  .sequence = std::to_string(i)};
          EXPECT_TRUE(spool->append(changes.span(), std::span(&shard, 1)).ok());
        }
        --running;
      });
    threads.emplace_back([&] {
      while (running > 0) {
        spool->wait_newer(spool->newest_batch(), std::chrono::milliseconds(1), {});
        EXPECT_LE(spool->shards().size(), kThreads);
        spool->size();
        auto view = Spool::open(folder.spool(), Spool::Open::kReadOnly, {});
        EXPECT_TRUE(view.ok()) << view.error().message();
      }
    });
    for (int i = 0; running > 0; ++i) {
      EXPECT_TRUE(spool->fold({}).ok());
      if (i % 3 != 0) continue;
      Read read = read_some(*spool, 50);
      read.into(state);
      if (read.any) {
        EXPECT_TRUE(spool->release(read.after).ok());
      }
    }
  }
  for (Read read; (read = read_some(*spool, 50)).any;) read.into(state);
  EXPECT_EQ(spool->newest_batch(), kThreads * kEach);
  EXPECT_EQ(state.size(), kThreads * 37);
  for (const auto& [key, image] : state)
    EXPECT_EQ(image, std::to_string((kEach - 1 - key % 100) / 37 * 37 + key % 100));
}

}  // namespace
}  // namespace offramp::migrate::spool
