// Reading and writing of a stream's entry; names of shards.
#include "engine/stream.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <ctime>

#include "engine/constraints.h"
#include "engine/json_writer.h"

namespace offramp::engine {
namespace {

constexpr std::string_view kViews[] = {"KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"};
constexpr std::string_view kShardStart = "shardId-";
constexpr size_t kShardTimeDigits = 20, kShardTailDigits = 8;
constexpr size_t kSequenceDigits = 21;

template <class Number>
std::optional<Number> parse_number(std::string_view text, int base) {
  Number out = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

Error bad_entry(const target::ChangeLogEntry& entry, std::string_view what) {
  return Error(
      ErrorKind::kCorrupt, "engine.bad_entry",
      "the entry of change log " + entry.name.label + " cannot be read: " + std::string(what));
}

Result<TableRef> load_stream_table(std::string_view json, const Stream* known,
                                   const mapping::Limits& limits, const PlanTables& plans) {
  if (known && known->table->entry == json) return known->table;
  return load_table({"", std::string(json)}, limits, plans);
}

}  // namespace

std::string_view stream_view_name(StreamView view) { return kViews[static_cast<size_t>(view)]; }

std::optional<StreamView> stream_view(std::string_view name) {
  for (size_t i = 0; i < std::size(kViews); ++i)
    if (kViews[i] == name) return static_cast<StreamView>(i);
  return std::nullopt;
}

std::string Stream::shard_id(int64_t begun_ms, uint32_t index) const {
  uint32_t tail = static_cast<uint32_t>(XXH3_64bits_withSeed(
      log.table_id.data(), log.table_id.size(), static_cast<uint64_t>(begun_ms)));
  return fmt::format("{}{:020}-{:08x}", kShardStart, begun_ms, (tail & ~0xffU) | index);
}

std::string Stream::parent_id(const Shard& shard) const {
  if (shard.generation > 0) return shard_id({shard.generation - 1, shard.index});
  return previous_ms == 0 ? std::string() : shard_id(previous_ms, shard.index);
}

std::optional<Shard> Stream::find_shard(std::string_view id) const {
  constexpr size_t kTailAt = kShardStart.size() + kShardTimeDigits + 1;
  if (id.size() != kTailAt + kShardTailDigits) return std::nullopt;
  auto begun = parse_number<int64_t>(id.substr(kShardStart.size(), kShardTimeDigits), 10);
  auto tail = parse_number<uint32_t>(id.substr(kTailAt), 16);
  if (!begun || !tail) return std::nullopt;
  std::optional<size_t> generation = find_generation(*begun);
  if (!generation) return std::nullopt;
  Shard shard{*generation, *tail & 0xff};
  if (shard.index >= width || shard_id(shard) != id) return std::nullopt;
  return shard;
}

std::optional<size_t> Stream::find_generation(int64_t begun_ms) const {
  auto found = std::lower_bound(
      generations.begin(), generations.end(), begun_ms,
      [](const Generation& generation, int64_t ms) { return generation.begun_ms < ms; });
  if (found == generations.end() || found->begun_ms != begun_ms) return std::nullopt;
  return static_cast<size_t>(found - generations.begin());
}

uint32_t Stream::shard_of(ddb::ValueView value) const {
  // Stored, in a way: a change of it would let changes of an item appear in two shards.
  uint64_t hash = XXH3_64bits_withSeed(value.bytes().data(), value.bytes().size(),
                                       static_cast<uint64_t>(value.type()));
  return static_cast<uint32_t>(hash % width);
}

std::string stream_entry(const Stream& stream) {
  std::string out;
  JsonWriter write(out);
  write.open('{');
  write.number("Version", kStreamEntryVersion);
  write.text("View", stream_view_name(stream.view));
  write.number("Width", stream.width);
  write.number("CreatedMs", stream.created_ms);
  write.number("EndedMs", stream.ended_ms);
  write.flag("Closing", stream.closing);
  write.number("PreviousMs", stream.previous_ms);
  write.name("Generations");
  write.open('[');
  for (const Generation& generation : stream.generations) {
    write.open('{');
    write.text("After", std::to_string(generation.after));
    write.number("BegunMs", generation.begun_ms);
    write.close('}');
  }
  write.close(']');
  write.text("Table", stream.table->entry);
  write.close('}');
  return out;
}

Result<StreamRef> load_stream(const target::ChangeLogEntry& entry, const Stream* known,
                              const mapping::Limits& limits, const PlanTables& plans) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(entry.json).get(root) || !root.is_object() ||
      Json(root)["Version"].integer() != kStreamEntryVersion)
    return bad_entry(entry, "no JSON of this version");
  Json json(root);
  Stream out;
  out.log = entry.name;
  out.on = entry.on;
  auto view = stream_view(json["View"].text());
  int64_t width = json["Width"].integer();
  if (!view || width < 1 || width > kStreamWidthMax) return bad_entry(entry, "its view or width");
  out.view = *view;
  out.width = static_cast<uint32_t>(width);
  out.created_ms = json["CreatedMs"].integer();
  out.ended_ms = json["EndedMs"].integer();
  out.closing = json["Closing"].boolean();
  out.previous_ms = json["PreviousMs"].integer();
  TRY(for_each_element(json["Generations"], [&](Json generation) -> Status {
    auto after = parse_number<uint64_t>(generation["After"].text(), 10);
    if (!after) return bad_entry(entry, "a generation");
    out.generations.push_back({*after, generation["BegunMs"].integer()});
    return {};
  }));
  if (out.generations.empty()) return bad_entry(entry, "no generation");
  out.table = TRY(load_stream_table(json["Table"].text(), known, limits, plans));
  out.entry = entry.json;
  return StreamRef(std::make_shared<const Stream>(std::move(out)));
}

std::string sequence_text(uint64_t number) { return fmt::format("1{:020}", number); }

std::optional<uint64_t> parse_sequence(std::string_view text) {
  if (text.size() != kSequenceDigits || text.front() != '1') return std::nullopt;
  return parse_number<uint64_t>(text.substr(1), 10);
}

std::string stream_label(int64_t ms) {
  std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm time{};
  gmtime_r(&seconds, &time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}", time.tm_year + 1900,
                     time.tm_mon + 1, time.tm_mday, time.tm_hour, time.tm_min, time.tm_sec,
                     ms % 1000);
}

std::string_view stream_path_of(std::string_view arn) { return table_of(arn); }

}  // namespace offramp::engine
