// Fuzzes the Ion decoder, items and change records: no crash, no bytes read outside the text, no
// nodes left behind by an error, and what was read is a whole item that survives DynamoDB JSON.
#include <cstdlib>
#include <vector>

#include "ddb/ion/ion_decoder.h"
#include "ddb/wire_json.h"

namespace {

using namespace offramp::ddb;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_json_round_trip(ItemView item) {
  std::string json;
  append_item_json(item, json);
  const size_t size = json.size();
  json.append(kJsonPadding, ' ');
  ItemBatch batch;
  JsonDecoder decoder;
  const auto root = decoder.decode_item({json.data(), size}, "", JsonForm::kTyped, batch);
  require(root.ok());
  require(equal(item, ItemView(&batch.nodes()[*root])));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A copy of exactly this size: the address sanitizer guards its end.
  const std::vector<char> bytes(data, data + size);
  const std::string_view text(bytes.data(), bytes.size());
  static ion::IonDecoder decoder;
  ItemBatch batch;
  for (std::string_view wrapper : {"Item", ""}) {
    const auto root = decoder.decode_item(text, wrapper, batch);
    require(root.ok() || batch.nodes().empty());
    if (!root.ok()) continue;
    require(*root + batch.nodes()[*root].span == batch.nodes().size());
    check_json_round_trip(ItemView(&batch.nodes()[*root]));
    batch.reset();
  }
  const auto record = decoder.decode_record(text, batch);
  require(record.ok() || batch.nodes().empty());
  if (!record.ok()) return 0;
  for (const auto& root : {record->keys, record->new_image, record->old_image})
    if (root) check_json_round_trip(ItemView(&batch.nodes()[*root]));
  return 0;
}
