#include "source/streams/records.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>
#include <utility>

#include "ddb/item_batch.h"
#include "ddb/wire_json.h"
#include "source/service_answer.h"

namespace offramp::source::streams {
namespace {

namespace od = simdjson::ondemand;

constexpr std::string_view kTtlPrincipal = "dynamodb.amazonaws.com";
// A key holds at most 2048 + 1024 bytes; escaped and with names that stays far below this.
constexpr size_t kKeyTextMax = 64 * 1024;

Error corrupt_answer(std::string_view why) {
  return Error(ErrorKind::kCorrupt, "streams.answer",
               fmt::format("the answer of GetRecords cannot be read: {}", why));
}

// Seconds since 1970: 1768387643, and from some servers 1768387643.0 or 1.768387643E9. 0 when it is
// neither: the time is never a version, so a strange one harms nothing but the lag that is shown.
int64_t created_seconds(std::string_view token) {
  constexpr double kSecondsMax = 1e11;
  double seconds = 0;
  auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), seconds);
  if (error != std::errc() || !(seconds >= 0) || seconds > kSecondsMax) return 0;
  return static_cast<int64_t>(seconds);
}

enum class Event { kNone, kPut, kRemove, kUnknown };

// What has been seen of the record being read. Views point into the answer or the parser's buffer.
struct Record {
  Event event = Event::kNone;
  std::string_view sequence, keys, image;
  int64_t created_s = 0;
  bool by_service = false, by_dynamodb = false;
};

}  // namespace

bool is_sequence_number(std::string_view text) {
  if (text.empty() || text.size() > kSequenceDigitsMax) return false;
  for (char c : text)
    if (c < '0' || c > '9') return false;
  return true;
}

struct RecordsDecoder::Impl {
  model::KeySchema schema;
  od::parser parser;
  ddb::JsonDecoder key_decoder;
  ddb::ItemBatch key_batch;
  simdjson::error_code json_error = simdjson::SUCCESS;

  // False: json_error says why.
  template <class T>
  bool take(simdjson::simdjson_result<T>&& result, T& out) {
    json_error = std::move(result).get(out);
    return json_error == simdjson::SUCCESS;
  }

  bool take_object_text(od::value& value, std::string_view& out) {
    od::object object;
    if (!take(value.get_object(), object)) return false;
    if (!take(object.raw_json(), out)) return false;
    out = without_trailing_space(out);
    return true;
  }

  bool read_identity(od::value& value, Record& record) {
    bool null = false;
    if (!take(value.is_null(), null)) return false;
    if (null) return true;
    od::object object;
    if (!take(value.get_object(), object)) return false;
    for (auto member : object) {
      od::field field;
      if (!take(std::move(member), field)) return false;
      const auto name = field.key();
      const bool type = name == "Type" || name == "type";
      const bool principal = name == "PrincipalId" || name == "principalId";
      if (!type && !principal) continue;
      std::string_view text;
      if (!take(field.value().get_string(), text)) return false;
      if (type) record.by_service = text == "Service";
      if (principal) record.by_dynamodb = text == kTtlPrincipal;
    }
    return true;
  }

  bool read_change(od::value& value, Record& record) {
    od::object object;
    if (!take(value.get_object(), object)) return false;
    for (auto member : object) {
      od::field field;
      if (!take(std::move(member), field)) return false;
      const auto name = field.key();
      bool fine = true;
      if (name == "Keys") {
        fine = take_object_text(field.value(), record.keys);
      } else if (name == "NewImage") {
        fine = take_object_text(field.value(), record.image);
      } else if (name == "SequenceNumber") {
        fine = take(field.value().get_string(), record.sequence);
      } else if (name == "ApproximateCreationDateTime") {
        record.created_s = created_seconds(field.value().raw_json_token());
      }
      if (!fine) return false;
    }
    return true;
  }

  bool read_record(simdjson::simdjson_result<od::value> element, Record& record) {
    od::value value;
    od::object object;
    if (!take(std::move(element), value) || !take(value.get_object(), object)) return false;
    for (auto member : object) {
      od::field field;
      if (!take(std::move(member), field)) return false;
      const auto name = field.key();
      bool fine = true;
      if (name == "dynamodb") {
        fine = read_change(field.value(), record);
      } else if (name == "eventName") {
        std::string_view event;
        fine = take(field.value().get_string(), event);
        record.event = event == "INSERT" || event == "MODIFY" ? Event::kPut
                       : event == "REMOVE"                    ? Event::kRemove
                                                              : Event::kUnknown;
      } else if (name == "userIdentity") {
        fine = read_identity(field.value(), record);
      }
      if (!fine) return false;
    }
    return true;
  }

  Status add(const Record& record, model::ChangeBatch& batch) {
    if (!is_sequence_number(record.sequence))
      return Error(ErrorKind::kCorrupt, "streams.record",
                   fmt::format("record {} of the answer has no SequenceNumber of 1 to {} digits",
                               batch.changes.size() + 1, kSequenceDigitsMax));
    auto bad = [&](std::string_view why) {
      return Error(ErrorKind::kCorrupt, "streams.record",
                   fmt::format("the record with SequenceNumber {} {}", record.sequence, why));
    };
    if (record.event == Event::kNone) return bad("has no eventName");
    if (record.event == Event::kUnknown) return bad("is no INSERT, MODIFY or REMOVE");
    if (record.keys.empty()) return bad("has no Keys");
    if (record.keys.size() > kKeyTextMax) return bad("has Keys longer than a key can be");
    if (record.event == Event::kPut && record.image.empty())
      return Error(ErrorKind::kConfig, "streams.view_type",
                   fmt::format("the record with SequenceNumber {} has no NewImage: the stream's "
                               "view type must be NEW_AND_OLD_IMAGES or NEW_IMAGE",
                               record.sequence));
    model::Change change;
    change.key = TRY(key_digest(record));
    change.key_json = record.keys;
    if (record.event == Event::kPut) change.image_json = record.image;
    change.sequence = record.sequence;
    change.created_s = record.created_s;
    change.by_ttl = record.event == Event::kRemove && record.by_service && record.by_dynamodb;
    batch.add(change);
    return {};
  }

  Result<ddb::Digest> key_digest(const Record& record) {
    key_batch.reset();
    auto root = key_decoder.decode_item(record.keys, {}, ddb::JsonForm::kTyped, key_batch);
    if (!root.ok())
      return Error(ErrorKind::kCorrupt, "streams.record",
                   fmt::format("the Keys of the record with SequenceNumber {} are {}",
                               record.sequence, root.error().message()));
    ddb::ItemView key(&key_batch.nodes()[root.value()]);
    bool fits = key.size() == (schema.sort ? 2u : 1u) && has(key, schema.partition) &&
                (!schema.sort || has(key, *schema.sort));
    if (!fits)
      return Error(ErrorKind::kCorrupt, "streams.record",
                   fmt::format("the Keys of the record with SequenceNumber {} are not the table's "
                               "key attributes",
                               record.sequence));
    return ddb::digest(key);
  }

  static bool has(ddb::ItemView key, const model::KeyAttribute& attribute) {
    ddb::ValueView value = key.find(attribute.name);
    return value && value.type() == attribute.type;
  }
};

RecordsDecoder::RecordsDecoder(model::KeySchema key) : impl_(std::make_unique<Impl>()) {
  impl_->schema = std::move(key);
  impl_->parser.threaded = false;
}
RecordsDecoder::~RecordsDecoder() = default;

Result<RecordsAnswer> RecordsDecoder::decode(std::string& answer, model::ChangeBatch& batch) {
  Impl& impl = *impl_;
  RecordsAnswer out;
  bool has_records = false, has_next = false;
  answer.reserve(answer.size() + ddb::kJsonPadding);

  auto json_error = [&] { return corrupt_answer(simdjson::error_message(impl.json_error)); };
  od::document document;
  od::object root;
  if (!impl.take(impl.parser.iterate(answer.data(), answer.size(), answer.capacity()), document) ||
      !impl.take(document.get_object(), root))
    return json_error();
  for (auto member : root) {
    od::field field;
    if (!impl.take(std::move(member), field)) return json_error();
    // Unescaped, unlike the names inside: a NextShardIterator that is overlooked would end the
    // shard (C6).
    std::string_view name;
    if (!impl.take(field.unescaped_key(), name)) return json_error();
    if (name == "Records") {
      if (std::exchange(has_records, true)) return corrupt_answer("Records occurs twice");
      od::array array;
      if (!impl.take(field.value().get_array(), array)) return json_error();
      for (auto element : array) {
        Record record;
        if (!impl.read_record(std::move(element), record)) return json_error();
        TRY(impl.add(record, batch));
      }
    } else if (name == "NextShardIterator") {
      if (std::exchange(has_next, true)) return corrupt_answer("NextShardIterator occurs twice");
      bool null = false;
      if (!impl.take(field.value().is_null(), null)) return json_error();
      if (null) continue;
      std::string_view text;
      if (!impl.take(field.value().get_string(), text)) return json_error();
      if (text.empty() || text.size() > kIteratorBytesMax)
        return corrupt_answer("its NextShardIterator is empty or too long");
      out.next_iterator = text;
    } else if (name == "offrampMillisBehind") {
      if (!impl.take(field.value().get_int64(), out.behind_ms)) return json_error();
      if (out.behind_ms < 0) return corrupt_answer("its offrampMillisBehind is negative");
    }
  }
  if (!document.current_location().error()) return corrupt_answer("something follows its end");
  // An answer without Records is none of GetRecords; read as "nothing new, shard ended" it would
  // lose records (C6).
  if (!has_records) return corrupt_answer("Records is missing");
  return out;
}

}  // namespace offramp::source::streams
