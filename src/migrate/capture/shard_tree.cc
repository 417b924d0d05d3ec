// See shard_tree.h for the argument; here is only its bookkeeping.
#include "migrate/capture/shard_tree.h"

#include <fmt/format.h>

#include <algorithm>

namespace offramp::migrate::capture {
namespace {

std::string hours_and_minutes(int64_t ms) {
  int64_t minutes = ms / 60000;
  if (minutes >= 60) return fmt::format("{} h {:02} min", minutes / 60, minutes % 60);
  return minutes > 0 ? fmt::format("{} min", minutes) : fmt::format("{} s", ms / 1000);
}

}  // namespace

std::vector<model::ShardState> first_states(const std::vector<source::Shard>& listed,
                                            int64_t now_ms) {
  std::vector<model::ShardState> out;
  for (const source::Shard& shard : listed) {
    model::ShardState state;
    state.id = shard.id;
    state.parent =
        shard.parent;  // one that is not listed has expired, and has nothing left to give
    state.complete_until_ms = now_ms;
    out.push_back(std::move(state));
  }
  return out;
}

ShardTree::ShardTree(const std::vector<model::ShardState>& durable, const TreeOptions& options)
    : options_(options) {
  for (const model::ShardState& state : durable) shards_[state.id].state = state;
  for (const model::ShardState& state : durable) link(state.id);
  // A finished shard's mark is its children's too; states on disk may not say so yet.
  for (bool changed = true; changed;) {
    changed = false;
    for (auto& [id, node] : shards_) {
      if (!node.state.done) continue;
      for (const std::string& child : node.children) {
        int64_t& mark = shards_.at(child).state.complete_until_ms;
        if (mark >= node.state.complete_until_ms) continue;
        mark = node.state.complete_until_ms;
        changed = true;
      }
    }
  }
}

void ShardTree::link(const std::string& id) {
  const std::string& parent = shards_.at(id).state.parent;
  if (parent.empty()) return;
  if (auto found = shards_.find(parent); found != shards_.end()) found->second.children.insert(id);
}

bool ShardTree::ready(const Node& node) const {
  if (node.state.parent.empty()) return true;
  auto parent = shards_.find(node.state.parent);
  return parent == shards_.end() || parent->second.state.done;
}

int64_t ShardTree::effective(const Node& node) const {
  // While an ancestor is unfinished its mark holds for its whole line, and it is counted itself.
  const Node* at = &node;
  for (;;) {
    if (at->state.parent.empty()) break;
    auto parent = shards_.find(at->state.parent);
    if (parent == shards_.end() || parent->second.state.done) break;
    at = &parent->second;
  }
  return at->state.complete_until_ms;
}

int64_t ShardTree::last_seen_ms() const {
  int64_t last = last_listing_ms_;
  for (const auto& [id, node] : shards_) last = std::max(last, node.state.complete_until_ms);
  return last;
}

Status ShardTree::admit(const std::vector<source::Shard>& listed, int64_t now_ms) {
  std::map<std::string, int64_t> put_off;
  bool parents_may_have_expired =
      !shards_.empty() && now_ms >= last_seen_ms() + options_.retention_ms - options_.margin_ms();
  std::set<std::string> known;
  for (const auto& [id, node] : shards_) known.insert(id);
  for (bool admitted = true; admitted;) {  // a shard may be listed before its parent
    admitted = false;
    for (const source::Shard& shard : listed) {
      if (known.contains(shard.id) || (!shard.parent.empty() && !known.contains(shard.parent)))
        continue;
      shards_[shard.id].state.id = shard.id;
      shards_[shard.id].state.parent = shard.parent;
      known.insert(shard.id);
      admitted = true;
    }
  }
  for (const source::Shard& shard : listed) {
    if (known.contains(shard.id)) continue;
    auto before = put_off_.find(shard.id);
    int64_t since = before == put_off_.end() ? now_ms : before->second;
    if (parents_may_have_expired || now_ms - since > kParentAppearsMs)
      return Error(ErrorKind::kGap, "capture.generation_missed",
                   fmt::format("shard {} has the parent {}, which was never seen and is not "
                               "listed: the changes in it were "
                               "not captured. Repair it with `offramp run PLAN --repair-gap`",
                               shard.id, shard.parent));
    put_off[shard.id] = since;
  }
  put_off_ = std::move(put_off);
  return {};
}

Result<std::vector<model::ShardState>> ShardTree::discover(const std::vector<source::Shard>& listed,
                                                           int64_t now_ms) {
  std::vector<model::ShardState> changed;
  std::set<std::string> ids;
  for (const source::Shard& shard : listed) ids.insert(shard.id);
  TRY(admit(listed, now_ms));
  // What an earlier process finished may still lack its children in the listing.
  if (last_listing_ms_ == 0)
    for (auto& [id, node] : shards_)
      if (node.state.done) node.done_at_ms = now_ms;

  // Marks of new shards, once all parents are there: a child begins where its parent's mark stands,
  // a shard without a parent was not there at the listing before.
  for (const source::Shard& shard : listed) {
    auto found = shards_.find(shard.id);
    if (found == shards_.end() || found->second.state.complete_until_ms != 0)
      continue;  // put off, or not new
    Node& node = found->second;
    for (const auto& [id, child] : shards_) {
      if (child.state.parent != shard.id || (child.state.sequence.empty() && !child.state.done))
        continue;
      return Error(
          ErrorKind::kGap, "capture.parent_late",
          fmt::format("shard {} is listed only now, after its child {} was read: their changes may "
                      "have been "
                      "captured in the wrong order. Repair it with `offramp run PLAN --repair-gap`",
                      shard.id, id));
    }
    int64_t mark = 0;
    const std::string* parent = &node.state.parent;
    while (!parent->empty() && mark == 0) {
      auto above = shards_.find(*parent);
      if (above == shards_.end()) break;
      mark = above->second.state.complete_until_ms;
      parent = &above->second.state.parent;
    }
    if (mark == 0) {
      // The oldest mark of all is a time before which nothing can be missing.
      for (const auto& [id, other] : shards_)
        if (other.state.complete_until_ms != 0 && !other.state.done)
          mark = mark == 0 ? other.state.complete_until_ms
                           : std::min(mark, other.state.complete_until_ms);
      if (last_listing_ms_ != 0)
        mark = mark == 0 ? last_listing_ms_ : std::min(mark, last_listing_ms_);
      if (mark == 0)
        for (const auto& [id, other] : shards_)
          mark = std::max(mark, other.state.complete_until_ms);
      if (mark == 0) mark = now_ms;  // a stream without a single shard until now
    }
    node.state.complete_until_ms = mark;
    link(shard.id);
    for (const auto& [id, child] : shards_)
      if (child.state.parent == shard.id) node.children.insert(id);
    changed.push_back(node.state);
  }

  for (auto& [id, node] : shards_) {
    if (node.state.done || !ready(node)) continue;
    bool gone = !ids.contains(id);
    bool unexpired = provably_unexpired(node.state, now_ms);
    // With a sequence number the service itself says whether anything after it has gone.
    if (unexpired && !gone) continue;
    if (!unexpired && !gone && !node.state.sequence.empty()) continue;
    if (!unexpired)
      return Error(
          ErrorKind::kGap, "capture.expired",
          fmt::format("shard {} was last read {} ago, and the stream keeps records for {}: changes "
                      "in between "
                      "may have expired unread. Repair it with `offramp run PLAN --repair-gap`",
                      id, hours_and_minutes(now_ms - node.state.complete_until_ms),
                      hours_and_minutes(options_.retention_ms)));
    node.state.done = true;  // gone, and proven to have been read to its end
    node.done_at_ms = now_ms;
    changed.push_back(node.state);
  }
  last_listing_ms_ = now_ms;
  return changed;
}

std::vector<std::string> ShardTree::runnable() const {
  std::vector<std::string> out;
  for (const auto& [id, node] : shards_)
    if (!node.state.done && ready(node)) out.push_back(id);
  return out;
}

void ShardTree::update(const model::ShardState& state, int64_t now_ms) {
  Node& node = shards_.at(state.id);
  bool ended = state.done && !node.state.done;
  node.state = state;
  if (!ended) return;
  node.done_at_ms = now_ms;
  for (const std::string& id : node.children) {
    model::ShardState& child = shards_.at(id).state;
    child.complete_until_ms = std::max(child.complete_until_ms, state.complete_until_ms);
  }
}

int64_t ShardTree::complete_until_ms(int64_t now_ms) const {
  std::optional<int64_t> least;
  auto count = [&](int64_t mark) { least = least ? std::min(*least, mark) : mark; };
  int64_t newest = 0;
  for (const auto& [id, node] : shards_) {
    newest = std::max(newest, node.state.complete_until_ms);
    if (!node.state.done)
      count(effective(node));
    else if (node.children.empty() && node.done_at_ms != 0 &&
             now_ms - node.done_at_ms < kChildrenAppearMs)
      count(node.state.complete_until_ms);
  }
  return least.value_or(newest);
}

std::optional<ShardTree::Expiry> ShardTree::next_expiry() const {
  std::optional<Expiry> out;
  for (const auto& [id, node] : shards_) {
    if (node.state.done || !ready(node)) continue;
    int64_t at = node.state.complete_until_ms + options_.retention_ms;
    if (!out || at < out->at_ms) out = Expiry{id, at};
  }
  return out;
}

std::vector<std::string> ShardTree::forgettable(int64_t now_ms) const {
  std::vector<std::string> out;
  for (const auto& [id, node] : shards_)
    if (node.state.done && now_ms > node.state.complete_until_ms + 2 * options_.retention_ms &&
        ready(node))
      out.push_back(id);
  return out;
}

void ShardTree::forget(const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    auto found = shards_.find(id);
    if (found == shards_.end()) continue;
    for (const std::string& child : found->second.children) shards_.at(child).state.parent.clear();
    shards_.erase(found);
  }
}

size_t ShardTree::open_shards() const {
  return static_cast<size_t>(std::count_if(
      shards_.begin(), shards_.end(), [](const auto& entry) { return !entry.second.state.done; }));
}

}  // namespace offramp::migrate::capture
