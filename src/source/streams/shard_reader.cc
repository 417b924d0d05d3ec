#include "source/streams/shard_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "ddb/wire_json.h"

namespace offramp::source::streams {
namespace {

constexpr auto kIteratorAgeMax = std::chrono::minutes(14);
// An iterator that expires again and again at once is not worth asking for.
constexpr int kRenewalsMax = 5;
// An answer of about this size was ended by the service's limit of 1 MB, not by the shard's tip.
constexpr size_t kFullAnswerBytes = 700'000;
// A shard whose newest record is older than this was not read up to its tip by an answer that had
// records.
constexpr auto kTipAge = std::chrono::seconds(10);
// GetRecords may answer without records although the shard has some further on ("it might take
// multiple calls", API reference): after a new iterator, so many empty answers are needed before
// the tip is believed.
constexpr int kEmptyAnswers = 3;
// Records live for 24 hours; one of them is left for clocks and slow answers.
constexpr auto kUnreadMax = std::chrono::hours(23);

// The newest time that the record's may stand for: DynamoDB Local rounds down to minutes.
int64_t not_after(int64_t created_s) { return created_s % 60 == 0 ? created_s + 59 : created_s; }

}  // namespace

StreamShardReader::StreamShardReader(std::shared_ptr<ddb::client::Client> client, io::Clock& clock,
                                     ShardAddress address, model::KeySchema key,
                                     std::string after_sequence)
    : client_(std::move(client)),
      clock_(clock),
      address_(std::move(address)),
      decoder_(std::move(key)),
      sequence_(std::move(after_sequence)),
      empty_answers_left_(kEmptyAnswers) {}

Result<ShardAnswer> StreamShardReader::next(model::ChangeBatch& batch) {
  batch.reset();
  if (ended_) return ShardAnswer{.end = true};
  for (int renewals = 0;;) {
    TRY(check_unread_time());
    if (iterator_.empty() || iterator_is_old()) TRY(take_iterator());
    auto answer = get_records();
    if (!answer.ok()) {
      const std::string& code = answer.error().code();
      const bool expired = code == "ddb.iterator_expired";
      const bool horizon_moved = code == "ddb.trimmed" && sequence_.empty();
      if ((expired || horizon_moved) && ++renewals < kRenewalsMax) {
        iterator_.clear();
        continue;
      }
      if (code == "http.too_large" && limit_ > 1) {
        limit_ = std::max(1, limit_ / 4);
        continue;
      }
      return translate(std::move(answer).error());
    }
    auto decoded = decoder_.decode(answer.value(), batch);
    if (!decoded.ok()) {
      batch.reset();
      return translate(std::move(decoded).error());
    }
    iterator_ = std::move(decoded.value().next_iterator);
    iterator_taken_ = clock_.now();
    answered_at_ = clock_.wall();
    ended_ = iterator_.empty();
    if (!batch.changes.empty()) sequence_ = batch.changes.back().sequence;
    ShardAnswer out = judge(batch, answer.value().size());
    out.behind_ms = decoded.value().behind_ms;
    limit_ = std::min(kRecordsMax, limit_ * 2);
    return out;
  }
}

ShardAnswer StreamShardReader::judge(const model::ChangeBatch& batch, size_t answer_bytes) {
  if (ended_) return {.end = true};
  if (batch.changes.empty()) return {.more = empty_answers_left_ > 0 && empty_answers_left_-- > 0};
  const bool full =
      batch.changes.size() >= static_cast<size_t>(limit_) || answer_bytes >= kFullAnswerBytes;
  const auto created =
      io::Clock::Wall(std::chrono::seconds(not_after(batch.changes.back().created_s)));
  const bool old = created + kTipAge < clock_.wall();
  if (!full && !old) empty_answers_left_ = 0;
  return {.more = full || old};
}

// A machine may sleep for days. With a sequence number the service says what was trimmed meanwhile;
// the trim horizon would simply have moved on.
Status StreamShardReader::check_unread_time() const {
  if (!sequence_.empty() || !answered_at_ || clock_.wall() - *answered_at_ < kUnreadMax) return {};
  return Error(
      ErrorKind::kGap, "streams.trimmed",
      fmt::format("shard {} of stream {} was not read for more than {} hours; DynamoDB may "
                  "have trimmed changes meanwhile, so the table must be loaded again",
                  address_.shard_id, address_.stream_id, kUnreadMax.count()));
}

bool StreamShardReader::iterator_is_old() const {
  return clock_.now() - iterator_taken_ >= kIteratorAgeMax;
}

Status StreamShardReader::take_iterator() {
  std::string body = R"({"StreamArn":)";
  ddb::append_json_string(address_.stream_id, body);
  body += R"(,"ShardId":)";
  ddb::append_json_string(address_.shard_id, body);
  if (sequence_.empty()) {
    body += R"(,"ShardIteratorType":"TRIM_HORIZON"})";
  } else {
    body += R"(,"ShardIteratorType":"AFTER_SEQUENCE_NUMBER","SequenceNumber":)";
    ddb::append_json_string(sequence_, body);
    body += "}";
  }
  auto answer = client_->call("GetShardIterator", address_.table, body);
  if (!answer.ok()) return translate(std::move(answer).error());
  auto json = nlohmann::json::parse(answer.value(), nullptr, /*allow_exceptions=*/false);
  std::string iterator;
  if (json.is_object() && json.contains("ShardIterator") && json["ShardIterator"].is_string())
    iterator = json["ShardIterator"].get<std::string>();
  if (iterator.empty() || iterator.size() > kIteratorBytesMax)
    return translate(Error(ErrorKind::kCorrupt, "streams.answer",
                           "the answer of GetShardIterator holds no ShardIterator"));
  iterator_ = std::move(iterator);
  iterator_taken_ = clock_.now();
  empty_answers_left_ = kEmptyAnswers;
  return {};
}

Result<std::string> StreamShardReader::get_records() {
  std::string body = fmt::format(R"({{"Limit":{},"ShardIterator":)", limit_);
  ddb::append_json_string(iterator_, body);
  body += "}";
  return client_->call("GetRecords", address_.table, body);
}

Error StreamShardReader::translate(Error error) const {
  const std::string where =
      sequence_.empty() ? std::string("its oldest record") : "SequenceNumber " + sequence_;
  if (error.code() == "ddb.trimmed")
    return Error(ErrorKind::kGap, "streams.trimmed",
                 fmt::format("shard {} of stream {}: the changes after {} are older than 24 hours "
                             "and DynamoDB has trimmed them; they are missing, so the table must "
                             "be loaded again",
                             address_.shard_id, address_.stream_id, where));
  if (error.code() == "ddb.stream_not_found")
    return Error(ErrorKind::kGap, "streams.shard_gone",
                 fmt::format("shard {} of stream {} no longer exists; what it held after {} is "
                             "missing, so the table must be loaded again",
                             address_.shard_id, address_.stream_id, where));
  return std::move(error).with_context(
      fmt::format("shard {} of stream {}", address_.shard_id, address_.stream_id));
}

}  // namespace offramp::source::streams
