#include "generate/export_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <isa-l/igzip_lib.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>

#include "base/base64.h"
#include "generate/rng.h"

namespace offramp::generate {
namespace {

constexpr int64_t kFullTimeMs = 1735689600000;  // 2025-01-01T00:00:00Z
constexpr int64_t kWindowMs = 15 * 60 * 1000;   // the shortest that the service allows
constexpr size_t kFlushBytes = 1 << 20;
constexpr char kArn[] = "arn:aws:dynamodb:eu-west-1:123456789012:table/";

Error file_error(const std::string& path) {
  return Error(ErrorKind::kUnavailable, "generate.write", path + ": " + std::strerror(errno));
}

std::string iso(int64_t ms) {
  time_t seconds = ms / 1000;
  tm parts;
  gmtime_r(&seconds, &parts);
  char text[40];
  strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
  return fmt::format("{}.{:03}Z", text, ms % 1000);
}

std::array<unsigned char, 16> md5_bytes(std::string_view bytes) {
  std::array<unsigned char, 16> sum;
  EVP_Digest(bytes.data(), bytes.size(), sum.data(), nullptr, EVP_md5(), nullptr);
  return sum;
}

std::string base64_of(const std::array<unsigned char, 16>& sum) {
  return base::encode_base64({reinterpret_cast<const char*>(sum.data()), sum.size()});
}

// S3's etag of an upload in one part: hex(md5(md5 of the part)) and the number of parts.
std::string etag_of(const std::string& md5) {
  std::string etag;
  for (unsigned char c : md5_bytes(base::decode_base64(md5).value_or("")))
    etag += fmt::format("{:02x}", c);
  return etag + "-1";
}

Status write_file(const std::string& path, std::string_view bytes) {
  int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0) return file_error(path);
  ssize_t written = ::write(fd, bytes.data(), bytes.size());
  if (close(fd) != 0 || written != static_cast<ssize_t>(bytes.size())) return file_error(path);
  return {};
}

Status make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return Error(ErrorKind::kUnavailable, "generate.mkdir", path + ": " + error.message());
  return {};
}

std::string export_id(const ExportPlan& plan) {
  Rng rng = Rng::of(plan.seed, static_cast<uint64_t>(plan.window), 99);
  return fmt::format("0{}-{:08x}", kFullTimeMs + plan.window * kWindowMs + 300000,
                     rng.below(1ull << 32));
}

}  // namespace

int64_t write_time_us(int window, uint64_t number) {
  return (kFullTimeMs + (window - 1) * kWindowMs) * 1000 +
         static_cast<int64_t>(number % 800000000) + 1;
}

struct DataFile::Stream {
  isal_zstream zip;
  std::vector<uint8_t> level, out;
  EVP_MD_CTX* md5 = nullptr;
  int fd = -1;
};

DataFile::DataFile() : stream_(std::make_unique<Stream>()) {}
DataFile::~DataFile() {
  if (stream_->fd >= 0) ::close(stream_->fd);
  EVP_MD_CTX_free(stream_->md5);
}

Result<std::unique_ptr<DataFile>> DataFile::create(const std::string& path, std::string key) {
  std::unique_ptr<DataFile> file(new DataFile);
  file->key_ = std::move(key);
  file->path_ = path;
  Stream& stream = *file->stream_;
  stream.fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (stream.fd < 0) return file_error(path);
  stream.level.resize(ISAL_DEF_LVL2_DEFAULT);
  stream.out.resize(kFlushBytes);
  isal_deflate_init(&stream.zip);
  stream.zip.level = 2;
  stream.zip.level_buf = stream.level.data();
  stream.zip.level_buf_size = static_cast<uint32_t>(stream.level.size());
  stream.zip.gzip_flag = IGZIP_GZIP;
  stream.md5 = EVP_MD_CTX_new();
  EVP_DigestInit_ex(stream.md5, EVP_md5(), nullptr);
  return file;
}

Status DataFile::add_record() {
  ++records_;
  if (text_.size() < kFlushBytes) return {};
  return write(false);
}

Status DataFile::write(bool last) {
  isal_zstream& zip = stream_->zip;
  zip.next_in = reinterpret_cast<uint8_t*>(text_.data());
  zip.avail_in = static_cast<uint32_t>(text_.size());
  zip.end_of_stream = last;
  do {
    zip.next_out = stream_->out.data();
    zip.avail_out = static_cast<uint32_t>(stream_->out.size());
    int code = isal_deflate(&zip);
    if (code != COMP_OK)
      return Error(ErrorKind::kInternal, "generate.deflate",
                   fmt::format("{}: igzip {}", path_, code));
    size_t size = stream_->out.size() - zip.avail_out;
    EVP_DigestUpdate(stream_->md5, stream_->out.data(), size);
    for (size_t at = 0; at < size;) {
      ssize_t written = ::write(stream_->fd, stream_->out.data() + at, size - at);
      if (written < 0) return file_error(path_);
      at += static_cast<size_t>(written);
    }
  } while (zip.avail_out == 0);
  text_.clear();
  return {};
}

Status DataFile::close() {
  TRY(write(true));
  std::array<unsigned char, 16> sum;
  EVP_DigestFinal_ex(stream_->md5, sum.data(), nullptr);
  md5_ = base64_of(sum);
  int fd = std::exchange(stream_->fd, -1);
  if (::close(fd) != 0) return file_error(path_);
  return {};
}

Result<std::unique_ptr<ExportWriter>> ExportWriter::create(const ExportPlan& plan) {
  auto writer = std::make_unique<ExportWriter>();
  writer->plan_ = plan;
  writer->id_ = export_id(plan);
  writer->folder_ = plan.directory + "/AWSDynamoDB/" + writer->id_;
  TRY(make_folder(writer->folder_));
  TRY(make_folder(plan.window == 0 ? writer->folder_ + "/data"
                                   : plan.directory + "/AWSDynamoDB/data"));
  TRY(write_file(writer->folder_ + "/_started", ""));
  return writer;
}

Result<std::unique_ptr<DataFile>> ExportWriter::data_file(int number) const {
  static constexpr char kBase32[] = "abcdefghijklmnopqrstuvwxyz234567";
  Rng rng =
      Rng::of(plan_.seed + 1, static_cast<uint64_t>(number), static_cast<uint64_t>(plan_.window));
  std::string name;
  for (int i = 0; i < 26; ++i) name += kBase32[rng.below(32)];
  name += plan_.format == Format::kJson ? ".json.gz" : ".ion.gz";
  std::string key = "AWSDynamoDB/" + (plan_.window == 0 ? id_ + "/data/" : "data/") + name;
  return DataFile::create(plan_.directory + "/" + key, key);
}

Status ExportWriter::finish(const std::vector<std::unique_ptr<DataFile>>& files) const {
  std::string manifest;
  uint64_t records = 0;
  for (const auto& file : files) {
    records += file->records();
    manifest +=
        fmt::format(R"({{"itemCount":{},"md5Checksum":"{}","etag":"{}","dataFileS3Key":"{}"}})"
                    "\n",
                    file->records(), file->md5(), etag_of(file->md5()), file->key());
  }
  int64_t end = kFullTimeMs + plan_.window * kWindowMs;
  std::string summary = fmt::format(
      R"({{"version":"{}","exportArn":"{}{}/export/{}","startTime":"{}","endTime":"{}","tableArn":"{}{}",)"
      R"("tableId":"00000000-0000-4000-8000-{:012x}",)",
      plan_.window == 0 ? "2020-06-30" : "2023-08-01", kArn, plan_.table, id_, iso(end + 300000),
      iso(end + 600000), kArn, plan_.table, plan_.seed & 0xffffffffffff);
  if (plan_.window == 0)
    summary += fmt::format(R"("exportTime":"{}",)", iso(end));
  else
    summary += fmt::format(R"("exportFromTime":"{}","exportToTime":"{}",)", iso(end - kWindowMs),
                           iso(end));
  summary += fmt::format(
      R"("s3Bucket":"example-bucket","s3Prefix":null,"s3SseAlgorithm":"AES256","s3SseKmsKeyId":null,)"
      R"("manifestFilesS3Key":"AWSDynamoDB/{}/manifest-files.json","billedSizeBytes":{},"itemCount":{},)"
      R"("outputFormat":"{}")",
      id_, plan_.window == 0 ? 0 : 10000000, records,
      plan_.format == Format::kJson ? "DYNAMODB_JSON" : "ION");
  if (plan_.window > 0)
    summary += R"(,"outputView":"NEW_AND_OLD_IMAGES","exportType":"INCREMENTAL_EXPORT")";
  summary += "}";
  TRY(write_file(folder_ + "/manifest-files.json", manifest));
  TRY(write_file(folder_ + "/manifest-files.md5", base64_of(md5_bytes(manifest))));
  TRY(write_file(folder_ + "/manifest-summary.json", summary));
  TRY(write_file(folder_ + "/manifest-summary.md5", base64_of(md5_bytes(summary))));
  return {};
}

}  // namespace offramp::generate
