// Spool: captured changes on this machine's disk, from before the first item is read until the
// target has them (C2, C3).
//
// A log of batches in segment files takes every change (one write, one fdatasync for all that
// wait). Closed segments that nobody reads yet are folded into a *base*, which holds the newest
// change of each key: so the spool is bounded by the number of changed keys, not by time, and a
// load may take a week. A shard's position is in the same log record as its changes (C5). A torn
// record at the log's end was never acknowledged and is cut off; any other damage is kCorrupt (C6).
// Files are 0600 in a 0700 folder: they hold items.
//
// Threads: append() from any number; one thread reads, folds and releases; the rest from any.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/change.h"

namespace offramp::migrate::spool {

// What was captured, and since when. Another generation is another capture: a gap was repaired in
// between.
struct Origin {
  uint64_t generation = 0;
  std::string stream;    // the stream's ARN
  int64_t began_ms = 0;  // every change since then (Unix ms) is in the spool
  bool operator==(const Origin&) const = default;
};

// A place between two changes in the order in which they are read: the base by key digest, then the
// log by batch. Everything before it has been read. Places of one generation are ordered.
struct Place {
  uint64_t generation = 0;
  uint64_t base = 0;   // newest batch that is in the base being read; 0: not in the base
  ddb::Digest key;     // in the base: of the newest key read
  uint64_t batch = 0;  // in the log: the newest batch read
  bool operator==(const Place&) const = default;
};
// "GENERATION batch N" or "GENERATION base N HEX": what a target's checkpoint keeps.
std::string pack_place(const Place& place);
// kCorrupt when the text is not ours. The empty text is the place before everything of any
// generation.
Result<Place> unpack_place(std::string_view text);
// True when `a` comes before `b` in the order of reading; of different generations, when a's is the
// older. The base of the batches up to B stands before the log's place B; inside it keys come in
// the order of (high, low).
bool place_before(const Place& a, const Place& b);

struct Options {
  size_t segment_bytes = 64u << 20;
  size_t fold_bytes = 256u << 20;  // closed segments that fold() takes at least
};

struct Size {
  uint64_t bytes = 0;        // on disk
  uint64_t log_changes = 0;  // in the log and not released
  uint64_t base_keys = 0;    // about
};

class Spool {
 public:
  // kReadOnly takes what is durable while another process writes.
  enum class Open { kCreate, kReadOnly };
  static Result<std::unique_ptr<Spool>> open(const std::string& folder, Open how,
                                             const Options& options);
  virtual ~Spool() = default;

  // Nothing until begin().
  virtual std::optional<Origin> origin() const = 0;
  // A new generation: what the old one held goes away. Durable with the shards when it returns.
  virtual Status begin(const Origin& origin, std::span<const model::ShardState> shards) = 0;

  // Appends one batch and the states of the shards it speaks of (either may be empty); durable when
  // it returns, together or not at all. Gives the batch's number: 1, 2, … without a hole.
  // kUnavailable (disk full, I/O): nothing was appended and the spool refuses further work.
  virtual Result<uint64_t> append(std::span<const model::Change> changes,
                                  std::span<const model::ShardState> shards) = 0;
  virtual std::vector<model::ShardState> shards() const = 0;
  // Shards that are done for longer than the caller cares may be forgotten.
  virtual Status forget_shards(std::span<const std::string> ids) = 0;
  virtual uint64_t newest_batch() const = 0;
  // False when none newer came in time or a stop was requested.
  virtual bool wait_newer(uint64_t batch, std::chrono::milliseconds timeout,
                          std::stop_token stop) = 0;

  // Reading begins behind `place`; a place in an older base, or of another generation, begins at
  // the beginning. kGap when what follows `place` has been released: the reader's own position went
  // back.
  virtual Status seek(const Place& place) = 0;
  // The next changes, whole batches of the log, at most about `changes_max` (one batch at least);
  // each batch's own order is kept. False (and nothing) when there is none yet. `after` is the
  // place behind them.
  virtual Result<bool> read(model::ChangeBatch& batch, Place& after, size_t changes_max) = 0;
  // Everything before `place` is durable at the target and may go.
  virtual Status release(const Place& place) = 0;
  // Moves closed segments into the base when there are enough of them and the reader is not inside
  // what would change. True when it did. Ends early (kCancelled) at a stop, without harm.
  virtual Result<bool> fold(std::stop_token stop) = 0;
  virtual Size size() const = 0;
};

}  // namespace offramp::migrate::spool
