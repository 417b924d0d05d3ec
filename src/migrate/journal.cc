// The journal's tables and statements. Format version 1; stored values are never renumbered.
#include "migrate/journal.h"

#include <sys/stat.h>

#include "io/clock.h"

namespace offramp::migrate {
namespace {

constexpr int kOpenTriesMax = 100;
constexpr std::chrono::milliseconds kOpenPause{50};

constexpr char kSchema[] = R"(
PRAGMA journal_mode=WAL;
PRAGMA synchronous=FULL;
CREATE TABLE IF NOT EXISTS fact(name TEXT PRIMARY KEY, value TEXT NOT NULL, at TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS partition(position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, items INTEGER,
  bytes INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS letter(id INTEGER PRIMARY KEY AUTOINCREMENT, partition TEXT NOT NULL,
  ordinal INTEGER NOT NULL, key_digest BLOB NOT NULL, key_json TEXT NOT NULL, body BLOB NOT NULL,
  body_is_item INTEGER NOT NULL, code TEXT NOT NULL, reason TEXT NOT NULL, state INTEGER NOT NULL,
  waived_because TEXT NOT NULL, at TEXT NOT NULL, UNIQUE(partition, ordinal)) STRICT;
CREATE INDEX IF NOT EXISTS letter_key ON letter(key_digest);
CREATE TABLE IF NOT EXISTS request(id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, arguments TEXT NOT NULL,
  state INTEGER NOT NULL, answer TEXT NOT NULL, code TEXT NOT NULL, at TEXT NOT NULL) STRICT;
)";

// Stored: never renumber.
int64_t stored(LetterState state) {
  switch (state) {
    case LetterState::kOpen:
      return 1;
    case LetterState::kWaived:
      return 2;
    case LetterState::kApplied:
      return 3;
  }
  return 1;
}
LetterState from_stored(int64_t value) {
  return value == 2   ? LetterState::kWaived
         : value == 3 ? LetterState::kApplied
                      : LetterState::kOpen;
}

int64_t stored(Request::State state) {
  switch (state) {
    case Request::State::kOpen:
      return 1;
    case Request::State::kTaken:
      return 2;
    case Request::State::kDone:
      return 3;
    case Request::State::kFailed:
      return 4;
  }
  return 1;
}
Request::State request_state(int64_t value) {
  return value == 2   ? Request::State::kTaken
         : value == 3 ? Request::State::kDone
         : value == 4 ? Request::State::kFailed
                      : Request::State::kOpen;
}
Request read_request(io::SqliteStatement& row) {
  Request request;
  request.id = row.int64(0);
  request.kind = row.text(1);
  request.arguments = row.text(2);
  request.state = request_state(row.int64(3));
  request.answer = row.text(4);
  request.code = row.text(5);
  return request;
}

constexpr char kLetterColumns[] =
    "id, partition, ordinal, key_digest, key_json, body_is_item, code, reason, state, "
    "waived_because";

Letter read_letter(io::SqliteStatement& row) {
  Letter letter;
  letter.id = row.int64(0);
  letter.partition = row.text(1);
  letter.ordinal = static_cast<uint64_t>(row.int64(2));
  letter.key_digest = row.text(3);
  letter.key_json = row.text(4);
  letter.body_is_item = row.int64(5) != 0;
  letter.code = row.text(6);
  letter.reason = row.text(7);
  letter.state = from_stored(row.int64(8));
  letter.waived_because = row.text(9);
  return letter;
}

}  // namespace

std::string_view letter_state_name(LetterState state) {
  switch (state) {
    case LetterState::kOpen:
      return "open";
    case LetterState::kWaived:
      return "waived";
    case LetterState::kApplied:
      return "applied";
  }
  return "open";
}

Result<std::unique_ptr<Journal>> Journal::open(const std::string& folder, Open how) {
  std::string path = folder + "/journal.sqlite";
  struct stat info;
  if (how == Open::kExisting && ::stat(path.c_str(), &info) != 0)
    return Error(ErrorKind::kConfig, "journal.none",
                 "this plan has not been run yet (no " + path + "); start it with `offramp run`");
  io::SqliteDb db = TRY(io::SqliteDb::open(path, io::SqliteDb::Mode::kReadWriteCreate));
  // Changing to WAL does not wait for another process that does the same, busy timeout or not.
  Status made = db.execute(kSchema);
  for (int i = 0; i < kOpenTriesMax && !made.ok() && made.error().kind() == ErrorKind::kRetry;
       ++i) {
    io::system_clock().sleep(kOpenPause, {});
    made = db.execute(kSchema);
  }
  TRY_CONTEXT("the journal " + path, std::move(made));
  return std::unique_ptr<Journal>(new Journal(std::move(db)));
}

Result<std::optional<std::string>> Journal::fact(const std::string& name) {
  std::lock_guard lock(mutex_);
  auto select = TRY(db_.prepare("SELECT value FROM fact WHERE name = ?"));
  select.bind(1, name);
  if (!TRY(select.step())) return std::optional<std::string>();
  return std::optional<std::string>(std::string(select.text(0)));
}

Status Journal::set_fact(const std::string& name, const std::string& value) {
  std::lock_guard lock(mutex_);
  auto insert = TRY(db_.prepare(
      "INSERT OR REPLACE INTO fact VALUES(?, ?, strftime('%Y-%m-%dT%H:%M:%SZ','now'))"));
  insert.bind(1, name);
  insert.bind(2, value);
  return insert.run();
}

Status Journal::clear_fact(const std::string& name) {
  std::lock_guard lock(mutex_);
  auto remove = TRY(db_.prepare("DELETE FROM fact WHERE name = ?"));
  remove.bind(1, name);
  return remove.run();
}

Status Journal::set_partitions(std::span<const source::Partition> partitions) {
  std::lock_guard lock(mutex_);
  TRY(db_.execute("BEGIN IMMEDIATE; DELETE FROM partition"));
  auto insert = TRY(db_.prepare("INSERT INTO partition(id, items, bytes) VALUES(?, ?, ?)"));
  for (const source::Partition& partition : partitions) {
    insert.bind(1, partition.id);
    if (partition.items)
      insert.bind(2, static_cast<int64_t>(*partition.items));
    else
      insert.bind_null(2);
    if (partition.bytes)
      insert.bind(3, static_cast<int64_t>(*partition.bytes));
    else
      insert.bind_null(3);
    TRY(insert.run());
  }
  return db_.execute("COMMIT");
}

Result<std::vector<source::Partition>> Journal::partitions() {
  std::lock_guard lock(mutex_);
  auto select = TRY(db_.prepare("SELECT id, items, bytes FROM partition ORDER BY position"));
  std::vector<source::Partition> out;
  while (TRY(select.step())) {
    source::Partition partition;
    partition.id = select.text(0);
    if (!select.is_null(1)) partition.items = static_cast<uint64_t>(select.int64(1));
    if (!select.is_null(2)) partition.bytes = static_cast<uint64_t>(select.int64(2));
    out.push_back(std::move(partition));
  }
  return out;
}

Status Journal::add_letters(std::span<const Letter> letters) {
  std::lock_guard lock(mutex_);
  TRY(db_.execute("BEGIN IMMEDIATE"));
  auto insert =
      TRY(db_.prepare("INSERT INTO letter(partition, ordinal, key_digest, key_json, body, "
                      "body_is_item, code, reason, state, "
                      "waived_because, at) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, '', "
                      "strftime('%Y-%m-%dT%H:%M:%SZ','now')) "
                      "ON CONFLICT(partition, ordinal) DO UPDATE SET key_digest = "
                      "excluded.key_digest, key_json = excluded.key_json, "
                      "body = excluded.body, body_is_item = excluded.body_is_item, code = "
                      "excluded.code, reason = excluded.reason"));
  for (const Letter& letter : letters) {
    insert.bind(1, letter.partition);
    insert.bind(2, static_cast<int64_t>(letter.ordinal));
    insert.bind_blob(3, letter.key_digest);
    insert.bind(4, letter.key_json);
    insert.bind_blob(5, letter.body);
    insert.bind(6, static_cast<int64_t>(letter.body_is_item));
    insert.bind(7, letter.code);
    insert.bind(8, letter.reason);
    insert.bind(9, stored(letter.state));
    if (Status status = insert.run(); !status.ok()) {
      (void)db_.execute("ROLLBACK").ok();
      return status;
    }
  }
  return db_.execute("COMMIT");
}

Result<std::vector<Letter>> Journal::letters(Bodies bodies) {
  std::lock_guard lock(mutex_);
  auto select =
      TRY(db_.prepare(std::string("SELECT ") + kLetterColumns +
                      (bodies == Bodies::kWith ? ", body" : "") + " FROM letter ORDER BY id"));
  std::vector<Letter> out;
  while (TRY(select.step())) {
    out.push_back(read_letter(select));
    if (bodies == Bodies::kWith) out.back().body = select.text(10);
  }
  return out;
}

Result<std::optional<Letter>> Journal::letter(int64_t id) {
  std::lock_guard lock(mutex_);
  auto select =
      TRY(db_.prepare(std::string("SELECT ") + kLetterColumns + ", body FROM letter WHERE id = ?"));
  select.bind(1, id);
  if (!TRY(select.step())) return std::optional<Letter>();
  Letter letter = read_letter(select);
  letter.body = select.text(10);
  return std::optional<Letter>(std::move(letter));
}

Status Journal::set_letter_state(int64_t id, LetterState state, const std::string& because) {
  std::lock_guard lock(mutex_);
  auto update = TRY(db_.prepare("UPDATE letter SET state = ?, waived_because = ? WHERE id = ?"));
  update.bind(1, stored(state));
  update.bind(2, because);
  update.bind(3, id);
  return update.run();
}

Result<Journal::LetterCounts> Journal::letter_counts() {
  std::lock_guard lock(mutex_);
  auto select = TRY(db_.prepare("SELECT state, count(*) FROM letter GROUP BY state"));
  LetterCounts counts;
  while (TRY(select.step())) {
    auto count = static_cast<uint64_t>(select.int64(1));
    switch (from_stored(select.int64(0))) {
      case LetterState::kOpen:
        counts.open = count;
        break;
      case LetterState::kWaived:
        counts.waived = count;
        break;
      case LetterState::kApplied:
        counts.applied = count;
        break;
    }
  }
  return counts;
}

Result<std::optional<LetterState>> Journal::letter_state_of_key(std::string_view key_digest) {
  std::lock_guard lock(mutex_);
  // An open letter outweighs a waived one of the same key.
  auto select = TRY(db_.prepare("SELECT min(state) FROM letter WHERE key_digest = ?"));
  select.bind_blob(1, key_digest);
  if (!TRY(select.step()) || select.is_null(0)) return std::optional<LetterState>();
  return std::optional<LetterState>(from_stored(select.int64(0)));
}

Status Journal::settle_letters(std::string_view key_digest) {
  std::lock_guard lock(mutex_);
  auto update = TRY(db_.prepare("UPDATE letter SET state = ? WHERE key_digest = ? AND state = ?"));
  update.bind(1, stored(LetterState::kApplied));
  update.bind_blob(2, key_digest);
  update.bind(3, stored(LetterState::kOpen));
  return update.run();
}

Result<int64_t> Journal::add_request(const std::string& kind, const std::string& arguments) {
  std::lock_guard lock(mutex_);
  auto insert =
      TRY(db_.prepare("INSERT INTO request(kind, arguments, state, answer, code, at) "
                      "VALUES(?, ?, ?, '', '', strftime('%Y-%m-%dT%H:%M:%SZ','now'))"));
  insert.bind(1, kind);
  insert.bind(2, arguments);
  insert.bind(3, stored(Request::State::kOpen));
  TRY(insert.run());
  return sqlite3_last_insert_rowid(db_.get());
}

Result<std::optional<Request>> Journal::request(int64_t id) {
  std::lock_guard lock(mutex_);
  auto select =
      TRY(db_.prepare("SELECT id, kind, arguments, state, answer, code FROM request WHERE id = ?"));
  select.bind(1, id);
  if (!TRY(select.step())) return std::optional<Request>();
  return std::optional<Request>(read_request(select));
}

Result<std::optional<Request>> Journal::take_request() {
  std::lock_guard lock(mutex_);
  std::optional<Request> request;
  {
    auto select =
        TRY(db_.prepare("SELECT id, kind, arguments, state, answer, code FROM request WHERE state "
                        "= ? ORDER BY id LIMIT 1"));
    select.bind(1, stored(Request::State::kOpen));
    if (!TRY(select.step())) return request;
    request = read_request(select);
  }
  auto update = TRY(db_.prepare("UPDATE request SET state = ? WHERE id = ?"));
  update.bind(1, stored(Request::State::kTaken));
  update.bind(2, request->id);
  TRY(update.run());
  request->state = Request::State::kTaken;
  return request;
}

Status Journal::answer_request(int64_t id, Request::State state, const std::string& answer,
                               const std::string& code) {
  std::lock_guard lock(mutex_);
  auto update = TRY(db_.prepare("UPDATE request SET state = ?, answer = ?, code = ? WHERE id = ?"));
  update.bind(1, stored(state));
  update.bind(2, answer);
  update.bind(3, code);
  update.bind(4, id);
  return update.run();
}

Status Journal::fail_abandoned_requests() {
  std::lock_guard lock(mutex_);
  auto update = TRY(
      db_.prepare("UPDATE request SET state = ?, answer = 'the process that worked on it ended', "
                  "code = 'request.abandoned' WHERE state IN (?, ?)"));
  update.bind(1, stored(Request::State::kFailed));
  update.bind(2, stored(Request::State::kOpen));
  update.bind(3, stored(Request::State::kTaken));
  return update.run();
}

}  // namespace offramp::migrate
