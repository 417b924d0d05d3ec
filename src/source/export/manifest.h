// What an export says about itself: manifest-summary.json and manifest-files.json as plain data.
//
// Unknown fields are ignored; a missing exportType means a full export (real ones lack it).
// Everything is checked here that can be checked without the data files: the formats, that the
// files' counts add up to the summary's, that no key leaves the bucket. Errors are kCorrupt and
// name the file. Layout: developer guide, "DynamoDB table export output format", and the bytes of
// real exports.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace offramp::source::exports {

using Time = std::chrono::sys_time<std::chrono::milliseconds>;

enum class Format { kJson, kIon };
enum class Kind { kFull, kIncremental };

struct DataFile {
  std::string key;  // from the bucket's root
  uint64_t items = 0;
  std::string md5;  // base64 of the MD5 of the compressed bytes
};

struct Manifest {
  Kind kind = Kind::kFull;
  Format format = Format::kJson;
  std::string export_arn, table_arn, table_id;
  std::string bucket, prefix;
  std::string files_key;  // manifestFilesS3Key
  uint64_t items = 0;
  Time export_time{};           // full
  Time from_time{}, to_time{};  // incremental: from inclusive, to exclusive
  std::vector<DataFile> files;
  std::vector<std::string> remarks;  // what a person should know, one sentence each

  // The table's name, from its ARN.
  std::string table_name() const;
};

constexpr size_t kSummaryBytesMax = 1024 * 1024;
constexpr size_t kFilesBytesMax = 64 * 1024 * 1024;

// `origin` names the file in errors.
Result<Manifest> parse_summary(std::string_view text, std::string_view origin);
// Fills manifest.files and checks their sum.
Status parse_files(std::string_view text, std::string_view origin, Manifest& manifest);

// ISO 8601 in UTC as AWS writes it, 2024-05-14T11:14:20.608Z.
std::optional<Time> parse_time(std::string_view text);
std::string format_time(Time time);

}  // namespace offramp::source::exports
