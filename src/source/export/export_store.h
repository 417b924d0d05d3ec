// ExportStore: where the files of one export are: a folder of this machine, or a bucket.
//
// Copied folders keep the keys of their bucket, so a local data file is looked for by its key from
// the bucket's root (each folder above the export's), then in the export's data/, then in the
// AWSDynamoDB/data/ that all incremental exports of a prefix share. An object of a bucket is
// downloaded into stage_dir and removed with its handle. manifest-files.json must match its
// checksum file. A summary that does not match is only remarked on: its counts and the list of
// files are checked against each other anyway, and summaries whose bucket or account was edited by
// hand before the export was passed on are met in practice. fetch() gives a file out only after the
// MD5 of its compressed bytes has been checked against the manifest (C6). Thread-safe: all members
// are constant after open(); S3Client is thread-safe itself.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "source/export/manifest.h"

namespace offramp::io::aws {
class S3Client;
}

namespace offramp::source::exports {

// A checked data file; removes the file when it is a staged copy.
class FetchedFile {
 public:
  FetchedFile() = default;
  FetchedFile(std::string path, bool staged) : path_(std::move(path)), staged_(staged) {}
  FetchedFile(FetchedFile&& other) noexcept
      : path_(std::move(other.path_)), staged_(std::exchange(other.staged_, false)) {}
  FetchedFile& operator=(FetchedFile&&) = delete;
  ~FetchedFile();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool staged_ = false;
};

struct S3Place {
  std::string region, endpoint;
  std::stop_token stop;
};

class ExportStore {
 public:
  // `location`: a folder, its manifest-summary.json, or s3:// and either.
  static Result<std::unique_ptr<ExportStore>> open(const std::string& location,
                                                   const std::string& stage_dir, const S3Place& s3);
  ~ExportStore();

  // Reads and checks the summary and the list of files.
  Result<Manifest> manifest() const;
  Result<FetchedFile> fetch(const Manifest& manifest, const DataFile& file) const;
  // Compressed size if it can be told without cost.
  std::optional<uint64_t> size_of(const DataFile& file) const;
  const std::string& location() const { return location_; }

 private:
  ExportStore() = default;
  Result<std::optional<std::string>> read_optional(const std::string& name, size_t bytes_max) const;
  Result<std::optional<std::string>> read_object(const std::string& key, size_t bytes_max) const;
  Result<std::string> read_files_list(const Manifest& manifest) const;
  // The extension of the checksum file that `text` contradicts, empty when there is none.
  Result<std::string> contradicted(const std::string& stem, std::string_view text) const;
  Result<FetchedFile> stage(const Manifest& manifest, const DataFile& file) const;
  std::string local_path(const std::string& key) const;
  std::string remedy(const Manifest& manifest, const DataFile& file) const;

  std::string location_;  // without manifest-summary.json and trailing '/'
  std::string stage_dir_;
  std::string bucket_, folder_key_;  // S3 only; the key has no trailing '/'
  std::unique_ptr<io::aws::S3Client> s3_;
};

// base64 of the MD5 of a file's bytes; `size` receives their number.
Result<std::string> file_md5(const std::string& path, uint64_t& size);
std::string text_md5(std::string_view text);

}  // namespace offramp::source::exports
