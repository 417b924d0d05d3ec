// GetRecords: reads a log on and tells the changes that are of the shard.
//
// A call reads a bounded number of changes, so an answer may be empty although more follows: the
// shard's records may be few among the others'.
//
// Changes may be held back: by a transaction that is open and might log a lower number, or while
// nobody knows where the generation ends. The answer then has the member offrampMillisBehind, which
// SDKs drop: changes that were made so long ago, or longer, are known; the shard's tip is not what
// it seems.
#include "engine/constraints.h"
#include "engine/error.h"
#include "engine/register.h"
#include "engine/stream_iterator.h"
#include "engine/stream_reading.h"
#include "engine/stream_records.h"
#include "io/wall_ms.h"

namespace offramp::engine {
namespace {

using namespace shapes;

constexpr Member kRecordsMembers[] = {{"ShardIterator", &kString}, {"Limit", &kInteger}};
constexpr Shape kRecordsShape = structure(kRecordsMembers, "GetRecordsInput");

constexpr size_t kRecordsMax = 1000, kRecordBytesMax = 1 << 20;
// Of the log, in one call.
constexpr int kPagesMax = 4;
constexpr size_t kPageChangesMin = 64, kPageChangesMax = 1000, kPageBytesMax = 2 << 20;

class RecordsReader {
 public:
  RecordsReader(Context& context, const StreamNow& now, Shard shard, size_t limit)
      : context_(context), now_(now), shard_(shard), limit_(limit), write_(context.out) {}

  // Tells what is behind `after`; the place to go on behind.
  Result<uint64_t> read(uint64_t after, uint64_t until) {
    size_t changes_max = std::clamp(limit_ * now_.stream->width, kPageChangesMin, kPageChangesMax);
    for (int pages = 0; pages < kPagesMax && after < until && !full_; ++pages) {
      Status status = context_.session->changes(now_.table->served, now_.stream->log, after, until,
                                                changes_max, kPageBytesMax, context_.changes);
      // It was dropped meanwhile, or has lost what it is made of.
      if (!status.ok() && status.error().code() == "store.no_log") return trimmed();
      TRY(std::move(status));
      behind_ = context_.changes.behind;
      if (context_.changes.next == after) break;
      after = tell_page();
    }
    return after;
  }

  // As in target::ChangePage, of what was read last.
  std::chrono::milliseconds behind() const { return behind_; }

 private:
  // The number behind which the next page begins.
  uint64_t tell_page() {
    const target::ChangePage& page = context_.changes;
    const std::string& partition = now_.stream->table->partition().name;
    for (const target::Change& change : page.changes) {
      ddb::ItemView item = item_of(change, page.items);
      if (now_.stream->shard_of(item.find(partition)) != shard_.index) continue;
      if (!is_told(change, page.items)) continue;
      size_t size = record_size(*now_.stream, change, page.items);
      full_ = told_ > 0 && bytes_ + size > kRecordBytesMax;
      if (full_) return change.number - 1;
      write_record(*now_.stream, change, page.items, size, context_.options.region, write_);
      bytes_ += size;
      full_ = ++told_ == limit_;
      if (full_) return change.number;
    }
    return page.next;
  }

  Context& context_;
  const StreamNow& now_;
  const Shard shard_;
  const size_t limit_;
  JsonWriter write_;
  size_t told_ = 0, bytes_ = 0;
  std::chrono::milliseconds behind_{0};
  bool full_ = false;
};

Result<ShardIterator> read_iterator(Context& context) {
  Json text = context.request["ShardIterator"], limit = context.request["Limit"];
  Constraints constraints;
  if (constraints.not_null(text, "shardIterator"))
    constraints.length(text, "shardIterator", 1, kIteratorBytesMax);
  constraints.at_least(limit, "limit", 1);
  TRY(constraints.done());
  if (limit.integer(1) > static_cast<int64_t>(kRecordsMax))
    return invalid_parameter("Limit should be less than or equal to 1000");
  std::optional<ShardIterator> iterator = parse_iterator(text.text());
  if (!iterator) return validation("Invalid ShardIterator");
  if (iterator->issued_ms + kIteratorValidMs < io::wall_ms(*context.options.clock))
    return service_error("ExpiredIteratorException",
                         "The shard iterator has expired: it was issued more than 15 minutes ago");
  return *iterator;
}

Status get_records(Context& context) {
  ShardIterator iterator = TRY(read_iterator(context));
  StreamNow now = TRY(stream_now(context, iterator.stream_arn));
  const Stream& stream = *now.stream;
  std::optional<size_t> generation = stream.find_generation(iterator.begun_ms);
  if (!generation && iterator.begun_ms < stream.generations.front().begun_ms) return trimmed();
  if (!generation || iterator.index >= stream.width) return shard_missing();
  Shard shard{*generation, iterator.index};
  uint64_t end = now.end_of(shard.generation);
  JsonWriter write(context.out);
  write.open('{');
  write.name("Records");
  write.open('[');
  auto limit = static_cast<size_t>(context.request["Limit"].integer(kRecordsMax));
  uint64_t at = std::max(iterator.after, stream.generations[*generation].after);
  RecordsReader reader(context, now, shard, limit);
  uint64_t next = TRY(reader.read(at, end));
  // What was trimmed before it could be read is only known now.
  if (!iterator.from_horizon) TRY(check_not_trimmed(context, now, *generation, at));
  write.close(']');
  if (stream.is_open(shard) || next < end) {
    std::string arn =
        context.arns.table(stream.path());  // not the client's text: it goes into JSON
    iterator.stream_arn = arn;
    iterator.after = next;
    iterator.from_horizon = false;
    iterator.issued_ms = io::wall_ms(*context.options.clock);
    write.name("NextShardIterator");
    context.out.push_back('"');
    append_iterator(iterator, context.out);  // nothing to escape
    context.out.push_back('"');
    bool is_ending = stream.is_open(shard) && stream.closing;
    // What is older than the retention is not there to be held back.
    auto behind = is_ending ? context.options.stream_retention
                            : std::min(reader.behind(), context.options.stream_retention);
    if (behind.count() > 0) write.number("offrampMillisBehind", behind.count());
  }
  write.close('}');
  return {};
}

}  // namespace

void register_get_records(Dispatch& dispatch) {
  dispatch["GetRecords"] = {&kRecordsShape, get_records};
}

}  // namespace offramp::engine
