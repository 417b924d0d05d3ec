// For tests: writes exports as the service does, with every sum and count right unless one is asked
// to be wrong.
#pragma once

#include <fmt/format.h>

#include "source/export/export_store.h"
#include "source/test_support.h"

namespace offramp::source::testing {

struct FullItem {
  std::string pk;
  int n;
};

struct ChangeItem {
  std::string pk;
  std::optional<int> n;  // empty: deleted
  uint64_t micros;
};

class ExportFixture {
 public:
  // `folder` is …/AWSDynamoDB/ID; keys in the manifest begin with `prefix`.
  ExportFixture(fs::path folder, exports::Format format, std::string prefix = "")
      : folder_(std::move(folder)), format_(format), prefix_(std::move(prefix)) {}

  void incremental(std::string from, std::string to) {
    from_ = std::move(from);
    to_ = std::move(to);
  }
  void add_full(const std::vector<FullItem>& items) {
    std::vector<std::string> lines;
    for (const FullItem& item : items)
      lines.push_back(json() ? fmt::format(R"({{"Item":{}}})", image(item.pk, item.n))
                             : fmt::format("$ion_1_0 {{Item:{}}}", image(item.pk, item.n)));
    add_lines(lines);
  }
  void add_changes(const std::vector<ChangeItem>& changes) {
    std::vector<std::string> lines;
    for (const ChangeItem& change : changes) {
      if (json()) {
        lines.push_back(fmt::format(
            R"({{"Metadata":{{"WriteTimestampMicros":{{"N":"{}"}}}},"Keys":{{"pk":{{"S":"{}"}}}}{}}})",
            change.micros, change.pk,
            change.n ? ",\"NewImage\":" + image(change.pk, *change.n) : ""));
      } else {
        lines.push_back(fmt::format(
            "$ion_1_0 {{Record:{{Metadata:{{WriteTimestampMicros:{}.}},Keys:{{pk:\"{}\"}}{}}}}}",
            change.micros, change.pk, change.n ? ",NewImage:" + image(change.pk, *change.n) : ""));
      }
    }
    add_lines(lines);
  }
  void add_lines(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    files_.push_back({gzip(text), lines.size()});
  }
  void damage_gzip(size_t file) { files_[file].bytes.resize(files_[file].bytes.size() - 3); }
  void claim(size_t file, size_t items) { files_[file].items = items; }
  void claim_total(size_t items) { total_ = items; }

  void write() const {
    std::string list;
    size_t total = 0;
    for (size_t i = 0; i < files_.size(); ++i) {
      write_file(data_path(i), files_[i].bytes);
      list +=
          fmt::format(R"({{"itemCount":{},"md5Checksum":"{}","etag":"x-1","dataFileS3Key":"{}"}})",
                      files_[i].items, exports::text_md5(files_[i].bytes), key(i)) +
          "\n";
      total += files_[i].items;
    }
    write_with_sum("manifest-files", list);
    std::string window =
        from_.empty()
            ? R"("exportTime":"2024-05-14T11:14:20.608Z")"
            : fmt::format(
                  R"("exportFromTime":"{}","exportToTime":"{}","exportType":"INCREMENTAL_EXPORT")",
                  from_, to_);
    write_with_sum(
        "manifest-summary",
        fmt::format(
            R"({{"version":"2020-06-30","exportArn":"arn:aws:dynamodb:eu-west-1:1:table/T/export/{}",)"
            R"("tableArn":"arn:aws:dynamodb:eu-west-1:1:table/T","tableId":"id-1",{},"s3Bucket":"bucket",)"
            R"("s3Prefix":{},"manifestFilesS3Key":"{}AWSDynamoDB/{}/manifest-files.json",)"
            R"("itemCount":{},"outputFormat":"{}"}})",
            id(), window, prefix_.empty() ? "null" : "\"" + prefix_ + "\"", slashed(), id(),
            total_.value_or(total), json() ? "DYNAMODB_JSON" : "ION"));
  }

  const fs::path& folder() const { return folder_; }
  std::string key(size_t file) const {
    return fmt::format("{}AWSDynamoDB/{}/data/file{}.{}.gz", slashed(), id(), file,
                       json() ? "json" : "ion");
  }
  fs::path data_path(size_t file) const {
    return folder_ / "data" / fs::path(key(file)).filename();
  }

 private:
  struct File {
    std::string bytes;
    size_t items;
  };
  bool json() const { return format_ == exports::Format::kJson; }
  std::string id() const { return folder_.filename().string(); }
  std::string slashed() const { return prefix_.empty() ? "" : prefix_ + "/"; }
  std::string image(const std::string& pk, int n) const {
    return json() ? fmt::format(R"({{"pk":{{"S":"{}"}},"n":{{"N":"{}"}}}})", pk, n)
                  : fmt::format("{{pk:\"{}\",n:{}.}}", pk, n);
  }
  void write_with_sum(const std::string& stem, const std::string& text) const {
    write_file(folder_ / (stem + ".json"), text);
    write_file(folder_ / (stem + ".md5"), exports::text_md5(text));
  }

  fs::path folder_;
  exports::Format format_;
  std::string prefix_, from_, to_;
  std::vector<File> files_;
  std::optional<size_t> total_;
};

}  // namespace offramp::source::testing
