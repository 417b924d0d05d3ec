// What the spool takes in and gives out, beside raw write + fdatasync of the same bytes in the same
// folder.
//
//   bench_spool FOLDER [CHANGES (2,000,000) [KEYS (1,000,000)]]
// A batch is 1,000 changes of keys drawn uniformly, with images of about 700 bytes. Each figure has
// a spool of its own; "fold" appends while another thread folds all the time. Prints JSON:
// changes/s, and the ratio to raw.
#include "migrate/spool/spool.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <random>
#include <thread>

#include "program.h"

namespace offramp::bench {
namespace {

using migrate::spool::Place;
using migrate::spool::Spool;

constexpr size_t kBatch = 1000;

// Batches that are all different, from a few that are prepared.
class Changes {
 public:
  Changes(uint64_t keys) : keys_(keys), batch_(kBatch) {
    std::mt19937_64 random(1);
    for (int i = 0; i < 256; ++i) {
      std::string image = "{\"pk\":{\"S\":\"";
      while (image.size() < 680)
        image += "attribute" + std::to_string(image.size()) + "\":{\"S\":\"" +
                 std::to_string(random()) + "\"},\"";
      images_.push_back(image);
    }
    keys_json_.resize(kBatch);
  }
  std::span<const model::Change> next() {
    for (size_t i = 0; i < kBatch; ++i) {
      uint64_t key = random_() % keys_;
      keys_json_[i] = "{\"pk\":{\"N\":\"" + std::to_string(key) + "\"}}";
      batch_[i].key = {.low = key * 0x9E3779B97F4A7C15ull,
                       .high = (key + 1) * 0xC2B2AE3D27D4EB4Full};
      batch_[i].key_json = keys_json_[i];
      batch_[i].image_json = images_[random_() % images_.size()];
      batch_[i].sequence = "49640000000000000000000000000000000001";
      batch_[i].created_s = 1'700'000'000;
    }
    return batch_;
  }
  uint64_t bytes() const { return (680 + 90) * kBatch; }

 private:
  uint64_t keys_;
  std::mt19937_64 random_{2};
  std::vector<std::string> images_, keys_json_;
  std::vector<model::Change> batch_;
};

template <class T>
T must(Result<T> result) {
  if (!result.ok()) die(result.error().message());
  return std::move(result).value();
}
void must(Status status) {
  if (!status.ok()) die(status.error().message());
}

double raw(const std::string& folder, uint64_t count) {
  std::string path = folder + "/raw";
  int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (file < 0) die(path);
  std::string bytes(Changes(1).bytes(), 'x');
  Stopwatch watch;
  for (uint64_t done = 0; done < count; done += kBatch) {
    if (::write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) die(path);
    if (::fdatasync(file) != 0) die(path);
  }
  double seconds = watch.seconds();
  ::close(file);
  ::unlink(path.c_str());
  return static_cast<double>(count) / seconds;
}

std::unique_ptr<Spool> begun(const std::string& folder) {
  std::filesystem::remove_all(folder);
  auto spool = must(Spool::open(folder, Spool::Open::kCreate, {}));
  must(spool->begin({.generation = 1, .stream = "bench"}, {}));
  return spool;
}

double append(Spool& spool, uint64_t count, uint64_t keys) {
  Changes changes(keys);
  model::ShardState shard{.id = "shardId-00000001700000000000-00000001",
                          .sequence = std::string(38, '4')};
  Stopwatch watch;
  for (uint64_t done = 0; done < count; done += kBatch)
    must(spool.append(changes.next(), std::span(&shard, 1)));
  return static_cast<double>(count) / watch.seconds();
}

struct Rate {
  double changes_per_second;
  uint64_t changes;
};

Rate read_all(Spool& spool) {
  model::ChangeBatch batch;
  Place after;
  uint64_t count = 0;
  Stopwatch watch;
  while (must(spool.read(batch, after, 4000))) count += batch.changes.size();
  return {static_cast<double>(count) / watch.seconds(), count};
}

}  // namespace
}  // namespace offramp::bench

int main(int argc, char** argv) {
  using namespace offramp::bench;
  if (argc < 2) die("bench_spool FOLDER [CHANGES [KEYS]]");
  std::string folder = argv[1];
  uint64_t count = argc > 2 ? std::stoull(argv[2]) : 2'000'000,
           keys = argc > 3 ? std::stoull(argv[3]) : 1'000'000;
  double limit = raw(folder, count);
  auto spool = begun(folder + "/log");
  double alone = append(*spool, count, keys);
  Rate log = read_all(*spool);
  spool.reset();
  std::filesystem::remove_all(folder + "/log");

  spool = begun(folder + "/fold");
  std::atomic<uint64_t> folds{0};
  double folding, fold_seconds = 0;
  {
    std::jthread folder_thread([&](std::stop_token stop) {
      while (!stop.stop_requested()) {
        Stopwatch watch;
        auto folded = spool->fold(stop);
        if (!folded.ok() && folded.error().kind() != offramp::ErrorKind::kCancelled)
          die(folded.error().message());
        if (folded.ok() && *folded) {
          ++folds;
          fold_seconds += watch.seconds();
        } else {
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
      }
    });
    folding = append(*spool, count, keys);
  }
  while (must(spool->fold({}))) ++folds;
  auto size = spool->size();
  Rate base = read_all(*spool);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "{\"changes\":%lu,\"keys\":%lu,\"raw\":%.0f,\"append\":%.0f,\"append_ratio\":%.3f,\"append_"
      "while_folding\":%.0f,"
      "\"append_while_folding_ratio\":%.3f,\"folds\":%lu,\"fold_seconds\":%.2f,\"log_left\":%lu,"
      "\"base_keys\":%lu,"
      "\"spool_bytes\":%lu,\"read_log\":%.0f,\"read_base_and_rest\":%.0f,\"read_base_changes\":%lu,"
      "\"peak_rss_mb\":%ld}\n",
      count, keys, limit, alone, alone / limit, folding, folding / limit, folds.load(),
      fold_seconds, size.log_changes, size.base_keys, size.bytes, log.changes_per_second,
      base.changes_per_second, base.changes, usage.ru_maxrss / 1024);
  spool.reset();
  std::filesystem::remove_all(folder + "/fold");
}
