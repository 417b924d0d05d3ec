#include "engine/stream_reading.h"

#include "engine/error.h"
#include "engine/streams.h"
#include "io/wall_ms.h"

namespace offramp::engine {
namespace {

// A database's clock may go so far from this machine's.
constexpr int64_t kClocksApartMs = 3600 * 1000;

}  // namespace

Error stream_missing(std::string_view arn) {
  return service_error("ResourceNotFoundException",
                       "Requested resource not found: Stream: " + std::string(arn) + " not found");
}
Error shard_missing() {
  return service_error("ResourceNotFoundException",
                       "Requested resource not found: Shard does not exist");
}
Error trimmed() {
  return service_error("TrimmedDataAccessException",
                       "The data you are trying to access has been trimmed");
}

int64_t horizon_ms(const Context& context) {
  return io::wall_ms(*context.options.clock) - context.options.stream_retention.count();
}

uint64_t StreamNow::end_of(size_t generation) const {
  if (generation + 1 < stream->generations.size()) return stream->generations[generation + 1].after;
  // While it closes somebody else may be about to end it before what is there already.
  if (stream->on && stream->closing) return stream->generations[generation].after;
  return range.next - 1;
}

Result<StreamNow> stream_now(Context& context, std::string_view arn) {
  StreamNow out;
  StreamRef known = TRY(context.streams.find_known(arn));
  if (!known) return stream_missing(arn);
  auto read_range = [&]() -> Status {
    Result<target::ChangeLogRange> range = context.store.log_range(known->log);
    if (!range.ok() && range.error().code() == "store.no_log") return stream_missing(arn);
    out.range = TRY(std::move(range));
    return {};
  };
  TRY(read_range());
  out.stream = TRY(context.streams.find(arn));
  if (!out.stream) return stream_missing(arn);
  // It may have ended in between; from then on no number is given out.
  if (!out.stream->on) TRY(read_range());
  out.table = out.stream->table;
  if (out.stream->on) {
    TableRef table = TRY(context.catalog.find(out.stream->table_name()));
    if (table && table->served.id == out.stream->log.table_id) out.table = std::move(table);
  }
  return out;
}

Status check_not_trimmed(Context& context, const StreamNow& now, size_t generation,
                         uint64_t after) {
  int64_t begun_ms = now.stream->generations[generation].begun_ms;
  // Numbers have gaps, so a missing one says nothing where all changes are young.
  if (begun_ms - kClocksApartMs > horizon_ms(context)) return {};
  Result<target::ChangeLogRange> range = context.store.log_range(now.stream->log);
  if (!range.ok() && range.error().code() == "store.no_log") return trimmed();
  if (TRY(std::move(range)).first > after + 1) return trimmed();
  return {};
}

}  // namespace offramp::engine
