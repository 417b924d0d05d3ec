#include "engine/stream_records.h"

#include <xxhash.h>

#include "ddb/item_size.h"

namespace offramp::engine {
namespace {

using target::Change;

bool shows_new(StreamView view) {
  return view == StreamView::kNewImage || view == StreamView::kNewAndOldImages;
}
bool shows_old(StreamView view) {
  return view == StreamView::kOldImage || view == StreamView::kNewAndOldImages;
}

ddb::ItemView old_item(const Change& change, const ddb::ItemBatch& items) {
  return change.has_old ? items.item(change.old_root) : ddb::ItemView();
}
ddb::ItemView new_item(const Change& change, const ddb::ItemBatch& items) {
  return change.has_new ? items.item(change.new_root) : ddb::ItemView();
}

// The images that the record shows; empty views for those it does not.
struct Images {
  Images(StreamView view, const Change& change, const ddb::ItemBatch& items)
      : fresh(shows_new(view) ? new_item(change, items) : ddb::ItemView()),
        old(shows_old(view) ? old_item(change, items) : ddb::ItemView()) {}
  ddb::ItemView fresh, old;
};

template <class F>
void for_each_key(const Stream& stream, F visit) {
  visit(stream.table->partition());
  if (const model::KeyAttribute* sort = stream.table->sort()) visit(*sort);
}

// 32 hexadecimal digits that this change has in every answer, and no other one.
void write_id(const Stream& stream, const Change& change, JsonWriter& write) {
  uint64_t seed = XXH3_64bits(stream.log.table_id.data(), stream.log.table_id.size());
  seed = XXH3_64bits_withSeed(stream.log.label.data(), stream.log.label.size(), seed);
  XXH128_hash_t id = XXH3_128bits_withSeed(&change.number, sizeof change.number, seed);
  write.name("eventID");
  fmt::format_to(std::back_inserter(write.out()), "\"{:016x}{:016x}\"", id.high64, id.low64);
}

void write_keys(const Stream& stream, ddb::ItemView item, JsonWriter& write) {
  write.name("Keys");
  write.open('{');
  for_each_key(stream, [&](const model::KeyAttribute& key) {
    write.name(key.name);
    ddb::append_value_json(item.find(key.name), write.out());
  });
  write.close('}');
}

void write_origin(const Change& change, JsonWriter& write) {
  if (change.origin == target::kExpiryOrigin) {
    write.name("userIdentity");
    write.out().append(R"({"PrincipalId":"dynamodb.amazonaws.com","Type":"Service"})");
  } else if (!change.origin.empty()) {
    write.text("offrampOrigin", change.origin);
  }
}

}  // namespace

ddb::ItemView item_of(const Change& change, const ddb::ItemBatch& items) {
  return items.item(change.has_new ? change.new_root : change.old_root);
}

bool is_told(const Change& change, const ddb::ItemBatch& items) {
  return !change.has_old || !change.has_new ||
         !ddb::equal(old_item(change, items), new_item(change, items));
}

size_t record_size(const Stream& stream, const Change& change, const ddb::ItemBatch& items) {
  ddb::ItemView item = item_of(change, items);
  size_t out = 0;
  for_each_key(stream, [&](const model::KeyAttribute& key) {
    out += key.name.size() + ddb::value_size(item.find(key.name));
  });
  Images images(stream.view, change, items);
  if (images.fresh) out += ddb::item_size(images.fresh);
  if (images.old) out += ddb::item_size(images.old);
  return out;
}

void write_record(const Stream& stream, const Change& change, const ddb::ItemBatch& items,
                  size_t size, std::string_view region, JsonWriter& write) {
  write.open('{');
  write_id(stream, change, write);
  write.text("eventName", !change.has_old ? "INSERT" : change.has_new ? "MODIFY" : "REMOVE");
  write.text("eventVersion", "1.1");
  write.text("eventSource", "aws:dynamodb");
  write.text("awsRegion", region);
  write.name("dynamodb");
  write.open('{');
  write.number("ApproximateCreationDateTime", change.at_ms / 1000);
  write_keys(stream, item_of(change, items), write);
  Images images(stream.view, change, items);
  if (images.fresh) write.item("NewImage", images.fresh);
  if (images.old) write.item("OldImage", images.old);
  write.text("SequenceNumber", sequence_text(change.number));
  write.number("SizeBytes", static_cast<int64_t>(size));
  write.text("StreamViewType", stream_view_name(stream.view));
  write.close('}');
  write_origin(change, write);
  write.close('}');
}

}  // namespace offramp::engine
