// Four steps, each only where the one before found something:
//   1. mark: the table of each key, by 24 bits of its digest; where two tables meet, the mark says
//   "several"
//   2. list: keys under such marks go into the scratch file; those in several tables are the
//   conflicts
//   3. choose: the source is read again; the last image of each conflicting key stays
//   4. resolve: the other images become letters, then one transaction of the target per page of
//   keys removes them
#include "migrate/run/cross_table.h"

#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <set>
#include <span>
#include <vector>

#include "ddb/digest.h"
#include "ddb/wire_json.h"
#include "io/sqlite_db.h"
#include "migrate/item_key.h"
#include "migrate/load.h"
#include "migrate/workers.h"

namespace offramp::migrate {
namespace {

constexpr size_t kMarks = size_t{1} << 24;
constexpr uint16_t kNone = 0xffff, kSeveral = 0xfffe;
constexpr size_t kKeysPerPage = 256;

size_t mark_of(const ddb::Digest& key) { return key.high >> 40; }

class Separation {
 public:
  Separation(Migration& migration, Progress& progress, int threads, const std::stop_token& stop)
      : migration_(migration), progress_(progress), threads_(threads), stop_(stop), marks_(kMarks) {
    for (auto& mark : marks_) mark.store(kNone, std::memory_order_relaxed);
  }
  ~Separation() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  Result<uint64_t> run();

 private:
  // Reads the whole target, `each` per item with its parent table; called by several threads.
  using Each = std::function<Status(uint32_t table, ItemKey& key, ddb::ItemView item)>;
  Status read_target(const Each& each);
  Status check_stop() const;
  Result<bool> mark();
  Result<uint64_t> list();
  Status choose();
  Status resolve();
  Status resolve_page(std::vector<std::string>& images);

  Migration& migration_;
  Progress& progress_;
  const int threads_;
  const std::stop_token stop_;
  std::vector<std::atomic<uint16_t>> marks_;
  std::atomic<bool> met_{false};
  std::string path_;
  std::mutex mutex_;
  io::SqliteDb scratch_;  // guarded by mutex_ while threads run
};

Status Separation::check_stop() const {
  if (!stop_.stop_requested()) return {};
  return Error(ErrorKind::kCancelled, "run.stopped", "stopped by a signal");
}

Status Separation::read_target(const Each& each) {
  auto pieces = TRY(migration_.target->read_partitions(threads_ * 4));
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  auto work = [&](int) -> Status {
    ddb::ItemBatch batch;
    ItemKey key(migration_.mapping->key());
    for (size_t i = next++; i < pieces.size() && !failed; i = next++) {
      auto reader = TRY(migration_.target->read(pieces[i]));
      while (!failed && TRY(reader->next(batch))) {
        TRY(check_stop());
        for (size_t j = 0; j < batch.size(); ++j)
          if (key.take(batch.item(j))) TRY(each(pieces[i].table, key, batch.item(j)));
      }
    }
    return {};
  };
  return run_workers(threads_, work, [&] { failed = true; });
}

Result<bool> Separation::mark() {
  TRY(read_target([&](uint32_t table, ItemKey& key, ddb::ItemView) -> Status {
    std::atomic<uint16_t>& mark = marks_[mark_of(key.digest())];
    auto mine = static_cast<uint16_t>(table);
    uint16_t before = kNone;
    if (mark.compare_exchange_strong(before, mine, std::memory_order_relaxed) || before == mine ||
        before == kSeveral)
      return {};
    mark.store(kSeveral, std::memory_order_relaxed);  // nothing else can be stored over it
    met_.store(true, std::memory_order_relaxed);
    return {};
  }));
  return met_.load();
}

Result<uint64_t> Separation::list() {
  path_ = migration_.folder + "/tables-scratch.sqlite";
  ::unlink(path_.c_str());
  scratch_ = TRY(io::SqliteDb::open(path_, io::SqliteDb::Mode::kReadWriteCreate));
  TRY(scratch_.execute(
      "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; "
      "CREATE TABLE seen(key BLOB, place INTEGER); "
      "CREATE TABLE conflict(key BLOB PRIMARY KEY, place INTEGER, image BLOB) WITHOUT ROWID; "
      "BEGIN"));
  auto insert = TRY(scratch_.prepare("INSERT INTO seen VALUES(?, ?)"));
  TRY(read_target([&](uint32_t table, ItemKey& key, ddb::ItemView) -> Status {
    ddb::Digest digest = key.digest();
    if (marks_[mark_of(digest)].load(std::memory_order_relaxed) != kSeveral) return {};
    std::string bytes = digest_bytes(digest);
    std::lock_guard lock(mutex_);
    insert.bind_blob(1, bytes);
    insert.bind(2, static_cast<int64_t>(table));
    return insert.run();
  }));
  TRY(
      scratch_.execute("INSERT INTO conflict SELECT key, NULL, NULL FROM seen GROUP BY key HAVING "
                       "min(place) <> max(place); "
                       "DROP TABLE seen; COMMIT"));
  return static_cast<uint64_t>(TRY(scratch_.query_int64("SELECT count(*) FROM conflict")));
}

Status Separation::choose() {
  mapping::Splitter splitter(migration_.mapping);
  mapping::RowBatch rows;
  ItemKey key(migration_.mapping->key());
  auto known = TRY(scratch_.prepare("SELECT 1 FROM conflict WHERE key = ?"));
  auto update = TRY(scratch_.prepare("UPDATE conflict SET place = ?, image = ? WHERE key = ?"));
  std::string why, image;
  for (const source::Partition& partition : TRY(migration_.source->partitions())) {
    auto reader = TRY(migration_.source->open(partition, {}));
    ddb::ItemBatch batch;
    model::Position after;
    for (bool more = true; more;) {
      TRY(check_stop());
      more = TRY(reader->next(batch, after));
      for (size_t i = 0; i < batch.size(); ++i) {
        if (!key.take(batch.item(i))) continue;
        ddb::Digest digest = key.digest();
        if (marks_[mark_of(digest)].load(std::memory_order_relaxed) != kSeveral) continue;
        std::string bytes = digest_bytes(digest);
        known.bind_blob(1, bytes);
        bool conflict = TRY(known.step());
        known.reset();
        if (!conflict) continue;
        rows.reset(migration_.mapping->tables().size());
        mapping::Outcome outcome = splitter.split(batch.item(i), rows, why);
        if (outcome != mapping::Outcome::kRow && outcome != mapping::Outcome::kOverflow) continue;
        image.clear();
        ddb::append_item_json(batch.item(i), image);
        update.bind(1, static_cast<int64_t>(splitter.table()));
        update.bind_blob(2, image);
        update.bind_blob(3, bytes);
        TRY(update.run());
      }
    }
  }
  int64_t unknown = TRY(scratch_.query_int64("SELECT count(*) FROM conflict WHERE image IS NULL"));
  if (unknown)
    return Error(
        ErrorKind::kGap, "source.changed",
        std::to_string(unknown) +
            " keys that were loaded are no longer in the source, so it cannot be told which of "
            "their images is the newer; bring the old file back, or start over with a new plan");
  return {};
}

Status Separation::resolve() {
  // Letters first, each durable before its rows go.
  auto find = TRY(scratch_.prepare("SELECT place FROM conflict WHERE key = ?"));
  const auto& tables = migration_.mapping->tables();
  TRY(read_target([&](uint32_t table, ItemKey& key, ddb::ItemView item) -> Status {
    ddb::Digest digest = key.digest();
    if (marks_[mark_of(digest)].load(std::memory_order_relaxed) != kSeveral) return {};
    std::string bytes = digest_bytes(digest);
    std::lock_guard lock(mutex_);
    find.bind_blob(1, bytes);
    bool conflict = TRY(find.step());
    auto kept = conflict ? static_cast<uint32_t>(find.int64(0)) : 0;
    find.reset();
    if (!conflict || kept == table) return {};
    return file_duplicate_letter(migration_, item, tables[table].name, tables[kept].name);
  }));
  std::string after;
  for (;;) {
    TRY(check_stop());
    std::vector<std::string> images;
    auto page =
        TRY(scratch_.prepare("SELECT key, image FROM conflict WHERE key > ? ORDER BY key LIMIT ?"));
    std::string from = after;
    page.bind_blob(1, from);
    page.bind(2, static_cast<int64_t>(kKeysPerPage));
    while (TRY(page.step())) {
      after = page.text(0);
      images.emplace_back(page.text(1));
    }
    if (images.empty()) return {};
    TRY(resolve_page(images));
  }
}

Status Separation::resolve_page(std::vector<std::string>& images) {
  mapping::Splitter splitter(migration_.mapping);
  mapping::RowBatch keys, rows;
  keys.reset(migration_.mapping->tables().size());
  rows.reset(migration_.mapping->tables().size());
  ddb::JsonDecoder decoder;
  ddb::ItemBatch batch;
  ItemKey key(migration_.mapping->key());
  for (std::string& image : images) {
    size_t size = image.size();
    image.append(ddb::kJsonPadding, '\0');
    batch.add_root(TRY(decoder.decode_item({image.data(), size}, {}, ddb::JsonForm::kTyped, batch)),
                   0);
  }
  std::string why;
  for (size_t i = 0; i < batch.size(); ++i) {
    splitter.split(batch.item(i), rows, why);  // did fit in choose()
    if (!key.take(batch.item(i))) continue;
    TRY(splitter.key_rows(key.view(), keys));
  }
  return migration_.target->apply(keys, rows);
}

Result<uint64_t> Separation::run() {
  if (!TRY(mark())) return 0;
  progress_.say("looking for keys that lie in two tables");
  uint64_t conflicts = TRY(list());
  if (conflicts == 0) return 0;
  progress_.say(with_commas(conflicts) +
                " keys lie in more than one table: the source holds them more than once");
  TRY(choose());
  TRY(resolve());
  return conflicts;
}

}  // namespace

Result<uint64_t> separate_tables(Migration& migration, Progress& progress, int threads,
                                 const std::stop_token& stop) {
  std::set<std::string> parents;
  for (const mapping::Table& table : migration.mapping->tables())
    if (table.role != mapping::TableRole::kChild) parents.insert(table.name);
  size_t filled = 0;
  for (const auto& [table, rows] : TRY(migration.target->row_counts()))
    filled += rows > 0 && parents.contains(table);
  if (filled < 2) return 0;
  return Separation(migration, progress, threads, stop).run();
}

Status file_duplicate_letter(Migration& migration, ddb::ItemView item, const std::string& table,
                             const std::string& kept_in) {
  uint64_t ordinal = ddb::digest(item).low & INT64_MAX;
  Letter letter = make_letter(
      "duplicate keys of " + table, ordinal, item, migration.mapping->key(), "item.duplicate_key",
      "the source holds this key more than once with different content; another copy is in table " +
          kept_in);
  return migration.journal->add_letters(std::span(&letter, 1));
}

}  // namespace offramp::migrate
