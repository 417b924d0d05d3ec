// A list of tasks, taken in an order that mixes both sides so that they finish together.
#include "migrate/verify/side_reader.h"

#include <algorithm>
#include <atomic>

#include "migrate/workers.h"

namespace offramp::migrate::verify {
namespace {

struct Task {
  Side side;
  size_t index;
};

std::vector<Task> mixed_tasks(size_t source_count, size_t target_count) {
  std::vector<Task> tasks;
  for (size_t i = 0; i < std::max(source_count, target_count); ++i) {
    if (i < target_count) tasks.push_back({Side::kTarget, i});
    if (i < source_count) tasks.push_back({Side::kSource, i});
  }
  return tasks;
}

}  // namespace

Status read_sides(source::ItemSource& source, const std::vector<source::Partition>& partitions,
                  target::Target& target, const ReadOptions& options, const EachBatch& each) {
  std::vector<target::ReadPartition> pieces;
  if (options.target) pieces = TRY(target.read_partitions(options.threads * 4));
  std::vector<Task> tasks = mixed_tasks(options.source ? partitions.size() : 0, pieces.size());

  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};

  auto run_task = [&](int worker, const Task& task, ddb::ItemBatch& batch) -> Status {
    auto stopping = [&] { return failed.load() || options.stop.stop_requested(); };
    if (task.side == Side::kSource) {
      auto reader = TRY(source.open(partitions[task.index], {}));
      model::Position after;
      bool more = true;
      while (more && !stopping()) {
        more = TRY(reader->next(batch, after));
        TRY(each(worker, Side::kSource, batch));
      }
      return {};
    }
    auto reader = TRY(target.read(pieces[task.index]));
    while (!stopping() && TRY(reader->next(batch))) TRY(each(worker, Side::kTarget, batch));
    return {};
  };
  auto work = [&](int worker) -> Status {
    ddb::ItemBatch batch;
    while (!failed && !options.stop.stop_requested()) {
      size_t index = next.fetch_add(1);
      if (index >= tasks.size()) break;
      TRY(run_task(worker, tasks[index], batch));
    }
    return {};
  };
  TRY(run_workers(options.threads, work, [&] { failed = true; }));
  if (options.stop.stop_requested())
    return Error(ErrorKind::kCancelled, "verify.stopped", "stopped by a signal");
  return {};
}

}  // namespace offramp::migrate::verify
