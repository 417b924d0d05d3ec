// `source:` of the plan: the table, its key, how it is loaded, within which limits.
#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"
#include "migrate/plan/readers.h"

namespace offramp::migrate::plan {
namespace {

constexpr size_t kKeyNameBytesMax = 255;
constexpr size_t kIndexesMax = 100;
constexpr size_t kIncrementalsMax = 10000;

bool is_time_of_day(std::string_view text) {
  auto digit = [&](size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4))
    return false;
  return (text[0] - '0') * 10 + (text[1] - '0') < 24 && text[3] < '6';
}

bool is_table_name(std::string_view name) {
  if (name.starts_with("arn:")) return name.size() <= 1024;
  return name.size() >= 3 && name.size() <= 255 && std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '.' || c == '-';
         });
}

void read_endpoint(const MapReader& map, std::string_view key, std::string& into) {
  std::optional<std::string> url = map.text(key);
  if (!url) return;
  if (!url->starts_with("http://") && !url->starts_with("https://"))
    map.mistake(*map.find(key),
                fmt::format("{} must begin with http:// or https://", map.name_of(key)));
  else if (holds_secret(*url))
    map.mistake(*map.find(key),
                fmt::format("{} holds a password; credentials come from the AWS credential chain",
                            map.name_of(key)));
  else
    into = *url;
}

LoadSpec read_load(const YamlNode& node, Mistakes& mistakes) {
  LoadSpec load;
  MapReader map(node, "source.load", {"from", "segments", "path", "then", "plain", "s3_endpoint"},
                mistakes);
  if (!map.usable()) return load;
  if (!map.find("from")) {
    map.mistake(node, "source.load needs `from`: scan, export or dump");
    return load;
  }
  std::optional<std::string> from = map.word("from", {"scan", "export", "dump"});
  std::optional<int64_t> segments = map.integer("segments", 1, kSegmentsMax);
  std::optional<std::string> path = map.text("path");
  std::optional<bool> plain = map.boolean("plain");
  load.then = map.texts("then");
  if (load.then.size() > kIncrementalsMax)
    map.mistake(*map.find("then"),
                fmt::format("more than {} incremental exports", kIncrementalsMax));
  read_endpoint(map, "s3_endpoint", load.s3_endpoint);
  if (!from) return load;
  load.from = *from == "scan"     ? LoadSpec::From::kScan
              : *from == "export" ? LoadSpec::From::kExport
                                  : LoadSpec::From::kDump;
  load.segments = static_cast<int>(segments.value_or(0));
  load.path = path.value_or("");
  load.plain = plain.value_or(false);
  auto only_with = [&](std::string_view key, LoadSpec::From wanted) {
    if (const YamlNode* value = map.find(key); value && load.from != wanted)
      map.mistake(*value, fmt::format("{} goes with `from: {}`, not with `from: {}`",
                                      map.name_of(key), load_from_name(wanted), *from));
  };
  only_with("segments", LoadSpec::From::kScan);
  only_with("then", LoadSpec::From::kExport);
  only_with("plain", LoadSpec::From::kDump);
  if (load.from == LoadSpec::From::kScan) {
    if (const YamlNode* value = map.find("path"))
      map.mistake(*value, "source.load.path goes with `from: export` or `from: dump`");
  } else if (!map.find("path")) {
    map.mistake(node, fmt::format("source.load needs `path` with `from: {}`: where the {} is",
                                  *from, *from));
  }
  return load;
}

// "24h", "90m", "30s" in seconds.
std::optional<int64_t> duration_s(std::string_view text) {
  if (text.size() < 2 || text.size() > 8) return std::nullopt;
  int64_t value = 0;
  for (char c : text.substr(0, text.size() - 1)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  switch (text.back()) {
    case 's':
      return value;
    case 'm':
      return value * 60;
    case 'h':
      return value * 3600;
    default:
      return std::nullopt;
  }
}

// `capture: streams`, `capture: none`, or `capture: {from: streams, retention: 24h}`.
void read_capture(const MapReader& source, Mistakes& mistakes, SourceSpec& into) {
  const YamlNode* node = source.find("capture");
  if (node->kind != YamlNode::Kind::kMap) {
    into.capture = source.word("capture", {"none", "streams"}).value_or("none");
    return;
  }
  MapReader map(*node, "source.capture", {"from", "retention"}, mistakes);
  if (!map.usable()) return;
  if (!map.find("from")) map.mistake(*node, "source.capture needs `from`: streams");
  into.capture = map.word("from", {"none", "streams"}).value_or("none");
  std::optional<std::string> retention = map.text("retention");
  if (!retention) return;
  std::optional<int64_t> seconds = duration_s(*retention);
  if (seconds && *seconds > 0)
    into.retention_s = *seconds;
  else
    map.mistake(*map.find("retention"), "source.capture.retention must look like 24h, 90m or 30s");
}

// {PK: S, SK: N}: names with their types, in order.
std::vector<model::KeyAttribute> read_key_attributes(const YamlNode& node, std::string_view what,
                                                     Mistakes& mistakes) {
  std::vector<model::KeyAttribute> attributes;
  for_each_member(
      node, what, mistakes,
      [&](const std::string& name, const YamlNode& key, const YamlNode& value) {
        ddb::Type type = ddb::Type::kS;
        if (name.size() > kKeyNameBytesMax)
          mistakes.add(
              key.at, fmt::format("a key attribute's name has at most {} bytes", kKeyNameBytesMax));
        if (value.text == "S")
          type = ddb::Type::kS;
        else if (value.text == "N")
          type = ddb::Type::kN;
        else if (value.text == "B")
          type = ddb::Type::kB;
        else
          mistakes.add(value.at, fmt::format("the type of key attribute '{}' must be "
                                             "S, N or B, not {}",
                                             shown(name), kind_name(value)));
        attributes.push_back({name, type});
      });
  return attributes;
}

model::KeySchema read_key(const YamlNode& node, Mistakes& mistakes) {
  std::vector<model::KeyAttribute> attributes = read_key_attributes(node, "source.key", mistakes);
  model::KeySchema schema;
  if (node.kind == YamlNode::Kind::kMap && (attributes.empty() || attributes.size() > 2))
    mistakes.add(node.at, fmt::format("source.key has {} attributes; a key is a partition key and "
                                      "at most one sort key, e.g. {{PK: S, SK: S}}",
                                      attributes.size()));
  if (!attributes.empty()) schema.partition = attributes[0];
  if (attributes.size() > 1) schema.sort = attributes[1];
  return schema;
}

// ALL (or nothing), KEYS_ONLY, or a list of the attributes that come with the keys.
void read_projection(MapReader& map, model::SecondaryIndex& index) {
  using Projection = model::SecondaryIndex::Projection;
  const YamlNode* node = map.find("projection");
  if (!node) return;
  if (node->kind == YamlNode::Kind::kSequence) {
    index.projection = Projection::kInclude;
    index.included = map.texts("projection");
  } else if (map.word("projection", {"ALL", "KEYS_ONLY"}) == "KEYS_ONLY") {
    index.projection = Projection::kKeysOnly;
  }
}

std::vector<model::SecondaryIndex> read_indexes(const YamlNode& node, Mistakes& mistakes) {
  std::vector<model::SecondaryIndex> indexes;
  if (node.kind != YamlNode::Kind::kSequence || node.elements.size() > kIndexesMax) {
    mistakes.add(node.at,
                 fmt::format("source.indexes must be a list of at most {} indexes", kIndexesMax));
    return indexes;
  }
  for (const auto& element : node.elements) {
    MapReader map(*element, "an index of the source",
                  {"name", "partition", "sort", "local", "projection"}, mistakes);
    if (!map.usable()) continue;
    model::SecondaryIndex index;
    index.name = map.text("name").value_or("");
    for (const char* part : {"partition", "sort"}) {
      const YamlNode* node = map.find(part);
      if (!node) continue;
      auto& attributes = part[0] == 'p' ? index.partition : index.sort;
      if (node->kind != YamlNode::Kind::kMap)  // names alone: all of type S
        for (std::string& name : map.texts(part))
          attributes.push_back({std::move(name), ddb::Type::kS});
      else
        attributes = read_key_attributes(*node, fmt::format("`{}` of an index", part), mistakes);
    }
    read_projection(map, index);
    index.local = map.boolean("local").value_or(false);
    if (index.name.empty()) map.mistake(*element, "an index of the source needs a `name`");
    if (index.partition.empty())
      map.mistake(*element, "an index of the source needs `partition`: its key attributes");
    indexes.push_back(std::move(index));
  }
  return indexes;
}

}  // namespace

bool holds_secret(std::string_view url) {
  const std::string folded = base::lowered(url);
  for (std::string_view word : {"password", "passwd", "sslpassword", "secret", "x-amz-signature"}) {
    for (size_t at = folded.find(word); at != std::string::npos; at = folded.find(word, at + 1)) {
      // A parameter "password = x", not a database of that name.
      size_t after = folded.find_first_not_of(' ', at + word.size());
      if (after != std::string::npos && folded[after] == '=') return true;
    }
  }
  size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return false;
  std::string_view rest = url.substr(scheme + 3);
  // Up to the last '@': a password that was not percent-encoded may hold '/' or '@'.
  size_t at = rest.rfind('@');
  return at != std::string_view::npos && rest.substr(0, at).find(':') != std::string_view::npos;
}

LimitsSpec read_limits(const YamlNode& node, const std::string& what, Mistakes& mistakes) {
  LimitsSpec limits;
  MapReader map(node, what, {"read_units_per_second", "items_per_hour", "window"}, mistakes);
  if (!map.usable()) return limits;
  limits.read_units_per_second = map.positive_number("read_units_per_second").value_or(0);
  limits.items_per_hour =
      static_cast<uint64_t>(map.integer("items_per_hour", 1, INT64_MAX).value_or(0));
  if (std::optional<std::string> window = map.text("window")) {
    if (window->size() == 11 && (*window)[5] == '-' &&
        is_time_of_day(std::string_view(*window).substr(0, 5)) &&
        is_time_of_day(std::string_view(*window).substr(6)) &&
        window->substr(0, 5) != window->substr(6))
      limits.window = *window;
    else
      map.mistake(*map.find("window"), fmt::format("{} must look like \"22:00-06:00\", not '{}'",
                                                   map.name_of("window"), shown(*window)));
  }
  return limits;
}

SourceSpec read_source(const YamlNode& node, Mistakes& mistakes) {
  SourceSpec source;
  MapReader map(
      node, "source",
      {"table", "region", "endpoint", "key", "indexes", "ttl", "load", "capture", "limits"},
      mistakes);
  if (!map.usable()) return source;
  source.table = map.text("table").value_or("");
  source.region = map.text("region").value_or("");
  read_endpoint(map, "endpoint", source.endpoint);
  if (const YamlNode* load = map.find("load"))
    source.load = read_load(*load, mistakes);
  else
    map.mistake(node, "source needs `load`, e.g. load: {from: scan}");
  if (const YamlNode* key = map.find("key"))
    source.key = read_key(*key, mistakes);
  else
    map.mistake(node,
                "source needs `key`: the table's key attributes and their types, partition "
                "key first, e.g. key: {PK: S, SK: S}");
  if (const YamlNode* indexes = map.find("indexes"))
    source.indexes = read_indexes(*indexes, mistakes);
  source.ttl_attribute = map.text("ttl");
  if (map.find("capture")) read_capture(map, mistakes, source);
  if (const YamlNode* limits = map.find("limits"))
    source.limits = read_limits(*limits, "source.limits", mistakes);
  bool needs_table = source.load.from == LoadSpec::From::kScan || source.capture != "none";
  if (source.table.empty() && needs_table && !map.find("table"))
    map.mistake(node, "source needs `table`: the DynamoDB table's name");
  if (!source.table.empty() && needs_table && !is_table_name(source.table))
    map.mistake(*map.find("table"),
                fmt::format("'{}' cannot be a DynamoDB table: 3 to 255 of a-z A-Z 0-9 _ . -",
                            shown(source.table)));
  return source;
}

}  // namespace offramp::migrate::plan
