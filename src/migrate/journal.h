// The journal: the durable facts of one migration, in PLAN.offramp/journal.sqlite (0600).
//
// A phase is derived from facts when the process starts, so start and resume are the same code.
// Positions are not here: they live in the target, in the transaction of the rows they speak of
// (C5). Dead letters are here, whole (C7); a letter is durable before the position that passes its
// item. Thread-safe: one connection guarded by a mutex.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/sqlite_db.h"
#include "source/item_source.h"

namespace offramp::migrate {

enum class LetterState { kOpen, kWaived, kApplied };
std::string_view letter_state_name(LetterState state);

struct Letter {
  int64_t id = 0;  // given by the journal
  // Partition and ordinal name the record: writing the same letter again after a resume replaces
  // it.
  std::string partition;
  uint64_t ordinal = 0;
  std::string key_digest;  // 16 bytes; empty when the record has no readable key
  std::string key_json;    // for people; may be empty
  std::string body;        // the record, whole: item JSON or the raw bytes
  bool body_is_item = true;
  std::string code, reason;
  LetterState state = LetterState::kOpen;
  std::string waived_because;
};

// What another process asks of the one that runs the migration: it alone may write to the target.
struct Request {
  int64_t id = 0;         // given by the journal
  std::string kind;       // "verify", "retry", "reload"
  std::string arguments;  // JSON
  enum class State { kOpen, kTaken, kDone, kFailed } state = State::kOpen;
  std::string answer;  // JSON of the result, or the error's message
  std::string code;    // the error's code
};

class Journal {
 public:
  enum class Open { kCreate, kExisting };
  // kConfig "journal.none" when there is no journal and kExisting was asked.
  static Result<std::unique_ptr<Journal>> open(const std::string& folder, Open how);

  Result<std::optional<std::string>> fact(const std::string& name);
  Status set_fact(const std::string& name, const std::string& value);
  Status clear_fact(const std::string& name);

  // The partitions in their order; replaces the list (a resume checks them against the old list
  // first).
  Status set_partitions(std::span<const source::Partition> partitions);
  Result<std::vector<source::Partition>> partitions();

  Status add_letters(std::span<const Letter> letters);
  // All letters, bodies left out unless asked for.
  enum class Bodies { kWithout, kWith };
  Result<std::vector<Letter>> letters(Bodies bodies);
  Result<std::optional<Letter>> letter(int64_t id);
  Status set_letter_state(int64_t id, LetterState state, const std::string& because);
  struct LetterCounts {
    uint64_t open = 0, waived = 0, applied = 0;
  };
  Result<LetterCounts> letter_counts();
  // The key's open letters have been applied.
  Status settle_letters(std::string_view key_digest);
  // The newest state of a key's letters, if it has any.
  Result<std::optional<LetterState>> letter_state_of_key(std::string_view key_digest);

  Result<int64_t> add_request(const std::string& kind, const std::string& arguments);
  Result<std::optional<Request>> request(int64_t id);
  // Takes the oldest open one; requests that an earlier process took and did not answer have
  // failed.
  Result<std::optional<Request>> take_request();
  Status answer_request(int64_t id, Request::State state, const std::string& answer,
                        const std::string& code);
  Status fail_abandoned_requests();

 private:
  explicit Journal(io::SqliteDb db) : db_(std::move(db)) {}
  std::mutex mutex_;
  io::SqliteDb db_;  // guarded by mutex_
};

}  // namespace offramp::migrate
