// The scratch database: never synced, thrown away.
#include "migrate/verify/scratch.h"

#include <unistd.h>

#include <algorithm>

namespace offramp::migrate::verify {

Result<std::unique_ptr<Scratch>> Scratch::create(const std::string& path) {
  ::unlink(path.c_str());
  io::SqliteDb db = TRY(io::SqliteDb::open(path, io::SqliteDb::Mode::kReadWriteCreate));
  TRY(db.execute(
      "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; "
      "CREATE TABLE side(key BLOB, side INTEGER, item BLOB, json TEXT); "
      "CREATE TABLE finding(key BLOB PRIMARY KEY, finding INTEGER, json TEXT) WITHOUT ROWID"));
  return std::unique_ptr<Scratch>(new Scratch(std::move(db), path));
}

Scratch::~Scratch() { ::unlink(path_.c_str()); }

Status Scratch::add(Side side, const std::vector<ScratchRow>& rows) {
  if (rows.empty()) return {};
  std::lock_guard lock(mutex_);
  TRY(db_.execute("BEGIN"));
  auto insert = TRY(db_.prepare("INSERT INTO side VALUES(?, ?, ?, ?)"));
  for (const ScratchRow& row : rows) {
    insert.bind_blob(1, row.key_digest);
    insert.bind(2, static_cast<int64_t>(side == Side::kSource ? 1 : 2));
    insert.bind_blob(3, row.item_digest);
    insert.bind(4, row.key_json);
    TRY(insert.run());
  }
  return db_.execute("COMMIT");
}

Result<uint64_t> Scratch::compare(const EachFinding& each) {
  uint64_t source_copies = 0;
  std::string key, json;
  std::vector<std::string> source, target;
  auto judge = [&]() -> Status {
    if (source.empty() && target.empty()) return {};
    if (source.size() > 1) source_copies += source.size() - 1;
    std::optional<Finding> finding;
    if (target.empty())
      finding = Finding::kMissing;
    else if (source.empty())
      finding = Finding::kExtra;
    else if (target.size() > 1 ||
             std::find(source.begin(), source.end(), target[0]) == source.end())
      finding = Finding::kDifferent;
    if (finding) TRY(each(*finding, key, json));
    source.clear();
    target.clear();
    return {};
  };
  io::SqliteStatement select;
  {
    std::lock_guard lock(mutex_);
    select = TRY(db_.prepare("SELECT key, side, item, json FROM side ORDER BY key, side"));
  }
  for (;;) {
    {
      std::lock_guard lock(mutex_);
      if (!TRY(select.step())) break;
    }
    if (select.text(0) != key) {
      TRY(judge());
      key = select.text(0);
      json = select.text(3);
    }
    (select.int64(1) == 1 ? source : target).emplace_back(select.text(2));
  }
  TRY(judge());
  return source_copies;
}

Status Scratch::remember(Finding finding, const std::string& key_digest,
                         const std::string& key_json) {
  std::lock_guard lock(mutex_);
  auto insert = TRY(db_.prepare("INSERT OR REPLACE INTO finding VALUES(?, ?, ?)"));
  insert.bind_blob(1, key_digest);
  insert.bind(2, static_cast<int64_t>(finding));
  insert.bind(3, key_json);
  return insert.run();
}

Result<std::optional<Finding>> Scratch::finding(const std::string& key_digest) {
  std::lock_guard lock(mutex_);
  auto select = TRY(db_.prepare("SELECT finding FROM finding WHERE key = ?"));
  select.bind_blob(1, key_digest);
  if (!TRY(select.step())) return std::optional<Finding>();
  return std::optional<Finding>(static_cast<Finding>(select.int64(0)));
}

Result<std::vector<ScratchRow>> Scratch::page(Finding finding, const std::string& after,
                                              size_t count) {
  std::lock_guard lock(mutex_);
  auto select = TRY(db_.prepare(
      "SELECT key, json FROM finding WHERE finding = ? AND key > ? ORDER BY key LIMIT ?"));
  select.bind(1, static_cast<int64_t>(finding));
  select.bind_blob(2, after);
  select.bind(3, static_cast<int64_t>(count));
  std::vector<ScratchRow> out;
  while (TRY(select.step()))
    out.push_back({std::string(select.text(0)), {}, std::string(select.text(1))});
  return out;
}

}  // namespace offramp::migrate::verify
