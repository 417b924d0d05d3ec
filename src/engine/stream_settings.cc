// Messages: observed at the service.
#include "engine/stream_settings.h"

#include "engine/error.h"
#include "engine/stream_reading.h"
#include "engine/streams.h"
#include "io/wall_ms.h"

namespace offramp::engine {
namespace {

// How often a change of an entry is tried again because another process changed it in between.
constexpr int kEntryTriesMax = 10;

Status begin_stream(Context& context, const Table& old, const Table& table) {
  Stream stream;
  stream.log = {table.served.id, table.stream.label};
  stream.on = true;
  stream.view = stream_view(table.stream.view).value_or(StreamView::kNewAndOldImages);
  stream.width = std::clamp<uint32_t>(context.options.stream_shards, 1, kStreamWidthMax);
  stream.created_ms = io::wall_ms(*context.options.clock);
  stream.generations = {{0, stream.created_ms}};
  stream.table = std::make_shared<const Table>(table);
  Status begun = context.store.begin_log(table.served, {stream.log, stream_entry(stream), true},
                                         old.entry, table.entry);
  if (!begun.ok() && begun.error().code() == "store.no_changes")
    return invalid_parameter("Streams are not available here: " + begun.error().message());
  return begun;
}

}  // namespace

void constrain_stream(Json specification, Constraints& constraints) {
  if (!specification) return;
  constraints.not_null(specification["StreamEnabled"], "streamSpecification.streamEnabled");
  constraints.one_of(specification["StreamViewType"], "streamSpecification.streamViewType",
                     {"NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"});
}

Status check_stream(Json specification) {
  if (!specification) return {};
  bool on = specification["StreamEnabled"].boolean();
  if (on && !specification["StreamViewType"])
    return invalid_parameter("If stream is being enabled then UpdateViewType is required");
  if (!on && specification["StreamViewType"])
    return invalid_parameter(
        "If stream is being disabled, then UpdateViewType must not be specified");
  return {};
}

Status change_stream(Context& context, Json specification, Table& table) {
  if (!specification) return {};
  bool on = specification["StreamEnabled"].boolean();
  if (on && table.stream.on)
    return validation("Table already has an enabled stream: TableName: " + table.served.name);
  if (!on && !table.stream.on)
    return validation("Table has no stream to disable: TableName: " + table.served.name);
  table.stream.on = on;
  if (!on) {
    table.stream.view.clear();
    return {};
  }
  table.stream.view = specification["StreamViewType"].text();
  auto streams = TRY(context.streams.all());
  for (int64_t ms = io::wall_ms(*context.options.clock);; ++ms) {
    table.stream.label = stream_label(ms);
    if (!streams->contains(table.stream_path())) return {};
  }
}

Status store_table_entry(Context& context, const Table& old, const Table& table) {
  if (table.stream.on == old.stream.on)
    return context.store.update_entry(table.served.name, old.entry, table.entry);
  if (table.stream.on) return begin_stream(context, old, table);
  TRY(keep_table_for_stream(context, old));
  return context.store.end_log(table.served, {old.served.id, old.stream.label}, old.entry,
                               table.entry);
}

Status keep_table_for_stream(Context& context, const Table& table) {
  if (!table.stream.on) return {};
  for (int tries = 1;; ++tries) {
    StreamRef stream = TRY(context.streams.find(table.stream_path()));
    if (!stream || stream->table->entry == table.entry) return {};
    Stream kept = *stream;
    kept.table = std::make_shared<const Table>(table);
    Status status = context.store.update_log(kept.log, stream->entry, stream_entry(kept));
    if (status.ok() || status.error().code() != "store.catalog_changed" || tries == kEntryTriesMax)
      return status;
  }
}

}  // namespace offramp::engine
