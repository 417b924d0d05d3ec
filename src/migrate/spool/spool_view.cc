// Looks a few times: the writer may be releasing or appending at that moment.
#include "migrate/spool/spool_view.h"

#include <algorithm>

#include "migrate/spool/durable_spool.h"

namespace offramp::migrate::spool {
namespace {

constexpr int kLooks = 20;

Error view_only() {
  return Error(ErrorKind::kInternal, "spool.read_only",
               "this spool was opened to be looked at only");
}

class SpoolView final : public Spool {
 public:
  SpoolView(std::optional<Recovered> recovered, uint64_t bytes)
      : recovered_(std::move(recovered)), bytes_(bytes) {}

  std::optional<Origin> origin() const override {
    return recovered_ ? std::optional(recovered_->origin) : std::nullopt;
  }
  Status begin(const Origin&, std::span<const model::ShardState>) override { return view_only(); }
  Result<uint64_t> append(std::span<const model::Change>,
                          std::span<const model::ShardState>) override {
    return view_only();
  }
  std::vector<model::ShardState> shards() const override {
    std::vector<model::ShardState> out;
    if (recovered_)
      for (const auto& [id, shard] : recovered_->shards) out.push_back(shard);
    return out;
  }
  Status forget_shards(std::span<const std::string>) override { return view_only(); }
  uint64_t newest_batch() const override { return recovered_ ? recovered_->newest : 0; }
  bool wait_newer(uint64_t batch, std::chrono::milliseconds, std::stop_token) override {
    return newest_batch() > batch;
  }
  Status seek(const Place&) override { return view_only(); }
  Result<bool> read(model::ChangeBatch&, Place&, size_t) override { return view_only(); }
  Status release(const Place&) override { return view_only(); }
  Result<bool> fold(std::stop_token) override { return view_only(); }
  Size size() const override {
    Size out{.bytes = bytes_};
    if (!recovered_) return out;
    out.log_changes = recovered_->changes - recovered_->segments.front().changes_before;
    uint64_t first = recovered_->segments.front().first;
    for (const BaseNote& base : recovered_->bases) {
      out.base_keys += base.keys;
      // What stands between the first segment's number and the last's, and is in a base, is not in
      // the log.
      if (base.first < first) continue;
      auto next = std::ranges::find(recovered_->segments, base.last + 1, &Segment::first);
      if (next != recovered_->segments.end())
        out.log_changes -= next->changes_before - base.changes_before;
    }
    return out;
  }

 private:
  const std::optional<Recovered> recovered_;
  const uint64_t bytes_;
};

}  // namespace

Result<std::unique_ptr<Spool>> open_view(const std::string& folder) {
  for (int look = 1;; ++look) {
    auto recovered = recover(folder, Recovery::kLook);
    if (recovered.ok()) {
      uint64_t bytes = *recovered ? bytes_below((*recovered)->folder) : 0;
      return std::unique_ptr<Spool>(std::make_unique<SpoolView>(std::move(*recovered), bytes));
    }
    if (is_vanished(recovered.error()) && !bytes_below(folder) && look > 1)
      return std::unique_ptr<Spool>(std::make_unique<SpoolView>(std::nullopt, 0));
    bool may_pass =
        is_vanished(recovered.error()) || recovered.error().kind() == ErrorKind::kCorrupt;
    if (!may_pass || look == kLooks) return std::move(recovered).error();
  }
}

Result<std::unique_ptr<Spool>> Spool::open(const std::string& folder, Open how,
                                           const Options& options) {
  return how == Open::kReadOnly ? open_view(folder) : DurableSpool::open(folder, options);
}

}  // namespace offramp::migrate::spool
