// Lane: applies the changes of its keys to the target, batch after batch, with its position in each
// transaction (C5).
//
// C4: one lane owns a key at a time, and all that happens to the key at the target goes through it:
// changes, repair, retried letters. C7: a change that cannot be applied becomes a dead letter
// before the position passes it, and freezes its key: later changes of the key wait in a second
// letter, of which the newest image stays. A target that is away is waited for; what it may have
// committed unseen is asked for before anything is written again.
//
// Threads: run() is one thread; push(), pending() and the like are for others, guarded by mutex_.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "io/clock.h"
#include "migrate/follow/lane_batch.h"
#include "migrate/journal.h"
#include "target/target.h"

namespace offramp::migrate::follow {

// Items of the source as they are now, by their keys' JSON; strongly consistent. Missing ones are
// simply absent.
using ItemLookup =
    std::function<Status(std::span<const std::string_view> keys_json, ddb::ItemBatch& batch)>;

struct RefreshOutcome {
  uint64_t applied = 0;
  std::vector<std::pair<std::string, std::string>> refused;  // key JSON, why
};

// Makes keys what the source says now, in the lane's order. `done` is called once, from the lane's
// thread.
struct Refresh {
  std::vector<std::string> keys_json;
  ItemLookup lookup;
  std::function<void(Result<RefreshOutcome>)> done;
};

struct LaneCounts {
  std::atomic<uint64_t> captured{0};  // changes that are at the target, overtaken ones included
  std::atomic<uint64_t> applied{0};   // images and deletions that were written
  std::atomic<uint64_t> letters{0};
  std::atomic<uint64_t> retries{0};
};

class Lane {
 public:
  Lane(int index, int lanes, target::Target& target,
       std::shared_ptr<const mapping::CompiledMapping> mapping, Journal& journal, io::Clock& clock);

  // The name of the stored position, "changes 1/2".
  const std::string& name() const { return name_; }
  // Takes the stored position (none: nothing was applied) and the open letters. Before run().
  Status begin(const std::optional<model::Position>& stored);

  enum class Push { kTaken, kFull, kEnded };
  // Waits up to `timeout` for room.
  Push push(std::unique_ptr<LaneBatch>& batch, std::chrono::milliseconds timeout);
  // False when the lane has ended.
  bool push(Refresh refresh);
  // Letters were waived or settled elsewhere.
  void reload_letters() { reload_ = true; }
  // run() ends when everything taken has been applied.
  void close();

  // Works until close() or the first error. At a stop it applies what it has taken, unless the
  // target is away.
  Status run(std::stop_token stop);

  // True when all that was pushed is at the target.
  bool idle();
  // The stored position.
  spool::Place stored();
  // Why the lane waits; empty when it does not.
  std::string waiting();
  std::unique_ptr<LaneBatch> recycled();
  const LaneCounts& counts() const { return counts_; }

 private:
  using Task = std::variant<std::unique_ptr<LaneBatch>, Refresh>;
  Status apply_batch(LaneBatch& batch, std::stop_token stop);
  // Applies the changes left of the batch one part after the other until the refused ones are
  // found.
  Status apply_parts(LaneBatch& batch, size_t from, size_t to, std::stop_token stop);
  Status park(const LaneBatch& batch);
  Status file_letter(const model::Change& change, std::string code, std::string why);
  Result<RefreshOutcome> refresh(const Refresh& request, std::stop_token stop);
  // One transaction, repeated until the target has it; kBadItem is passed on.
  Status write(const mapping::RowBatch& keys, const mapping::RowBatch& rows,
               const model::Position& after, std::stop_token stop);
  Status reconnect();
  Status load_letters();

  const std::string name_;
  const int index_, lanes_;
  target::Target& target_;
  const std::shared_ptr<const mapping::CompiledMapping> mapping_;
  Journal& journal_;
  io::Clock& clock_;

  // Of run()'s thread.
  std::unique_ptr<target::Applier> applier_;
  model::Position position_;
  std::set<ddb::Digest> frozen_;
  Preparer preparer_;
  LaneBatch part_;

  LaneCounts counts_;
  std::atomic<bool> reload_{false};
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Task> tasks_;                              // guarded by mutex_
  std::vector<std::unique_ptr<LaneBatch>> free_;        // guarded by mutex_
  bool busy_ = false, closed_ = false, ended_ = false;  // guarded by mutex_
  spool::Place stored_;                                 // guarded by mutex_
  std::string waiting_;                                 // guarded by mutex_
};

}  // namespace offramp::migrate::follow
