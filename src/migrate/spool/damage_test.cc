// C6: what a torn write leaves is cut off; any other damage to the log is an error that names the
// file, never less data.
#include <fstream>

#include "migrate/spool/files.h"
#include "migrate/spool/frame.h"
#include "migrate/spool/spool_fixture_test.h"

namespace offramp::migrate::spool {
namespace {

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
void put_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// One batch per append, so each frame was on disk before the next was written.
void append_batches(Spool& spool, int count) {
  for (int i = 0; i < count; ++i) {
    TestChanges changes;
    changes.put(static_cast<uint64_t>(i), "image " + std::to_string(i));
    model::ShardState shard{.id = "s", .sequence = std::to_string(i)};
    ASSERT_TRUE(spool.append(changes.span(), std::span(&shard, 1)).ok());
  }
}

// Offsets of the frames, and the end.
std::vector<size_t> frames_of(const std::string& bytes) {
  std::vector<size_t> out;
  size_t at = 0;
  while (at < bytes.size()) {
    out.push_back(at);
    at += kHeaderBytes + parse_header(std::string_view(bytes).substr(at))->length;
  }
  out.push_back(at);
  return out;
}

// Opens and reads all; the number of batches, or the error.
Result<uint64_t> read_whole(const Folder& folder) {
  auto spool = TRY(Spool::open(folder.spool(), Spool::Open::kCreate, folder.options));
  model::ChangeBatch batch;
  Place after;
  uint64_t changes = 0;
  while (TRY(spool->read(batch, after, 3))) changes += batch.changes.size();
  EXPECT_EQ(changes, spool->newest_batch());
  EXPECT_EQ(spool->shards().size(), changes == 0 ? 0u : 1u);
  if (changes > 0) {
    EXPECT_EQ(spool->shards()[0].sequence, std::to_string(changes - 1));
  }
  return changes;
}

TEST(SpoolDamage, ATornTailIsCutOffAtEveryByte) {
  Folder folder;
  append_batches(*folder.begun(1), 4);
  std::string path = folder.newest_segment(1), whole = bytes_of(path);
  std::vector<size_t> frames = frames_of(whole);
  ASSERT_EQ(frames.size(), 6u);
  for (size_t size = frames[1]; size <= whole.size(); ++size) {
    put_bytes(path, whole.substr(0, size));
    uint64_t batches = 0;
    while (batches + 2 < frames.size() && frames[batches + 2] <= size) ++batches;
    auto read = read_whole(folder);
    ASSERT_TRUE(read.ok()) << size << ": " << read.error().message();
    EXPECT_EQ(*read, batches) << size;
    EXPECT_EQ(bytes_of(path).size(), frames[batches + 1]);
    // Appending goes on behind it.
    auto spool = folder.open();
    EXPECT_EQ(spool->append({}, {}).value(), batches + 1);
  }
}

TEST(SpoolDamage, AGroupOfWhichOnlyALaterPartReachedTheDiskIsCutOff) {
  Folder folder;
  append_batches(*folder.begun(1), 2);
  std::string path = folder.newest_segment(1), whole = bytes_of(path);
  std::vector<size_t> frames = frames_of(whole);
  // As if both had been written at once: the second did not see the first on disk.
  FrameHeader second = *parse_header(std::string_view(whole).substr(frames[2]));
  second.durable = frames[1];
  write_header(second, whole.data() + frames[2]);
  std::fill(whole.begin() + static_cast<ptrdiff_t>(frames[1]),
            whole.begin() + static_cast<ptrdiff_t>(frames[2]), '\0');
  put_bytes(path, whole);
  EXPECT_EQ(read_whole(folder).value(), 0u);
}

TEST(SpoolDamage, AFlippedBitIsAnErrorOrCostsNothingAcknowledged) {
  Folder folder;
  append_batches(*folder.begun(1), 4);
  std::string path = folder.newest_segment(1), whole = bytes_of(path);
  std::vector<size_t> frames = frames_of(whole);
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string broken = whole;
    broken[at] = static_cast<char>(broken[at] ^ (1 << (at % 8)));
    put_bytes(path, broken);
    auto read = read_whole(folder);
    // The very last record cannot be told from one that was torn.
    if (at >= frames[4]) {
      ASSERT_TRUE(read.ok()) << at;
      EXPECT_EQ(*read, 3u);
      continue;
    }
    ASSERT_FALSE(read.ok()) << at;
    EXPECT_EQ(read.error().kind(), ErrorKind::kCorrupt) << read.error().message();
    EXPECT_NE(read.error().message().find(path), std::string::npos) << read.error().message();
  }
}

TEST(SpoolDamage, OlderSegmentsAreCheckedWhenTheyAreRead) {
  Folder folder;
  folder.options.segment_bytes = 500;
  append_batches(*folder.begun(1), 40);
  std::string generation = folder.spool() + "/gen-00000000000000000001/";
  std::vector<std::string> segments = folder.names("gen-00000000000000000001");
  ASSERT_GT(segments.size(), 4u);
  EXPECT_EQ(read_whole(folder).value(), 40u);
  std::string path = generation + segments[1], whole = bytes_of(path);
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string broken = whole;
    broken[at] = static_cast<char>(broken[at] ^ (1 << (at % 8)));
    put_bytes(path, broken);
    auto read = read_whole(folder);
    ASSERT_FALSE(read.ok()) << at;
    EXPECT_EQ(read.error().kind(), ErrorKind::kCorrupt) << read.error().message();
  }
  for (size_t size = 0; size < whole.size(); size += 7) {
    put_bytes(path, whole.substr(0, size));
    EXPECT_EQ(read_whole(folder).error().kind(), ErrorKind::kCorrupt) << size;
  }
  // A cut between two records.
  put_bytes(path, whole.substr(0, frames_of(whole)[2]));
  EXPECT_EQ(read_whole(folder).error().kind(), ErrorKind::kCorrupt);
  std::filesystem::remove(path);
  auto read = read_whole(folder);
  EXPECT_EQ(read.error().kind(), ErrorKind::kCorrupt);
  EXPECT_NE(read.error().message().find("missing"), std::string::npos);
}

TEST(SpoolDamage, ADamagedBaseIsAnError) {
  Folder folder;
  {
    auto spool = folder.begun(1);
    folder.fill(*spool);
    ASSERT_TRUE(spool->fold({}).value());
  }
  std::string base = folder.spool() + "/gen-00000000000000000001/base-00000000000000000001";
  std::string note = bytes_of(base + ".note");
  for (size_t at = 0; at < note.size(); ++at) {
    std::string broken = note;
    broken[at] = static_cast<char>(broken[at] ^ 1);
    put_bytes(base + ".note", broken);
    auto spool = Spool::open(folder.spool(), Spool::Open::kCreate, folder.options);
    EXPECT_EQ(spool.error().kind(), ErrorKind::kCorrupt) << at;
  }
  put_bytes(base + ".note", note);
  int tables = 0;
  for (const auto& entry : std::filesystem::directory_iterator(base)) {
    if (entry.path().extension() != ".sst") continue;
    std::string bytes = bytes_of(entry.path());
    bytes[bytes.size() / 3] = static_cast<char>(bytes[bytes.size() / 3] ^ 4);
    put_bytes(entry.path(), bytes);
    ++tables;
  }
  ASSERT_GT(tables, 0);
  auto read = read_whole(folder);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().kind(), ErrorKind::kCorrupt) << read.error().message();
  EXPECT_EQ(read.error().message().find("image"), std::string::npos);
}

TEST(SpoolDamage, LeftoversOfAKillGo) {
  Folder folder;
  {
    auto spool = folder.begun(2);
    folder.fill(*spool);
  }
  std::string generation = folder.spool() + "/gen-00000000000000000002/";
  std::filesystem::create_directories(folder.spool() +
                                      "/gen-00000000000000000001/base-00000000000000000001");
  std::filesystem::create_directories(folder.spool() + "/gen-00000000000000000003.part");
  std::filesystem::create_directories(generation + "base-00000000000000000009");
  put_bytes(generation + "log-00000000000000000099.part", "x");
  put_bytes(generation + "base-00000000000000000001.note.part", "x");
  ASSERT_TRUE(
      write_note(generation.substr(0, generation.size() - 1), {.first = 1, .intended = 30}).ok());
  auto spool = folder.open();
  EXPECT_EQ(folder.names(""), std::vector<std::string>{"gen-00000000000000000002"});
  for (const std::string& name : folder.names("gen-00000000000000000002"))
    EXPECT_EQ(name.substr(0, 4), "log-");
  std::map<uint64_t, std::string> state;
  for (Read read; (read = read_some(*spool, 100)).any;) read.into(state);
  EXPECT_EQ(state, folder.expected);
}

}  // namespace
}  // namespace offramp::migrate::spool
