// Rounds over a page of suspects: what is settled leaves, what is proven different is given out.
#include "migrate/verify/settle.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "ddb/wire_json.h"
#include "migrate/item_key.h"
#include "migrate/migration.h"
#include "migrate/verify/expected_item.h"

namespace offramp::migrate::verify {
namespace {

constexpr size_t kLookupKeys = 100;  // of one BatchGetItem

struct Suspect {
  ddb::Digest key;
  std::string key_digest, key_json;
  std::optional<ddb::Digest> source, target;  // digests of the items; nothing: no item
  int confirmed = 0;
  bool settled = false;
};

class Round {
 public:
  Round(Migration& migration, MovingTarget& moving)
      : migration_(migration),
        moving_(moving),
        item_key_(migration.mapping->key()),
        expected_(migration.mapping, migration.plan.tables),
        splitter_(migration.mapping) {}

  using Digests = std::map<ddb::Digest, ddb::Digest>;  // key → item

  Status read_source(std::span<Suspect* const> suspects, Digests& out) {
    return in_pieces(suspects, [&](std::span<Suspect* const> piece) -> Status {
      std::vector<std::string_view> keys;
      for (Suspect* suspect : piece) keys.push_back(suspect->key_json);
      batch_.reset();
      TRY(moving_.lookup(keys, batch_));
      for (size_t i = 0; i < batch_.size(); ++i) {
        ddb::ItemView item = batch_.item(i);
        if (!item_key_.take(item)) continue;
        ddb::Digest key = item_key_.digest();
        if ((item = expected_.of(item))) out[key] = ddb::digest(item);
      }
      return {};
    });
  }

  Status read_target(std::span<Suspect* const> suspects, Digests& out) {
    return in_pieces(suspects, [&](std::span<Suspect* const> piece) -> Status {
      mapping::RowBatch keys;
      keys.reset(migration_.mapping->tables().size());
      ddb::ItemBatch key_items;
      for (Suspect* suspect : piece) {
        std::string text = suspect->key_json;
        auto [copy, size] = padded(text, key_items);
        uint32_t root =
            TRY(decoder_.decode_item({copy, size}, {}, ddb::JsonForm::kTyped, key_items));
        TRY(splitter_.key_rows(ddb::ItemView(&key_items.nodes()[root]), keys));
      }
      batch_.reset();
      TRY(migration_.target->get(keys, batch_));
      for (size_t i = 0; i < batch_.size(); ++i)
        if (item_key_.take(batch_.item(i))) out[item_key_.digest()] = ddb::digest(batch_.item(i));
      return {};
    });
  }

 private:
  static std::pair<const char*, size_t> padded(const std::string& text, ddb::ItemBatch& batch) {
    char* out = batch.arena.allocate(text.size() + ddb::kJsonPadding);
    std::memcpy(out, text.data(), text.size());
    std::memset(out + text.size(), 0, ddb::kJsonPadding);
    return {out, text.size()};
  }
  template <class Work>
  static Status in_pieces(std::span<Suspect* const> suspects, Work work) {
    for (size_t at = 0; at < suspects.size(); at += kLookupKeys)
      TRY(work(suspects.subspan(at, std::min(kLookupKeys, suspects.size() - at))));
    return {};
  }

  Migration& migration_;
  MovingTarget& moving_;
  ItemKey item_key_;
  ExpectedItem expected_;
  mapping::Splitter splitter_;
  ddb::JsonDecoder decoder_;
  ddb::ItemBatch batch_;
};

std::optional<ddb::Digest> find(const Round::Digests& digests, const ddb::Digest& key) {
  auto found = digests.find(key);
  return found == digests.end() ? std::nullopt : std::optional(found->second);
}

// Looks at all once. True when some are not settled yet.
Result<bool> look(Round& round, MovingTarget& moving, std::vector<Suspect>& suspects,
                  Progress& progress, const Scratch::EachFinding& each) {
  std::vector<Suspect*> open;
  std::vector<ddb::Digest> keys;
  for (Suspect& suspect : suspects)
    if (!suspect.settled) {
      open.push_back(&suspect);
      keys.push_back(suspect.key);
    }
  if (open.empty()) return false;
  moving.watch(keys);
  Round::Digests source, target, source_again;
  TRY(round.read_source(open, source));
  TRY(moving.wait_applied(moving.now_ms() + kSlackMs));
  TRY(round.read_target(open, target));
  std::vector<Suspect*> differing;
  for (Suspect* suspect : open) {
    suspect->source = find(source, suspect->key);
    suspect->target = find(target, suspect->key);
    suspect->settled = suspect->source == suspect->target;
    if (!suspect->settled) differing.push_back(suspect);
    progress.add(suspect->settled, 0);
  }
  if (differing.empty()) return false;
  TRY(round.read_source(differing, source_again));
  TRY(moving.wait_applied(moving.now_ms() + kSlackMs));
  bool more = false;
  for (Suspect* suspect : differing) {
    bool still =
        find(source_again, suspect->key) == suspect->source && !moving.changed(suspect->key);
    suspect->confirmed = still ? suspect->confirmed + 1 : 0;
    if (suspect->confirmed < 2) {
      more = true;
      continue;
    }
    suspect->settled = true;
    progress.add(1, 0);
    Finding finding = !suspect->target   ? Finding::kMissing
                      : !suspect->source ? Finding::kExtra
                                         : Finding::kDifferent;
    TRY(each(finding, suspect->key_digest, suspect->key_json));
  }
  return more;
}

}  // namespace

Result<uint64_t> settle(Migration& migration, MovingTarget& moving, Scratch& scratch,
                        Progress& progress, const Scratch::EachFinding& each,
                        std::stop_token stop) {
  Round round(migration, moving);
  uint64_t unsettled = 0;
  std::string after;
  for (;;) {
    auto page = TRY(scratch.page(Finding::kSuspect, after, kSuspectsAtOnce));
    if (page.empty()) break;
    after = page.back().key_digest;
    std::vector<Suspect> suspects;
    for (ScratchRow& row : page) {
      Suspect suspect;
      suspect.key = digest_of_bytes(row.key_digest);
      suspect.key_digest = std::move(row.key_digest);
      suspect.key_json = std::move(row.key_json);
      suspects.push_back(std::move(suspect));
    }
    bool more = true;
    for (int i = 0; more && i < kRoundsMax; ++i) {
      if (stop.stop_requested())
        return Error(ErrorKind::kCancelled, "verify.stopped", "stopped by a signal");
      more = TRY(look(round, moving, suspects, progress, each));
    }
    for (const Suspect& suspect : suspects) unsettled += !suspect.settled;
  }
  moving.watch({});
  return unsettled;
}

Status read_both(Migration& migration, MovingTarget& moving, const std::string& key_json,
                 BothSides& out) {
  std::string_view text = key_json;
  TRY(moving.lookup(std::span(&text, 1), out.source_batch));
  if (out.source_batch.size() > 0) out.source = out.source_batch.item(0);
  ddb::ItemBatch key_item;
  ddb::JsonDecoder decoder;
  std::string padded = key_json + std::string(ddb::kJsonPadding, '\0');
  uint32_t root = TRY(
      decoder.decode_item({padded.data(), key_json.size()}, {}, ddb::JsonForm::kTyped, key_item));
  mapping::Splitter splitter(migration.mapping);
  mapping::RowBatch keys;
  keys.reset(migration.mapping->tables().size());
  TRY(splitter.key_rows(ddb::ItemView(&key_item.nodes()[root]), keys));
  TRY(migration.target->get(keys, out.target_batch));
  if (out.target_batch.size() > 0) out.target = out.target_batch.item(0);
  return {};
}

}  // namespace offramp::migrate::verify
