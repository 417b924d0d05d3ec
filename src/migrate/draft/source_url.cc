// Splitting of source URLs.
#include "migrate/draft/source_url.h"

#include <charconv>
#include <string_view>

namespace offramp::migrate::draft {
namespace {

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr ==
            text.data() + i + 3) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

Error bad_url(const std::string& url, const std::string& why) {
  return Error(
      ErrorKind::kConfig, "source.url",
      "'" + url + "' is not a source: " + why +
          "; use one of\n  "
          "dynamodb://TABLE?region=eu-west-1[&endpoint=http://127.0.0.1:8000][&segments=16]\n"
          "  export:DIR   (the folder of an S3 export, …/AWSDynamoDB/01…)\n"
          "  s3://bucket/prefix/AWSDynamoDB/01…\n"
          "  dump:FILE    (scan output, items one a line, BatchWriteItem requests; gz or not; - "
          "for standard input)");
}

Status parse_query(std::string_view query, const std::string& url, plan::SourceSpec& spec) {
  while (!query.empty()) {
    std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    size_t equals = pair.find('=');
    std::string name(pair.substr(0, equals));
    std::string value = equals == pair.npos ? "" : percent_decoded(pair.substr(equals + 1));
    if (name == "region") {
      spec.region = value;
    } else if (name == "endpoint") {
      spec.endpoint = value;
    } else if (name == "segments") {
      const char* end = value.data() + value.size();
      if (std::from_chars(value.data(), end, spec.load.segments).ptr != end ||
          spec.load.segments < 1 || spec.load.segments > plan::kSegmentsMax)
        return bad_url(url, "segments must be a number from 1 to 1000000");
    } else {
      return bad_url(url, "unknown option '" + name + "' (region, endpoint, segments)");
    }
  }
  return {};
}

}  // namespace

Result<plan::SourceSpec> parse_source_url(const std::string& url) {
  using From = plan::LoadSpec::From;
  plan::SourceSpec spec;
  std::string_view rest = url;
  auto takes = [&](std::string_view prefix) {
    if (!rest.starts_with(prefix)) return false;
    rest.remove_prefix(prefix.size());
    return true;
  };
  if (takes("dynamodb://")) {
    spec.load.from = From::kScan;
    std::string_view table = rest.substr(0, rest.find('?'));
    if (table.empty()) return bad_url(url, "the table's name is missing");
    spec.table = percent_decoded(table);
    rest.remove_prefix(std::min(table.size() + 1, rest.size()));
    TRY(parse_query(rest, url, spec));
    return spec;
  }
  if (takes("export:")) {
    spec.load.from = From::kExport;
  } else if (rest.starts_with("s3://")) {
    spec.load.from = From::kExport;
  } else if (takes("dump:")) {
    spec.load.from = From::kDump;
  } else {
    return bad_url(url, "its beginning is unknown");
  }
  if (rest.empty()) return bad_url(url, "the path is missing");
  spec.load.path = std::string(rest);
  return spec;
}

}  // namespace offramp::migrate::draft
