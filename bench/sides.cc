// Reads one side of a loaded migration alone, into items, and does nothing with them: what verify
// cannot beat.
//
//   bench_sides PLAN source|target THREADS
// One thread of the source side is the decode figure: gzip → checked items. Prints JSON.
#include <atomic>
#include <thread>
#include <vector>

#include "migrate/migration.h"
#include "program.h"

namespace offramp::bench {
namespace {

struct Counts {
  std::atomic<uint64_t> items{0}, bytes{0};
};

template <class T>
T need(Result<T> result) {
  if (!result.ok()) die(result.error().message());
  return std::move(result).value();
}

void read_source(source::ItemSource& source, const source::Partition& partition, Counts& counts) {
  auto reader = need(source.open(partition, {}));
  ddb::ItemBatch batch;
  model::Position after;
  while (need(reader->next(batch, after))) {
    if (!batch.bad.empty()) die(batch.bad[0].error.message());
    counts.items += batch.size();
    counts.bytes += batch.source_bytes;
  }
}

void read_target(target::Target& target, const target::ReadPartition& partition, Counts& counts) {
  auto reader = need(target.read(partition));
  ddb::ItemBatch batch;
  while (need(reader->next(batch))) {
    counts.items += batch.size();
    counts.bytes += batch.source_bytes;
  }
}

// Calls work(i) for i in 0 … count - 1 from `threads` threads.
template <class Work>
void in_parallel(size_t count, int threads, const Work& work) {
  std::atomic<size_t> next{0};
  std::vector<std::jthread> running;
  for (int i = 0; i < threads; ++i)
    running.emplace_back([&] {
      for (size_t at; (at = next++) < count;) work(at);
    });
}

}  // namespace
}  // namespace offramp::bench

int main(int argc, char** argv) {
  using namespace offramp;
  using namespace offramp::bench;
  if (argc != 4) die("bench_sides PLAN source|target THREADS");
  int threads = std::atoi(argv[3]);
  auto migration = need(migrate::open_migration(argv[1], migrate::Purpose::kLook));
  Counts counts;
  double seconds = 0;
  if (std::string(argv[2]) == "source") {
    auto source = need(migrate::open_source(migration->plan, migration->folder));
    auto partitions = need(source->partitions());
    Stopwatch watch;
    in_parallel(partitions.size(), threads,
                [&](size_t i) { read_source(*source, partitions[i], counts); });
    seconds = watch.seconds();
  } else {
    auto partitions = need(migration->target->read_partitions(threads * 4));
    Stopwatch watch;
    in_parallel(partitions.size(), threads,
                [&](size_t i) { read_target(*migration->target, partitions[i], counts); });
    seconds = watch.seconds();
  }
  std::printf("{\"seconds\":%.6f,\"items\":%lu,\"json_bytes\":%lu}\n", seconds, counts.items.load(),
              counts.bytes.load());
}
