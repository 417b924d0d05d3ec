// Workers take partitions one by one; each has its own reader, splitter and loader. The first error
// stops all.
#include "migrate/load.h"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "ddb/wire_json.h"
#include "migrate/item_key.h"
#include "migrate/workers.h"

namespace offramp::migrate {
namespace {

void count(LoadMeter& meter, uint64_t records, uint64_t bytes, const LoadCounts& before,
           const LoadCounts& after) {
  meter.records += records;
  meter.bytes += bytes;
  meter.stored += after.stored - before.stored;
  meter.overflow += after.overflow - before.overflow;
  meter.skipped += after.skipped - before.skipped;
  meter.refused += after.refused - before.refused;
}

class LoadRun {
 public:
  LoadRun(source::ItemSource& source, const std::vector<source::Partition>& partitions,
          target::Target& target, std::shared_ptr<const mapping::CompiledMapping> mapping,
          Journal& journal, Progress& progress, const LoadOptions& options)
      : source_(source),
        partitions_(partitions),
        target_(target),
        mapping_(std::move(mapping)),
        journal_(journal),
        progress_(progress),
        options_(options),
        pool_(std::make_shared<target::BatchPool>(32)) {}

  Result<LoadOutcome> run();

 private:
  Status work();
  Status load_partition(const source::Partition& partition, mapping::Splitter& splitter,
                        target::Loader& loader);
  Status file_letters(const std::string& partition, const target::LoadBatch& batch,
                      std::vector<Letter>& letters);
  // The source's waits end with kCancelled at a signal; that is no failure.
  bool stopped_by(const Error& error) const {
    return error.kind() == ErrorKind::kCancelled && options_.stop.stop_requested();
  }
  bool stopping() const { return options_.stop.stop_requested() || failed_.load(); }

  source::ItemSource& source_;
  const std::vector<source::Partition>& partitions_;
  target::Target& target_;
  const std::shared_ptr<const mapping::CompiledMapping> mapping_;
  Journal& journal_;
  Progress& progress_;
  const LoadOptions& options_;
  const std::shared_ptr<target::BatchPool> pool_;

  std::map<std::string, model::Position> resume_;  // constant while workers run
  std::atomic<size_t> next_partition_{0};
  std::atomic<bool> failed_{false};
  std::atomic<uint64_t> open_letters_{0};
  std::mutex mutex_;  // guards what follows
  LoadOutcome outcome_;
};

Status LoadRun::file_letters(const std::string& partition, const target::LoadBatch& batch,
                             std::vector<Letter>& letters) {
  for (const ddb::BadRecord& bad : batch.items.bad) {
    Letter letter;
    letter.partition = partition;
    letter.ordinal = bad.ordinal;
    letter.body = bad.raw;
    letter.body_is_item = false;
    letter.code = bad.error.code();
    letter.reason = bad.error.message();
    letters.push_back(std::move(letter));
  }
  if (letters.empty()) return {};
  TRY(journal_.add_letters(letters));
  if (open_letters_.fetch_add(letters.size()) + letters.size() > kOpenLettersMax)
    return Error(ErrorKind::kBadItem, "load.too_many_letters",
                 "more than " + with_commas(kOpenLettersMax) +
                     " items were refused: the plan does not fit the data. See `offramp letters "
                     "PLAN list`, mend the "
                     "plan and start over with a new one");
  return {};
}

Status LoadRun::load_partition(const source::Partition& partition, mapping::Splitter& splitter,
                               target::Loader& loader) {
  model::Position resume;
  LoadCounts counts;
  if (auto found = resume_.find(partition.id); found != resume_.end()) {
    UnpackedToken token = TRY(unpack_token(found->second.token));
    counts = token.counts;
    resume = found->second;
    resume.token = token.source_token;
  }
  if (!resume.done) {
    auto opened = source_.open(partition, resume);
    if (!opened.ok()) return stopped_by(opened.error()) ? Status() : std::move(opened).error();
    auto reader = std::move(opened).value();
    std::vector<Letter> letters;
    std::string why;
    bool more = true;
    while (more) {
      if (stopping())
        return loader.flush();  // what is whole stays; the partition goes on at the next start
      auto batch = pool_->take();
      batch->partition = partition.id;
      auto next = reader->next(batch->items, batch->after);
      if (!next.ok()) return stopped_by(next.error()) ? loader.flush() : std::move(next).error();
      more = *next;
      batch->rows.reset(mapping_->tables().size());
      const LoadCounts before = counts;
      letters.clear();
      for (size_t i = 0; i < batch->items.size(); ++i) {
        ddb::ItemView item = batch->items.item(i);
        switch (splitter.split(item, batch->rows, why)) {
          case mapping::Outcome::kRow:
            ++counts.stored;
            break;
          case mapping::Outcome::kOverflow:
            ++counts.stored, ++counts.overflow;
            break;
          case mapping::Outcome::kSkipped:
            ++counts.skipped;
            break;
          case mapping::Outcome::kRefused:
            ++counts.refused;
            letters.push_back(make_letter(partition.id, batch->items.ordinal(i), item,
                                          mapping_->key(), "item.refused", why));
            break;
        }
      }
      counts.refused += batch->items.bad.size();
      TRY(file_letters(partition.id, *batch, letters));
      const uint64_t records = batch->items.size() + batch->items.bad.size(),
                     bytes = batch->items.source_bytes;
      progress_.add(records, bytes);
      resume = batch->after;
      batch->after.token = pack_token(counts, batch->after.token);
      TRY(loader.append(std::move(batch)));
      if (options_.meter) count(*options_.meter, records, bytes, before, counts);
    }
  }
  std::lock_guard lock(mutex_);
  outcome_.counts += counts;
  outcome_.records += resume.records;
  return {};
}

Status LoadRun::work() {
  auto loader = TRY(target_.loader());
  mapping::Splitter splitter(mapping_);
  while (!stopping()) {
    size_t index = next_partition_.fetch_add(1);
    if (index >= partitions_.size()) break;
    TRY(load_partition(partitions_[index], splitter, *loader));
  }
  TRY(loader->flush());
  std::lock_guard lock(mutex_);
  std::vector<mapping::AttributeFate> fates = splitter.fates();
  if (outcome_.fates.empty()) {
    outcome_.fates = std::move(fates);
    return {};
  }
  for (mapping::AttributeFate& fate : fates) {
    auto same = std::find_if(
        outcome_.fates.begin(), outcome_.fates.end(), [&](const mapping::AttributeFate& other) {
          return other.table == fate.table && other.attribute == fate.attribute;
        });
    if (same == outcome_.fates.end()) {
      outcome_.fates.push_back(std::move(fate));
      continue;
    }
    same->values += fate.values;
    same->through_extra += fate.through_extra;
    same->dropped += fate.dropped;
  }
  return {};
}

Result<LoadOutcome> LoadRun::run() {
  resume_ = TRY(target_.positions());
  open_letters_ = TRY(journal_.letter_counts()).open;
  std::optional<uint64_t> total = 0, total_bytes = 0;
  uint64_t already = 0;
  for (const source::Partition& partition : partitions_) {
    if (total && partition.items) *total += *partition.items;
    if (!partition.items) total.reset();
    if (total_bytes && partition.bytes) *total_bytes += *partition.bytes;
    if (!partition.bytes) total_bytes.reset();
    if (auto found = resume_.find(partition.id); found != resume_.end())
      already += found->second.records;
  }
  progress_.begin("load", total, total_bytes, already);
  size_t workers = std::min<size_t>(static_cast<size_t>(options_.loaders),
                                    std::max<size_t>(partitions_.size(), 1));
  Status status = run_workers(
      static_cast<int>(workers), [this](int) { return work(); }, [this] { failed_ = true; });
  progress_.end();
  TRY(std::move(status));
  if (options_.stop.stop_requested())
    return Error(ErrorKind::kCancelled, "load.stopped",
                 "stopped by a signal; everything up to the newest checkpoint is kept. Run the "
                 "same command to go on");
  return std::move(outcome_);
}

}  // namespace

Letter make_letter(const std::string& partition, uint64_t ordinal, ddb::ItemView item,
                   const model::KeySchema& key, std::string code, std::string reason) {
  Letter letter;
  letter.partition = partition;
  letter.ordinal = ordinal;
  ddb::append_item_json(item, letter.body);
  ItemKey item_key(key);
  if (item_key.take(item)) {
    letter.key_digest = digest_bytes(item_key.digest());
    letter.key_json = item_key.json();
  }
  letter.code = std::move(code);
  letter.reason = std::move(reason);
  return letter;
}

Result<LoadOutcome> load(source::ItemSource& source,
                         const std::vector<source::Partition>& partitions, target::Target& target,
                         std::shared_ptr<const mapping::CompiledMapping> mapping, Journal& journal,
                         Progress& progress, const LoadOptions& options) {
  return LoadRun(source, partitions, target, std::move(mapping), journal, progress, options).run();
}

}  // namespace offramp::migrate
