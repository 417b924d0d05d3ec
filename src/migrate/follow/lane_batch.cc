// Newest per key by walking a run of changes backwards.
#include "migrate/follow/lane_batch.h"

#include <bit>
#include <cstring>

namespace offramp::migrate::follow {

Preparer::Preparer(std::shared_ptr<const mapping::CompiledMapping> mapping)
    : mapping_(std::move(mapping)), splitter_(mapping_), item_key_(mapping_->key()) {}

Status Preparer::take(const model::ChangeBatch& from, int lane, int lanes, LaneBatch& out) {
  out.reset(mapping_->tables().size());
  const std::vector<model::Change>& changes = from.changes;
  size_t slots = std::bit_ceil(changes.size() * 2 + 1);
  slots_.assign(slots, 0);
  for (size_t i = changes.size(); i-- > 0;) {
    const model::Change& change = changes[i];
    if (lane_of(change.key, lanes) != lane) continue;
    ++out.captured;
    size_t at = change.key.low & (slots - 1);
    while (slots_[at] != 0 && changes[slots_[at] - 1].key != change.key)
      at = (at + 1) & (slots - 1);
    if (slots_[at] != 0) continue;  // overtaken
    slots_[at] = static_cast<uint32_t>(i + 1);
    out.changes.add(change);
  }
  return prepare(out, [](const model::Change&) { return false; });
}

void Preparer::begin(LaneBatch& batch) const {
  batch.items.reset();
  batch.keys.reset(mapping_->tables().size());
  batch.rows.reset(mapping_->tables().size());
  batch.refused.clear();
}

Result<uint32_t> Preparer::decode(std::string_view json, ddb::ItemBatch& batch) {
  char* text = batch.arena.allocate(json.size() + ddb::kJsonPadding);
  std::memcpy(text, json.data(), json.size());
  std::memset(text + json.size(), 0, ddb::kJsonPadding);
  return decoder_.decode_item({text, json.size()}, {}, ddb::JsonForm::kTyped, batch);
}

Result<ddb::ItemView> Preparer::decode_key(std::string_view key_json, ddb::ItemBatch& batch) {
  uint32_t root = TRY(decode(key_json, batch));
  return ddb::ItemView(&batch.nodes()[root]);
}

Result<bool> Preparer::add_image(ddb::ItemView key, ddb::ItemView image, mapping::RowBatch& keys,
                                 mapping::RowBatch& rows, std::string& why) {
  // An item that the plan skips may have had rows before: its key is cleared all the same.
  if (image && splitter_.split(image, rows, why) == mapping::Outcome::kRefused) return false;
  TRY(splitter_.key_rows(key, keys));
  return true;
}

Status Preparer::add(LaneBatch& batch, size_t index) {
  const model::Change& change = batch.changes.changes[index];
  std::string why;
  bool gone = change.image_json.empty();
  auto root = decode(gone ? change.key_json : change.image_json, batch.items);
  if (!root.ok()) {
    batch.refused.push_back({index, root.error().code(), root.error().message()});
    return {};
  }
  ddb::ItemView item(&batch.items.nodes()[*root]);
  if (!item_key_.take(item)) {
    batch.refused.push_back({index, "item.no_key", "the image lacks the table's key attributes"});
    return {};
  }
  if (!TRY(add_image(item_key_.view(), gone ? ddb::ItemView() : item, batch.keys, batch.rows, why)))
    batch.refused.push_back({index, "item.refused", why});
  return {};
}

}  // namespace offramp::migrate::follow
