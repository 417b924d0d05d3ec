#include "source/export/manifest.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <unordered_set>

namespace offramp::source::exports {
namespace {

namespace dom = simdjson::dom;

Error corrupt(std::string_view origin, std::string_view what) {
  return Error(ErrorKind::kCorrupt, "export.bad_manifest",
               fmt::format("{}: {}; copy the export's folder again", origin, what));
}

// The member as a string; null and absent are empty.
std::string text_of(const dom::element& object, std::string_view name) {
  std::string_view text;
  return object[name].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

Result<std::string> required_text(const dom::element& object, std::string_view name,
                                  std::string_view origin) {
  std::string text = text_of(object, name);
  if (text.empty()) return corrupt(origin, fmt::format("no member {}", name));
  return text;
}

Result<uint64_t> required_count(const dom::element& object, std::string_view name,
                                std::string_view origin) {
  uint64_t count;
  if (object[name].get(count) != simdjson::SUCCESS)
    return corrupt(origin, fmt::format("no count {}", name));
  return count;
}

Result<Time> required_time(const dom::element& object, std::string_view name,
                           std::string_view origin) {
  std::optional<Time> time = parse_time(text_of(object, name));
  if (!time) return corrupt(origin, fmt::format("{} is missing or is not a time", name));
  return *time;
}

bool leaves_the_bucket(std::string_view key) {
  if (key.starts_with('/') || key.find('\0') != key.npos) return true;
  for (size_t at = 0; at <= key.size();) {
    size_t end = std::min(key.find('/', at), key.size());
    if (key.substr(at, end - at) == "..") return true;
    at = end + 1;
  }
  return false;
}

Result<DataFile> parse_file(dom::parser& parser, std::string_view line, std::string_view origin) {
  dom::element object;
  if (parser.parse(line.data(), line.size()).get(object) != simdjson::SUCCESS ||
      !object.is_object())
    return corrupt(origin, "a line is not a JSON object");
  DataFile file;
  file.key = TRY(required_text(object, "dataFileS3Key", origin));
  file.md5 = TRY(required_text(object, "md5Checksum", origin));
  file.items = TRY(required_count(object, "itemCount", origin));
  if (leaves_the_bucket(file.key))
    return corrupt(origin, "a dataFileS3Key is not a key inside the bucket");
  return file;
}

}  // namespace

std::optional<Time> parse_time(std::string_view text) {
  // 2024-05-14T11:14:20[.608]Z
  int year, month, day, hour, minute, second, milliseconds = 0;
  auto digits = [&](size_t at, size_t count, int& out) {
    if (at + count > text.size()) return false;
    out = 0;
    for (size_t i = at; i < at + count; ++i) {
      if (text[i] < '0' || text[i] > '9') return false;
      out = out * 10 + (text[i] - '0');
    }
    return true;
  };
  if (!digits(0, 4, year) || !digits(5, 2, month) || !digits(8, 2, day) || !digits(11, 2, hour) ||
      !digits(14, 2, minute) || !digits(17, 2, second))
    return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':')
    return std::nullopt;
  std::string_view rest = text.substr(19);
  if (rest.starts_with('.')) {
    if (!digits(20, 3, milliseconds)) return std::nullopt;
    rest = text.substr(23);
    while (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') rest.remove_prefix(1);
  }
  if (rest != "Z") return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year(year),
                                   std::chrono::month(static_cast<unsigned>(month)),
                                   std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return Time(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second) +
         std::chrono::milliseconds(milliseconds);
}

std::string format_time(Time time) {
  auto days = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day date(days);
  std::chrono::hh_mm_ss clock(time - days);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::string Manifest::table_name() const {
  size_t at = table_arn.find(":table/");
  return at == table_arn.npos ? std::string() : table_arn.substr(at + 7);
}

Result<Manifest> parse_summary(std::string_view text, std::string_view origin) {
  dom::parser parser;
  dom::element root;
  if (parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS || !root.is_object())
    return corrupt(origin, "not a JSON object");
  Manifest manifest;
  std::string type = text_of(root, "exportType");
  if (type.empty() || type == "FULL_EXPORT") {
    manifest.kind = Kind::kFull;
    manifest.export_time = TRY(required_time(root, "exportTime", origin));
  } else if (type == "INCREMENTAL_EXPORT") {
    manifest.kind = Kind::kIncremental;
    manifest.from_time = TRY(required_time(root, "exportFromTime", origin));
    manifest.to_time = TRY(required_time(root, "exportToTime", origin));
    if (manifest.to_time <= manifest.from_time)
      return corrupt(origin, "exportToTime is not after exportFromTime");
  } else {
    return Error(
        ErrorKind::kUnsupported, "export.unknown_type",
        fmt::format("{}: exportType {} is not known; offramp reads full and incremental exports",
                    origin, type));
  }
  std::string format = TRY(required_text(root, "outputFormat", origin));
  if (format == "ION") {
    manifest.format = Format::kIon;
  } else if (format != "DYNAMODB_JSON") {
    return Error(ErrorKind::kUnsupported, "export.unknown_format",
                 fmt::format("{}: outputFormat {} is not known; export as DYNAMODB_JSON or ION",
                             origin, format));
  }
  manifest.export_arn = TRY(required_text(root, "exportArn", origin));
  manifest.table_arn = TRY(required_text(root, "tableArn", origin));
  manifest.table_id = TRY(required_text(root, "tableId", origin));
  manifest.bucket = text_of(root, "s3Bucket");
  manifest.prefix = text_of(root, "s3Prefix");
  manifest.files_key = TRY(required_text(root, "manifestFilesS3Key", origin));
  if (leaves_the_bucket(manifest.files_key))
    return corrupt(origin, "manifestFilesS3Key is not a key inside the bucket");
  manifest.items = TRY(required_count(root, "itemCount", origin));
  return manifest;
}

Status parse_files(std::string_view text, std::string_view origin, Manifest& manifest) {
  dom::parser parser;
  uint64_t items = 0;
  std::unordered_set<std::string> keys;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    manifest.files.push_back(TRY(parse_file(parser, line, origin)));
    items += manifest.files.back().items;
    if (!keys.insert(manifest.files.back().key).second)
      return corrupt(origin, fmt::format("{} is listed twice", manifest.files.back().key));
  }
  if (items != manifest.items) {
    return Error(
        ErrorKind::kCorrupt, "export.count_mismatch",
        fmt::format(
            "{}: its files hold {} items together, but manifest-summary.json says {}; copy the "
            "export's folder again",
            origin, items, manifest.items));
  }
  return {};
}

}  // namespace offramp::source::exports
