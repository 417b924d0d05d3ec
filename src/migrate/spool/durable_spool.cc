// Opening, and what all threads may ask.
#include "migrate/spool/durable_spool.h"

#include <fcntl.h>

#include <algorithm>

namespace offramp::migrate::spool {

Result<std::unique_ptr<Spool>> DurableSpool::open(const std::string& folder,
                                                  const Options& options) {
  TRY(make_folder(folder));
  auto recovered = TRY(recover(folder, Recovery::kRepair));
  auto spool = std::unique_ptr<DurableSpool>(new DurableSpool(folder, options));
  if (recovered) TRY(spool->take(std::move(*recovered)));
  return std::unique_ptr<Spool>(std::move(spool));
}

Status DurableSpool::take(Recovered recovered) {
  const std::string& path = recovered.segments.back().path;
  File active(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!active) return io_error("open", path);
  active_ = std::move(active);
  origin_ = recovered.origin;
  generation_folder_ = std::move(recovered.folder);
  segments_ = std::move(recovered.segments);
  bases_ = std::move(recovered.bases);
  shards_ = std::move(recovered.shards);
  newest_ = recovered.newest;
  changes_ = recovered.changes;
  uint64_t first = segments_.front().first;
  if (!bases_.empty()) first = std::min(first, bases_.front().first);
  at_ = {.generation = origin_->generation, .batch = first - 1};
  read_changes_ = released_changes_ = segments_.front().changes_before;
  marks_.clear();
  return {};
}

std::optional<Origin> DurableSpool::origin() const {
  std::lock_guard lock(mutex_);
  return origin_;
}

std::vector<model::ShardState> DurableSpool::shards() const {
  std::lock_guard lock(mutex_);
  std::vector<model::ShardState> out;
  out.reserve(shards_.size());
  for (const auto& [id, shard] : shards_) out.push_back(shard);
  return out;
}

uint64_t DurableSpool::newest_batch() const {
  std::lock_guard lock(mutex_);
  return newest_;
}

bool DurableSpool::wait_newer(uint64_t batch, std::chrono::milliseconds timeout,
                              std::stop_token stop) {
  Lock lock(mutex_);
  return changed_.wait_for(lock, stop, timeout, [&] { return newest_ > batch; });
}

Size DurableSpool::size() const {
  Size out;
  std::vector<std::string> bases;
  {
    std::lock_guard lock(mutex_);
    for (size_t i = 0; i < segments_.size(); ++i) {
      out.bytes += segments_[i].bytes;
      uint64_t begin = std::max(segments_[i].changes_before, released_changes_);
      uint64_t end = i + 1 < segments_.size() ? segments_[i + 1].changes_before : changes_;
      // Changes of a base stand between two segments' numbers.
      for (const BaseNote& base : bases_)
        if (i + 1 < segments_.size() && segments_[i].first < base.first &&
            base.first < segments_[i + 1].first)
          end = std::min(end, base.changes_before);
      if (end > begin) out.log_changes += end - begin;
    }
    for (const BaseNote& base : bases_) {
      out.base_keys += base.keys;
      bases.push_back(generation_folder_ + "/" + numbered("base-", base.first));
    }
  }
  for (const std::string& base : bases) out.bytes += bytes_below(base);
  return out;
}

}  // namespace offramp::migrate::spool
