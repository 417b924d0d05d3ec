#include "source/export/export_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/base64.h"
#include "io/aws/s3_client.h"

namespace offramp::source::exports {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kSummaryName = "manifest-summary.json";
constexpr std::string_view kFilesName = "manifest-files.json";
constexpr int kLevelsAbove = 16;  // folders above the export's that may be the bucket's root

class Md5 {
 public:
  Md5() : context_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context_, EVP_md5(), nullptr); }
  ~Md5() { EVP_MD_CTX_free(context_); }
  Md5(const Md5&) = delete;
  Md5& operator=(const Md5&) = delete;
  void add(const char* data, size_t size) { EVP_DigestUpdate(context_, data, size); }
  std::string base64() {
    std::array<char, 16> sum{};
    EVP_DigestFinal_ex(context_, reinterpret_cast<unsigned char*>(sum.data()), nullptr);
    return base::encode_base64({sum.data(), sum.size()});
  }

 private:
  EVP_MD_CTX* context_;
};

std::string last_segment(std::string_view key) {
  size_t slash = key.rfind('/');
  return std::string(slash == key.npos ? key : key.substr(slash + 1));
}

std::string trimmed(std::string text) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.pop_back();
  return text;
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

}  // namespace

std::string text_md5(std::string_view text) {
  Md5 md5;
  md5.add(text.data(), text.size());
  return md5.base64();
}

Result<std::string> file_md5(const std::string& path, uint64_t& size) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return Error(ErrorKind::kUnavailable, "file.open_failed",
                 fmt::format("{}: cannot open: {}", path, std::strerror(errno)));
  }
  Md5 md5;
  std::vector<char> buffer(256 * 1024);
  size = 0;
  while (true) {
    ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      Error error(ErrorKind::kUnavailable, "file.read_failed",
                  fmt::format("{}: cannot read: {}", path, std::strerror(errno)));
      ::close(fd);
      return error;
    }
    if (got == 0) break;
    md5.add(buffer.data(), static_cast<size_t>(got));
    size += static_cast<uint64_t>(got);
  }
  ::close(fd);
  return md5.base64();
}

FetchedFile::~FetchedFile() {
  if (staged_) ::unlink(path_.c_str());
}

ExportStore::~ExportStore() = default;

Result<std::unique_ptr<ExportStore>> ExportStore::open(const std::string& location,
                                                       const std::string& stage_dir,
                                                       const S3Place& s3) {
  std::unique_ptr<ExportStore> store(new ExportStore());
  store->stage_dir_ = stage_dir;
  std::string place = location;
  if (last_segment(place) == kSummaryName) place.resize(place.size() - kSummaryName.size());
  while (place.size() > 1 && place.ends_with('/')) place.pop_back();
  if (place.empty()) place = ".";
  store->location_ = place;
  if (!place.starts_with("s3://")) {
    if (place.find("://") != place.npos) {
      return Error(
          ErrorKind::kConfig, "export.bad_location",
          fmt::format("{}: not an export's place; give a folder or s3://bucket/…/AWSDynamoDB/ID",
                      location));
    }
    return store;
  }
  size_t slash = place.find('/', 5);
  if (slash == place.npos || slash == 5 || slash + 1 == place.size()) {
    return Error(
        ErrorKind::kConfig, "export.bad_location",
        fmt::format("{}: name the export's folder, s3://bucket/[prefix/]AWSDynamoDB/ID", location));
  }
  store->bucket_ = place.substr(5, slash - 5);
  store->folder_key_ = place.substr(slash + 1);
  io::aws::S3Options options;
  options.region = s3.region;
  options.endpoint = s3.endpoint;
  options.stop = s3.stop;
  store->s3_ = std::make_unique<io::aws::S3Client>(std::move(options));
  return store;
}

Result<std::optional<std::string>> ExportStore::read_object(const std::string& key,
                                                            size_t bytes_max) const {
  Result<std::string> text = s3_->get_small(bucket_, key, bytes_max);
  if (text.ok()) return std::optional(std::move(*text));
  if (text.error().code() == "s3.no_such_key") return std::optional<std::string>();
  return std::move(text).error();
}

Result<std::optional<std::string>> ExportStore::read_optional(const std::string& name,
                                                              size_t bytes_max) const {
  if (s3_) return read_object(folder_key_ + "/" + name, bytes_max);
  fs::path path = fs::path(location_) / name;
  std::error_code failed;
  if (!is_file(path)) return std::optional<std::string>();
  uintmax_t size = fs::file_size(path, failed);
  if (!failed && size > bytes_max) {
    return Error(ErrorKind::kCorrupt, "export.bad_manifest",
                 fmt::format("{}: {} bytes are too many for this file (at most {})", path.string(),
                             size, bytes_max));
  }
  std::ifstream in(path, std::ios::binary);
  std::string text(failed ? 0 : size, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (failed || !in) {
    return Error(ErrorKind::kUnavailable, "file.read_failed",
                 fmt::format("{}: cannot read", path.string()));
  }
  return std::optional(std::move(text));
}

// The documentation says .checksum, the service writes .md5.
Result<std::string> ExportStore::contradicted(const std::string& stem,
                                              std::string_view text) const {
  for (const char* extension : {".md5", ".checksum"}) {
    std::optional<std::string> sum = TRY(read_optional(stem + extension, 1024));
    if (sum) return trimmed(*sum) == text_md5(text) ? std::string() : extension;
  }
  return std::string();
}

Result<std::string> ExportStore::read_files_list(const Manifest& manifest) const {
  std::optional<std::string> text = TRY(read_optional(std::string(kFilesName), kFilesBytesMax));
  if (!text && s3_) {
    text = TRY(read_object(manifest.files_key, kFilesBytesMax));
    if (!text && !manifest.prefix.empty())
      text = TRY(read_object(manifest.prefix + "/" + manifest.files_key, kFilesBytesMax));
  }
  if (!text && !s3_) {
    std::string path = local_path(manifest.files_key);
    if (!path.empty()) {
      fs::path found(path);
      ExportStore beside;
      beside.location_ = found.parent_path().string();
      text = TRY(beside.read_optional(found.filename().string(), kFilesBytesMax));
    }
  }
  if (!text) {
    return Error(ErrorKind::kGap, "export.file_missing",
                 fmt::format("{}: {} is missing; copy it again from s3://{}/{}", location_,
                             kFilesName, manifest.bucket, manifest.files_key));
  }
  return std::move(*text);
}

Result<Manifest> ExportStore::manifest() const {
  std::optional<std::string> text = TRY(read_optional(std::string(kSummaryName), kSummaryBytesMax));
  if (!text) {
    return Error(
        ErrorKind::kConfig, "export.no_manifest",
        fmt::format(
            "{}: there is no {}; name the folder AWSDynamoDB/ID of a completed export (the file "
            "appears when the export has ended)",
            location_, kSummaryName));
  }
  Manifest manifest = TRY(parse_summary(*text, fmt::format("{}/{}", location_, kSummaryName)));
  std::string extension = TRY(contradicted("manifest-summary", *text));
  if (!extension.empty()) {
    manifest.remarks.push_back(
        fmt::format("{}/{} does not match manifest-summary{}: it was changed after the export; its "
                    "counts are checked against {} "
                    "and the data files, its times and names cannot be.",
                    location_, kSummaryName, extension, kFilesName));
  }
  std::string files = TRY(read_files_list(manifest));
  extension = TRY(contradicted("manifest-files", files));
  if (!extension.empty()) {
    return Error(
        ErrorKind::kCorrupt, "export.md5_mismatch",
        fmt::format(
            "{}/{}: its MD5 is not the one in manifest-files{}; copy both again from s3://{}/{}",
            location_, kFilesName, extension, manifest.bucket, manifest.files_key));
  }
  TRY(parse_files(files, fmt::format("{}/{}", location_, kFilesName), manifest));
  return manifest;
}

std::string ExportStore::local_path(const std::string& key) const {
  std::error_code ignored;
  fs::path folder = fs::weakly_canonical(location_, ignored);
  if (folder.empty()) folder = location_;
  fs::path root = folder;
  for (int level = 0; level < kLevelsAbove && root.has_relative_path(); ++level) {
    root = root.parent_path();
    if (is_file(root / key)) return (root / key).string();
  }
  std::string name = last_segment(key);
  for (const fs::path& path : {folder / "data" / name, folder.parent_path() / "data" / name}) {
    if (is_file(path)) return path.string();
  }
  return {};
}

std::optional<uint64_t> ExportStore::size_of(const DataFile& file) const {
  if (s3_) return std::nullopt;
  std::error_code failed;
  uintmax_t size = fs::file_size(local_path(file.key), failed);
  return failed ? std::nullopt : std::optional<uint64_t>(size);
}

std::string ExportStore::remedy(const Manifest& manifest, const DataFile& file) const {
  return fmt::format("copy it again from s3://{}/{}", manifest.bucket, file.key);
}

Result<FetchedFile> ExportStore::stage(const Manifest& manifest, const DataFile& file) const {
  static std::atomic<uint64_t> serial = 0;  // only makes names of this process differ
  std::string path = fmt::format("{}/staged-{}-{}-{}", stage_dir_, ::getpid(), serial.fetch_add(1),
                                 last_segment(file.key));
  Status status = s3_->download(bucket_, file.key, path);
  if (!status.ok() && status.error().code() == "s3.no_such_key" && !manifest.prefix.empty() &&
      !file.key.starts_with(manifest.prefix + "/"))
    status = s3_->download(bucket_, manifest.prefix + "/" + file.key, path);
  if (!status.ok() && status.error().code() == "s3.no_such_key") {
    // An export that was copied to another bucket or prefix keeps its keys; look beside the
    // manifest.
    std::string parent = folder_key_.substr(0, folder_key_.rfind('/') + 1);
    for (const std::string& key : {folder_key_ + "/data/" + last_segment(file.key),
                                   parent + "data/" + last_segment(file.key)}) {
      status = s3_->download(bucket_, key, path);
      if (status.ok() || status.error().code() != "s3.no_such_key") break;
    }
  }
  if (status.ok()) return FetchedFile(path, true);
  if (status.error().code() != "s3.no_such_key") return std::move(status).error();
  return Error(ErrorKind::kGap, "export.file_missing",
               fmt::format("{}: data file {} is missing in bucket {}; {} or export again",
                           location_, file.key, bucket_, remedy(manifest, file)));
}

Result<FetchedFile> ExportStore::fetch(const Manifest& manifest, const DataFile& file) const {
  std::string path = s3_ ? std::string() : local_path(file.key);
  if (!s3_ && path.empty()) {
    return Error(ErrorKind::kGap, "export.file_missing",
                 fmt::format("{}: data file {} is missing; {}", location_, file.key,
                             remedy(manifest, file)));
  }
  FetchedFile fetched = s3_ ? TRY(stage(manifest, file)) : FetchedFile(path, false);
  uint64_t size = 0;
  std::string md5 = TRY(file_md5(fetched.path(), size));
  if (md5 != file.md5) {
    return Error(
        ErrorKind::kCorrupt, "export.md5_mismatch",
        fmt::format("{}: data file {}: the MD5 of its {} bytes is {}, the manifest says {}; {}",
                    location_, file.key, size, md5, file.md5, remedy(manifest, file)));
  }
  return fetched;
}

}  // namespace offramp::source::exports
