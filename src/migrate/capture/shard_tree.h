// ShardTree: which shards of a change stream are known, how far each has been captured, and which
// may be read now.
//
// C4: a shard may be read when its parent is done, or was never ours to read. C6: what the tree
// cannot explain is a gap. Times are Unix milliseconds of our clock. "Complete until T" means:
// every change of the shard up to T is captured.
//
// Why the clock may prove that nothing is missing: a record is kept for the stream's retention. All
// that a shard lacks was written after its complete_until; so while now < complete_until +
// retention nothing of it can have expired, even if the checkpoint's own record has, or the whole
// shard is gone from the list (then it was closed, and read to its end, before complete_until).
// Pure: no I/O, no threads.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/change.h"
#include "source/change_source.h"

namespace offramp::migrate::capture {

struct TreeOptions {
  int64_t retention_ms = 24 * 3600 * 1000;
  // For clocks that differ and a service that trims early.
  int64_t margin_ms() const { return retention_ms / 100; }
};

// A parent that is named and not listed is listed soon; so are the children of a closed shard.
constexpr int64_t kParentAppearsMs = 5 * 60 * 1000;
constexpr int64_t kChildrenAppearMs = kParentAppearsMs;

// The states of a first listing: every shard from its trim horizon. What was written before
// `now_ms` is history that the load sees anyway, so each is complete until now.
std::vector<model::ShardState> first_states(const std::vector<source::Shard>& listed,
                                            int64_t now_ms);

class ShardTree {
 public:
  ShardTree(const std::vector<model::ShardState>& durable, const TreeOptions& options);

  // Takes a full listing made at `now_ms`. Gives the states that are new or changed by it, to be
  // made durable before they are read. A shard whose parent is neither known nor listed is put off:
  // listings are eventually consistent. kGap "capture.generation_missed" when the parent may have
  // expired unseen, or is not listed for kParentAppearsMs; "capture.parent_late" when it is listed
  // after its child was begun; "capture.expired" when a shard that we have not read to its end may
  // have lost records.
  Result<std::vector<model::ShardState>> discover(const std::vector<source::Shard>& listed,
                                                  int64_t now_ms);
  // Some shard is put off until its parent is listed: list again soon.
  bool awaits_parents() const { return !put_off_.empty(); }

  // Shards whose turn it is: not done, parent done or none.
  std::vector<std::string> runnable() const;
  const model::ShardState& state(const std::string& id) const { return shards_.at(id).state; }
  // After the state has been made durable.
  void update(const model::ShardState& state, int64_t now_ms);

  // True when nothing after the shard's position can have expired by now.
  bool provably_unexpired(const model::ShardState& state, int64_t now_ms) const {
    return now_ms < state.complete_until_ms + options_.retention_ms - options_.margin_ms();
  }
  // All changes of the table up to here are captured.
  int64_t complete_until_ms(int64_t now_ms) const;
  // The unfinished shard that is farthest behind, and when what it lacks could begin to expire.
  struct Expiry {
    std::string shard;
    int64_t at_ms = 0;
  };
  std::optional<Expiry> next_expiry() const;
  // Shards done for twice the retention, which no listing can name again.
  std::vector<std::string> forgettable(int64_t now_ms) const;
  void forget(const std::vector<std::string>& ids);

  size_t size() const { return shards_.size(); }
  size_t open_shards() const;

 private:
  struct Node {
    model::ShardState state;
    std::set<std::string> children;
    int64_t done_at_ms = 0;  // by this process; 0: earlier
    bool read_here = false;  // its turn has come
  };
  bool ready(const Node& node) const;
  void link(const std::string& id);
  // Admits what is new and has a known parent, or none; puts the rest off.
  Status admit(const std::vector<source::Shard>& listed, int64_t now_ms);
  // The newest time at which we know that this stream was listed or read.
  int64_t last_seen_ms() const;
  // The node's own mark, or its unfinished ancestor's.
  int64_t effective(const Node& node) const;

  const TreeOptions options_;
  std::map<std::string, Node> shards_;
  std::map<std::string, int64_t> put_off_;  // shard → since when
  int64_t last_listing_ms_ = 0;             // 0: none yet in this process
};

}  // namespace offramp::migrate::capture
