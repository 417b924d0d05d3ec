// The passes of a verification, and repair between two of them.
#include "migrate/verify/verify.h"

#include <chrono>
#include <ctime>
#include <set>
#include <unordered_map>

#include "ddb/wire_json.h"
#include "migrate/item_key.h"
#include "migrate/load.h"
#include "migrate/migration.h"
#include "migrate/verify/buckets.h"
#include "migrate/verify/expected_item.h"
#include "migrate/verify/scratch.h"
#include "migrate/verify/settle.h"
#include "migrate/verify/side_reader.h"

namespace offramp::migrate::verify {
namespace {

constexpr size_t kLookupItems = 256;  // keys per get() or apply() of the target
constexpr size_t kImageBytesMax = 32u
                                  << 20;  // of items held to name their differing attributes (C10)

// What one thread needs to look at items.
struct Worker {
  Worker(const Migration& migration)
      : key(migration.mapping->key()), expected(migration.mapping, migration.plan.tables) {}
  ItemKey key;
  ExpectedItem expected;
  Buckets source, target;
  uint64_t unreadable = 0;
  std::vector<ScratchRow> rows;
};

class Verification {
 public:
  Verification(Migration& migration, Progress& progress, const Options& options)
      : migration_(migration), progress_(progress), options_(options) {}

  Result<Report> run();

 private:
  Status compare_sides();
  Status sum_buckets();
  Status compare_keys();
  Status name_attributes();
  Status repair();
  Status sample();
  Status judge_letters();
  // A difference that was seen once: a finding, or while moving a suspect.
  Status suspect(Finding finding, const std::string& key_digest, const std::string& key_json);
  Status settle_suspects();
  Status repair_moving();
  Status name_moving_attributes();
  Status add_finding(Finding finding, const std::string& key_digest, const std::string& key_json);
  std::vector<std::unique_ptr<Worker>> make_workers() const;
  Status read(bool source, bool target, const EachBatch& each);
  Status check_stop() const;
  void conclude();

  Migration& migration_;
  Progress& progress_;
  const Options& options_;
  std::vector<source::Partition> partitions_;
  uint64_t total_ =
      0;  // items of both sides, as far as the load counted them: for the progress bar
  Report report_;
  std::vector<bool> differing_;  // per bucket
  std::unique_ptr<Scratch> scratch_;
};

std::vector<std::unique_ptr<Worker>> Verification::make_workers() const {
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < options_.threads; ++i)
    workers.push_back(std::make_unique<Worker>(migration_));
  return workers;
}

Status Verification::read(bool source, bool target, const EachBatch& each) {
  ReadOptions read_options;
  read_options.threads = options_.threads;
  read_options.source = source;
  read_options.target = target;
  read_options.stop = options_.stop;
  return read_sides(*migration_.source, partitions_, *migration_.target, read_options, each);
}

Status Verification::check_stop() const {
  if (!options_.stop.stop_requested()) return {};
  return Error(ErrorKind::kCancelled, "verify.stopped", "stopped by a signal");
}

Status Verification::sum_buckets() {
  auto workers = make_workers();
  progress_.begin("verify", total_);
  TRY(read(true, true, [&](int index, Side side, ddb::ItemBatch& batch) -> Status {
    Worker& worker = *workers[static_cast<size_t>(index)];
    for (size_t i = 0; i < batch.size(); ++i) {
      ddb::ItemView item = batch.item(i);
      if (side == Side::kSource && !(item = worker.expected.of(item))) continue;
      // An item of the source without a readable key is a dead letter; the target cannot have one.
      if (!worker.key.take(item)) {
        if (side == Side::kSource) ++worker.unreadable;
        continue;
      }
      (side == Side::kSource ? worker.source : worker.target)
          .add(worker.key.digest(), ddb::digest(item));
    }
    if (side == Side::kSource) worker.unreadable += batch.bad.size();
    progress_.add(batch.size(), batch.source_bytes);
    return {};
  }));
  progress_.end();
  Buckets source, target;
  for (auto& worker : workers) {
    source.merge(worker->source);
    target.merge(worker->target);
    report_.skipped += worker->expected.skipped();
    report_.dropped_values += worker->expected.dropped_values();
    report_.unreadable += worker->unreadable;
  }
  report_.source_items = source.items;
  report_.target_items = target.items;
  differing_.assign(kBuckets, false);
  for (size_t i = 0; i < kBuckets; ++i) differing_[i] = source.sums[i] != target.sums[i];
  return {};
}

Status Verification::compare_keys() {
  if (std::find(differing_.begin(), differing_.end(), true) == differing_.end()) return {};
  scratch_ = TRY(Scratch::create(migration_.folder + "/verify-scratch.sqlite"));
  auto workers = make_workers();
  progress_.begin("compare", total_);
  TRY(read(true, true, [&](int index, Side side, ddb::ItemBatch& batch) -> Status {
    Worker& worker = *workers[static_cast<size_t>(index)];
    worker.rows.clear();
    for (size_t i = 0; i < batch.size(); ++i) {
      ddb::ItemView item = batch.item(i);
      if (side == Side::kSource && !(item = worker.expected.of(item))) continue;
      if (!worker.key.take(item)) continue;
      ddb::Digest key = worker.key.digest();
      if (differing_[bucket_of(key)])
        worker.rows.push_back(
            {digest_bytes(key), digest_bytes(ddb::digest(item)), worker.key.json()});
    }
    progress_.add(batch.size(), batch.source_bytes);
    return scratch_->add(side, worker.rows);
  }));
  progress_.end();
  report_.source_copies = TRY(scratch_->compare(
      [&](Finding finding, const std::string& key_digest, const std::string& key_json) {
        return suspect(finding, key_digest, key_json);
      }));
  return {};
}

Status Verification::suspect(Finding finding, const std::string& key_digest,
                             const std::string& key_json) {
  if (!options_.moving) return add_finding(finding, key_digest, key_json);
  ++report_.suspects;
  return scratch_->remember(Finding::kSuspect, key_digest, key_json);
}

// What differed at first and differs still, for good.
Status Verification::settle_suspects() {
  if (report_.suspects == 0) return {};
  progress_.begin("settle", report_.suspects);
  report_.unsettled = TRY(settle(
      migration_, *options_.moving, *scratch_, progress_,
      [&](Finding finding, const std::string& key_digest, const std::string& key_json) {
        return add_finding(finding, key_digest, key_json);
      },
      options_.stop));
  progress_.end();
  return {};
}

Status Verification::add_finding(Finding finding, const std::string& key_digest,
                                 const std::string& key_json) {
  // A change that was refused leaves the older image, or a row that should have gone.
  if (options_.moving && finding != Finding::kMissing) {
    auto state = TRY(migration_.journal->letter_state_of_key(key_digest));
    if (state == LetterState::kOpen) finding = Finding::kRefused;
    if (state == LetterState::kWaived) finding = Finding::kWaived;
  }
  // A key in a dead letter is accounted for: it is refused, not lost. A duplicate's other copy is
  // in the table, so "different" stays what it is.
  if (finding == Finding::kMissing) {
    auto state = TRY(migration_.journal->letter_state_of_key(key_digest));
    if (state == LetterState::kOpen) finding = Finding::kRefused;
    if (state == LetterState::kWaived) finding = Finding::kWaived;
  }
  switch (finding) {
    case Finding::kMissing:
      ++report_.missing;
      break;
    case Finding::kExtra:
      ++report_.extra;
      break;
    case Finding::kDifferent:
      ++report_.different;
      break;
    case Finding::kRefused:
      ++report_.refused;
      break;
    case Finding::kWaived:
      ++report_.waived;
      break;
    case Finding::kSuspect:
      break;
  }
  if (report_.findings.size() < options_.details_max)
    report_.findings.push_back({finding, key_json, {}});
  return scratch_->remember(finding, key_digest, key_json);
}

// Names of top-level attributes whose values differ.
std::vector<std::string> differing_attributes(ddb::ItemView a, ddb::ItemView b) {
  std::set<std::string> names;
  for (ddb::ValueView attribute : a) {
    ddb::ValueView other = b.find(attribute.name());
    if (!other || !ddb::equal(attribute, other)) names.emplace(attribute.name());
  }
  for (ddb::ValueView attribute : b)
    if (!a.find(attribute.name())) names.emplace(attribute.name());
  return {names.begin(), names.end()};
}

Status Verification::name_attributes() {
  // Pass 3: the first image of a differing key waits for the other side's, and goes when that has
  // come.
  struct Waiting {
    KeyFinding* finding;
    std::optional<Side> side;  // of `image`
    std::string image;         // JSON with padding
  };
  std::unordered_map<std::string, Waiting> wanted;  // by key JSON; guarded by mutex
  for (KeyFinding& finding : report_.findings)
    if (finding.finding == Finding::kDifferent)
      wanted.emplace(finding.key_json, Waiting{&finding, {}, {}});
  if (wanted.empty()) return {};
  std::mutex mutex;
  ddb::JsonDecoder decoder;  // guarded by mutex
  size_t held = 0;           // bytes of images; guarded by mutex
  auto workers = make_workers();
  progress_.begin("details", total_);
  TRY(read(true, true, [&](int index, Side side, ddb::ItemBatch& batch) -> Status {
    Worker& worker = *workers[static_cast<size_t>(index)];
    for (size_t i = 0; i < batch.size(); ++i) {
      ddb::ItemView item = batch.item(i);
      if (side == Side::kSource && !(item = worker.expected.of(item))) continue;
      if (!worker.key.take(item) || !differing_[bucket_of(worker.key.digest())]) continue;
      std::lock_guard lock(mutex);
      auto found = wanted.find(worker.key.json());
      if (found == wanted.end()) continue;
      Waiting& waiting = found->second;
      if (!waiting.side) {
        std::string image;
        ddb::append_item_json(item, image);
        if (held + image.size() > kImageBytesMax)
          continue;  // that key's attributes may stay unnamed
        held += image.size();
        image.append(ddb::kJsonPadding, '\0');
        waiting.image = std::move(image);
        waiting.side = side;
      } else if (*waiting.side != side) {
        size_t size = waiting.image.size() - ddb::kJsonPadding;
        ddb::ItemBatch other;
        uint32_t root = TRY(
            decoder.decode_item({waiting.image.data(), size}, {}, ddb::JsonForm::kTyped, other));
        waiting.finding->attributes =
            differing_attributes(item, ddb::ItemView(&other.nodes()[root]));
        held -= size;
        wanted.erase(found);
      }
    }
    progress_.add(batch.size(), batch.source_bytes);
    return {};
  }));
  progress_.end();
  return {};
}

// Makes the target what the source is, key by key: missing and different keys get the source's
// image, extra keys go.
Status Verification::repair() {
  mapping::Splitter splitter(migration_.mapping);
  mapping::RowBatch keys, rows;
  size_t tables = migration_.mapping->tables().size();
  size_t pending = 0;
  std::set<ddb::Digest> in_batch;  // keys of the rows in hand
  auto begin = [&] {
    keys.reset(tables);
    rows.reset(tables);
    pending = 0;
    in_batch.clear();
  };
  auto flush = [&]() -> Status {
    if (pending == 0) return {};
    TRY(migration_.target->apply(keys, rows));
    report_.repaired += pending;
    begin();
    return {};
  };
  begin();
  progress_.begin("repair", report_.missing + report_.different + report_.extra);
  ExpectedItem expected(migration_.mapping, migration_.plan.tables);
  ItemKey key(migration_.mapping->key());
  std::string why;
  for (const source::Partition& partition : partitions_) {
    auto reader = TRY(migration_.source->open(partition, {}));
    ddb::ItemBatch batch;
    model::Position after;
    bool more = true;
    while (more) {
      TRY(check_stop());
      more = TRY(reader->next(batch, after));
      for (size_t i = 0; i < batch.size(); ++i) {
        ddb::ItemView item = batch.item(i);
        if (!expected.of(item) || !key.take(item)) continue;
        ddb::Digest digest = key.digest();
        if (!differing_[bucket_of(digest)]) continue;
        auto finding = TRY(scratch_->finding(digest_bytes(digest)));
        if (finding != Finding::kMissing && finding != Finding::kDifferent) continue;
        // A key that the source holds twice is written twice, in its order: the last image stays.
        if (!in_batch.insert(digest).second) TRY(flush());
        in_batch.insert(digest);
        mapping::Outcome outcome = splitter.split(item, rows, why);
        if (outcome == mapping::Outcome::kRefused) {
          Letter letter = make_letter(partition.id, batch.ordinal(i), item,
                                      migration_.mapping->key(), "item.refused", why);
          TRY(migration_.journal->add_letters(std::span(&letter, 1)));
          continue;
        }
        TRY(splitter.key_rows(key.view(), keys));
        ++pending;
        progress_.add(1, 0);
      }
      TRY(flush());  // before the batch's bytes go away
    }
  }
  ddb::JsonDecoder decoder;
  std::string after;
  for (;;) {
    TRY(check_stop());
    auto page = TRY(scratch_->page(Finding::kExtra, after, kLookupItems));
    if (page.empty()) break;
    after = page.back().key_digest;
    ddb::ItemBatch batch;
    std::vector<std::string> texts;
    texts.reserve(page.size());
    for (const ScratchRow& row : page) {
      texts.push_back(row.key_json + std::string(ddb::kJsonPadding, '\0'));
      uint32_t root = TRY(decoder.decode_item({texts.back().data(), row.key_json.size()}, {},
                                              ddb::JsonForm::kTyped, batch));
      batch.add_root(root, 0);
    }
    for (size_t i = 0; i < batch.size(); ++i) TRY(splitter.key_rows(batch.item(i), keys));
    pending += page.size();
    progress_.add(page.size(), 0);
    TRY(flush());
  }
  progress_.end();
  return {};
}

// About `sample` items of the source, chosen by their key's digest, looked up at the target.
Status Verification::sample() {
  uint64_t total = 0;
  for (const source::Partition& partition : partitions_) total += partition.items.value_or(0);
  if (total == 0) {
    std::set<std::string> parents;
    for (const mapping::Table& table : migration_.mapping->tables())
      if (table.role != mapping::TableRole::kChild) parents.insert(table.name);
    for (const auto& [table, rows] : TRY(migration_.target->row_counts()))
      if (parents.contains(table)) total += rows;
  }
  uint64_t every = std::max<uint64_t>(1, total / std::max<uint64_t>(1, *options_.sample));
  uint64_t limit = UINT64_MAX / every;
  scratch_ = TRY(Scratch::create(migration_.folder + "/verify-scratch.sqlite"));
  auto workers = make_workers();
  std::mutex mutex;  // guards report_ counts below and the target's get()
  progress_.begin("sample", total);
  TRY(read(true, false, [&](int index, Side, ddb::ItemBatch& batch) -> Status {
    Worker& worker = *workers[static_cast<size_t>(index)];
    mapping::Splitter splitter(migration_.mapping);
    mapping::RowBatch keys;
    keys.reset(migration_.mapping->tables().size());
    struct Chosen {
      std::string key_digest, key_json, item;
      ddb::Digest digest;
    };
    std::unordered_map<std::string, Chosen> chosen;
    for (size_t i = 0; i < batch.size(); ++i) {
      ddb::ItemView item = worker.expected.of(batch.item(i));
      if (!item || !worker.key.take(item)) continue;
      ddb::Digest key = worker.key.digest();
      if (every > 1 && key.low > limit) continue;
      TRY(splitter.key_rows(worker.key.view(), keys));
      std::string bytes = digest_bytes(key);
      chosen[bytes] = {bytes, worker.key.json(), {}, ddb::digest(item)};
    }
    worker.unreadable += batch.bad.size();
    progress_.add(batch.size(), batch.source_bytes);
    if (chosen.empty()) return {};
    std::lock_guard lock(mutex);
    ddb::ItemBatch found;
    TRY(migration_.target->get(keys, found));
    report_.source_items += chosen.size();
    report_.target_items += found.size();
    for (size_t i = 0; i < found.size(); ++i) {
      if (!worker.key.take(found.item(i))) continue;
      auto match = chosen.find(digest_bytes(worker.key.digest()));
      if (match == chosen.end()) continue;
      bool differs = match->second.digest != ddb::digest(found.item(i));
      // The image in hand may be a copy that became a letter; only a full comparison sees all
      // copies of a key.
      if (differs && migration_.source->may_repeat_keys())
        differs = !TRY(migration_.journal->letter_state_of_key(match->first)).has_value();
      if (differs) TRY(suspect(Finding::kDifferent, match->first, match->second.key_json));
      chosen.erase(match);
    }
    for (auto& [digest, item] : chosen) TRY(suspect(Finding::kMissing, digest, item.key_json));
    return {};
  }));
  progress_.end();
  for (auto& worker : workers) report_.unreadable += worker->unreadable;
  report_.sampled = report_.source_items;
  return {};
}

// Letters without a readable key cannot be found by key; they are counted from the journal.
Status Verification::judge_letters() {
  for (const Letter& letter : TRY(migration_.journal->letters(Journal::Bodies::kWithout))) {
    if (letter.state != LetterState::kOpen) continue;
    ++report_.letters_open;
    if (letter.key_digest.empty()) ++report_.unreadable_open;
  }
  return {};
}

void Verification::conclude() {
  report_.equal = report_.missing == 0 && report_.extra == 0 && report_.different == 0 &&
                  report_.refused == 0 && report_.unreadable_open == 0 && report_.unsettled == 0;
  report_.at = utc_text(std::time(nullptr));
}

Status Verification::compare_sides() {
  if (options_.sample) {
    TRY(sample());
  } else {
    TRY(sum_buckets());
    TRY(compare_keys());
  }
  return settle_suspects();
}

// Through the follower's lanes, so that nothing newer is overwritten.
Status Verification::repair_moving() {
  progress_.begin("repair", report_.missing + report_.different + report_.extra);
  for (Finding finding : {Finding::kMissing, Finding::kDifferent, Finding::kExtra}) {
    std::string after;
    for (;;) {
      TRY(check_stop());
      auto page = TRY(scratch_->page(finding, after, 100));
      if (page.empty()) break;
      after = page.back().key_digest;
      std::vector<std::string> keys;
      for (const ScratchRow& row : page) keys.push_back(row.key_json);
      report_.repaired += TRY(options_.moving->refresh(keys));
      progress_.add(keys.size(), 0);
    }
  }
  progress_.end();
  return {};
}

Status Verification::name_moving_attributes() {
  for (KeyFinding& finding : report_.findings) {
    if (finding.finding != Finding::kDifferent) continue;
    BothSides sides;
    TRY(read_both(migration_, *options_.moving, finding.key_json, sides));
    ExpectedItem expected(migration_.mapping, migration_.plan.tables);
    ddb::ItemView source = sides.source ? expected.of(sides.source) : sides.source;
    if (source && sides.target) finding.attributes = differing_attributes(source, sides.target);
  }
  return {};
}

Result<Report> Verification::run() {
  auto begun = std::chrono::steady_clock::now();
  if (!migration_.source)
    migration_.source = TRY(open_source(migration_.plan, migration_.folder, options_.stop));
  if (!TRY(migration_.journal->fact("loaded")))
    return Error(ErrorKind::kConfig, "verify.not_loaded",
                 "the load has not finished, so there is nothing to compare yet; finish it with "
                 "`offramp run " +
                     migration_.plan.name() + "`");
  partitions_ = TRY(migration_.source->partitions());
  for (const auto& [partition, position] : TRY(migration_.target->positions())) {
    total_ += position.records;
    auto token = unpack_token(position.token);
    if (token.ok()) total_ += token->counts.stored;
  }
  // What is at the target from here on is compared with the source as it is from here on, or later.
  int64_t equal_until_ms = options_.moving ? options_.moving->applied_until_ms() : 0;
  TRY(compare_sides());
  if (options_.only_repair) {
    if (report_.missing + report_.different + report_.extra > 0) TRY(repair());
    return std::move(report_);
  }
  if (options_.repair && report_.missing + report_.different + report_.extra > 0) {
    TRY(options_.moving ? repair_moving() : repair());
    uint64_t repaired = report_.repaired;
    report_ = {};
    report_.repaired = repaired;
    TRY(compare_sides());
  }
  if (options_.moving) {
    TRY(name_moving_attributes());
    report_.equal_until = utc_text(equal_until_ms / 1000);
  } else if (!options_.sample) {
    TRY(name_attributes());
  }
  TRY(judge_letters());
  conclude();
  report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  // A sample can refute an earlier verdict; it cannot be one: it sees no extra items and few of the
  // others.
  if (!options_.sample || !report_.equal)
    TRY(migration_.journal->set_fact("verified",
                                     (report_.equal ? "equal at " : "different at ") + report_.at));
  TRY(write_reports(report_, migration_));
  return std::move(report_);
}

}  // namespace

std::string utc_text(std::time_t time) {
  std::tm parts{};
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", ::gmtime_r(&time, &parts));
  return text;
}

std::string_view finding_name(Finding finding) {
  switch (finding) {
    case Finding::kMissing:
      return "missing";
    case Finding::kExtra:
      return "extra";
    case Finding::kDifferent:
      return "different";
    case Finding::kRefused:
      return "refused";
    case Finding::kWaived:
      return "waived";
    case Finding::kSuspect:
      return "suspect";
  }
  return "different";
}

Result<Report> verify(Migration& migration, Progress& progress, const Options& options) {
  auto report = Verification(migration, progress, options).run();
  if (!report.ok() && report.error().kind() == ErrorKind::kCancelled &&
      options.stop.stop_requested())
    return Error(ErrorKind::kCancelled, "verify.stopped",
                 "stopped by a signal before there was a verdict; what was repaired stays "
                 "repaired. Run the same command "
                 "to compare again");
  return report;
}

}  // namespace offramp::migrate::verify
