// Fuzzes DynamoDB JSON: the first byte chooses the form (t typed, p plain, e extra) and the wrapper
// (capitals: "Item"), the rest is the text. What is decoded and written must decode to the same
// again.
#include <cstdlib>

#include "ddb/digest.h"
#include "ddb/item_size.h"
#include "ddb/wire_json.h"

namespace {

using namespace offramp::ddb;

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const char choice = static_cast<char>(*data | 0x20);
  const JsonForm form = choice == 'p'   ? JsonForm::kPlain
                        : choice == 'e' ? JsonForm::kExtra
                                        : JsonForm::kTyped;
  const std::string_view wrapper = *data >= 'A' && *data <= 'Z' ? "Item" : "";
  std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  const size_t text_size = text.size();
  text.append(kJsonPadding, '\0');

  static JsonDecoder decoder;
  ItemBatch batch;
  const auto root = decoder.decode_item({text.data(), text_size}, wrapper, form, batch);
  require(root.ok() || batch.nodes().empty());
  if (!root.ok()) return 0;
  const ItemView item(&batch.nodes()[*root]);
  require(*root + item.node()->span == batch.nodes().size());
  (void)item_size(item);

  // The extra form contains the typed one and never takes the short way of compact_json.h: both
  // must agree.
  if (form == JsonForm::kTyped) {
    ItemBatch general_batch;
    const auto general =
        decoder.decode_item({text.data(), text_size}, wrapper, JsonForm::kExtra, general_batch);
    require(general.ok());
    require(equal(item, ItemView(&general_batch.nodes()[*general])));
  }

  // The escapes of the extra form have no typed spelling: an absent mark is all that may stop the
  // second reading.
  for (uint32_t i = 0; i < item.node()->span; ++i)
    if (item.node()[i].type == Type::kAbsent) return 0;

  std::string written;
  append_item_json(item, written);
  const size_t written_size = written.size();
  written.append(kJsonPadding, '\0');
  ItemBatch again_batch;
  const auto again =
      decoder.decode_item({written.data(), written_size}, "", JsonForm::kTyped, again_batch);
  require(again.ok());
  const ItemView same(&again_batch.nodes()[*again]);
  require(equal(item, same));
  require(digest(item) == digest(same));
  require(canonical_item_json(item) == canonical_item_json(same));
  return 0;
}
