// Fuzzes the answers of GetRecords: a capital letter in front means a key of two attributes, the
// rest is the answer. A change that comes out has a key that decodes to the digest it carries, and
// an exact sequence number.
#include <cstdlib>

#include "ddb/wire_json.h"
#include "source/streams/records.h"

namespace {

using namespace offramp;

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const model::KeyAttribute partition{"pk", ddb::Type::kS}, sort{"sk", ddb::Type::kN};
  static source::streams::RecordsDecoder of_one(model::KeySchema{partition, std::nullopt});
  static source::streams::RecordsDecoder of_two(model::KeySchema{partition, sort});
  source::streams::RecordsDecoder& decoder = *data >= 'A' && *data <= 'Z' ? of_two : of_one;
  std::string answer(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::string before = answer;
  model::ChangeBatch batch;
  const auto got = decoder.decode(answer, batch);
  require(answer == before);
  if (got.ok()) require(got->next_iterator.size() <= source::streams::kIteratorBytesMax);
  answer.assign(answer.size(), '#');

  static ddb::JsonDecoder json;
  for (const model::Change& change : batch.changes) {
    require(source::streams::is_sequence_number(change.sequence));
    require(change.created_s >= 0);
    require(change.image_json.empty() || change.image_json.front() == '{');
    std::string key(change.key_json);
    key.append(ddb::kJsonPadding, '\0');
    ddb::ItemBatch items;
    const auto root =
        json.decode_item({key.data(), change.key_json.size()}, {}, ddb::JsonForm::kTyped, items);
    require(root.ok());
    require(ddb::digest(ddb::ItemView(&items.nodes()[*root])) == change.key);
  }
  return 0;
}
