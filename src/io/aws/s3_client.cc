#include "io/aws/s3_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <mutex>

#include "io/aws/s3_errors.h"
#include "io/aws/xml_text.h"
#include "io/http_client.h"

namespace offramp::io::aws {
namespace {

constexpr const char* kEmptySha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr size_t kListAnswerMax = 8 << 20;  // 1000 keys of 1 KiB, escaped, with their details
// A connection that brings at least this much before it breaks is progress, and the tries count
// anew.
constexpr uint64_t kProgressBytes = 64 * 1024;

std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Status check_bucket(const std::string& bucket) {
  bool good = bucket.size() >= 3 && bucket.size() <= 63;
  for (char c : bucket)
    good = good && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-');
  if (good) return {};
  return Error(ErrorKind::kConfig, "s3.bucket_name",
               fmt::format("{} is no bucket name: 3 to 63 of a-z 0-9 . - are allowed", bucket));
}

// A file that is being written; removed unless kept.
class PartialFile {
 public:
  static Result<PartialFile> create(const std::string& path) {
    int fd = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) return file_error(path, "be created");
    return PartialFile(path, fd);
  }
  PartialFile(PartialFile&& other) noexcept
      : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}
  ~PartialFile() {
    if (fd_ < 0) return;
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  Status write(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return file_error(path_, "be written");
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return {};
  }
  Status restart() {
    if (::ftruncate(fd_, 0) != 0 || ::lseek(fd_, 0, SEEK_SET) != 0)
      return file_error(path_, "be written");
    return {};
  }
  Status keep() {
    if (::fsync(fd_) != 0) return file_error(path_, "be written");
    if (::close(std::exchange(fd_, -1)) != 0) return file_error(path_, "be written");
    return {};
  }

 private:
  PartialFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  static Error file_error(const std::string& path, const char* what) {
    return Error(ErrorKind::kUnavailable, "s3.local_file",
                 fmt::format("{} cannot {}: {}", path, what, std::strerror(errno)));
  }
  std::string path_;
  int fd_;
};

}  // namespace

struct S3Client::Impl {
  S3Options options;
  HttpPool pool;
  std::mutex mutex;
  std::map<std::string, std::string> regions;  // guarded by mutex: bucket → region as S3 told
  std::string default_region;                  // guarded by mutex: found once
  std::optional<std::string> endpoint;         // guarded by mutex: checked once; "" is AWS

  Result<std::string> region_of(const std::string& bucket) {
    std::lock_guard lock(mutex);
    if (auto at = regions.find(bucket); at != regions.end()) return at->second;
    if (default_region.empty()) default_region = options.region;
    if (default_region.empty()) default_region = TRY(find_region()).value_or("us-east-1");
    return default_region;
  }
  Result<std::string> endpoint_used() {
    std::lock_guard lock(mutex);
    if (endpoint) return *endpoint;
    std::string text = options.endpoint;
    auto environment = process_environment();
    if (text.empty()) text = environment("AWS_ENDPOINT_URL_S3").value_or("");
    if (text.empty()) text = environment("AWS_ENDPOINT_URL").value_or("");
    if (!text.empty()) text = TRY(check_endpoint(text));
    endpoint = text;
    return text;
  }
  Result<std::string> url(const std::string& bucket, const std::string& key,
                          const std::string& region) {
    std::string path = "/" + percent_encode(key, "/");
    std::string base = TRY(endpoint_used());
    if (!base.empty()) return base + "/" + bucket + path;
    std::string domain = region.starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
    // A wildcard certificate covers one label, so buckets with dots need path-style.
    if (bucket.find('.') != bucket.npos)
      return fmt::format("https://s3.{}.{}/{}{}", region, domain, bucket, path);
    return fmt::format("https://{}.s3.{}.{}{}", bucket, region, domain, path);
  }

  // One request, signed; no retry.
  struct Exchange {
    Status sent;
    HttpResponse response;
    S3Call call;
  };
  Result<Exchange> exchange(const std::string& bucket, const std::string& key,
                            const std::string& query, HttpRequest request) {
    Exchange out;
    out.call = {bucket, key, TRY(region_of(bucket)), ""};
    Credentials credentials = TRY(options.credentials->get());
    out.call.credentials_source = credentials.source;
    request.url = TRY(url(bucket, key, out.call.region)) + query;
    request.headers.push_back(std::string("x-amz-content-sha256: ") + kEmptySha256);
    if (!credentials.session_token.empty())
      request.headers.push_back("x-amz-security-token: " + credentials.session_token);
    request.signing =
        AwsSigning{credentials.access_key_id, credentials.secret_access_key, out.call.region, "s3"};
    request.stop = options.stop;
    auto client = pool.borrow();
    out.sent = client->send(request, out.response);
    return out;
  }

  // What to do about a failed exchange: nothing (try again), or the error.
  // Each of another region and new credentials is tried once per call.
  struct Remedies {
    Backoff backoff;
    bool region_changed = false, credentials_renewed = false;
  };
  Status recover(const Exchange& failed, Remedies& remedies) {
    if (!failed.sent.ok()) {
      const Error& error = failed.sent.error();
      if (error.kind() != ErrorKind::kRetry) return error;
      if (remedies.backoff.wait(options.stop)) return {};
      if (options.stop.stop_requested()) return cancelled();
      return Error(ErrorKind::kUnavailable, "s3.unavailable",
                   fmt::format("s3://{}/{}: {} after {} tries; run the same command again",
                               failed.call.bucket, failed.call.key, error.message(),
                               remedies.backoff.tries()));
    }
    S3Verdict verdict = judge_s3_answer(failed.response, failed.call);
    switch (verdict.action) {
      case S3Action::kRetry: {
        std::optional<std::chrono::milliseconds> asked;
        if (auto header = failed.response.header("retry-after")) asked = parse_retry_after(*header);
        if (remedies.backoff.wait(options.stop, asked)) return {};
        if (options.stop.stop_requested()) return cancelled();
        return verdict.error;
      }
      case S3Action::kOtherRegion: {
        if (std::exchange(remedies.region_changed, true)) return verdict.error;
        std::lock_guard lock(mutex);
        regions[failed.call.bucket] = verdict.region;
        return {};
      }
      case S3Action::kNewCredentials:
        if (std::exchange(remedies.credentials_renewed, true)) return verdict.error;
        options.credentials->invalidate();
        return {};
      case S3Action::kFail:
        break;
    }
    return verdict.error;
  }
  static Error cancelled() {
    return Error(ErrorKind::kCancelled, "s3.cancelled", "the read from S3 was cancelled");
  }

  Result<std::string> get(const std::string& bucket, const std::string& key,
                          const std::string& query, size_t max_bytes) {
    TRY(check_bucket(bucket));
    Remedies remedies{Backoff(options.retry, *options.clock)};
    for (;;) {
      HttpRequest request;
      request.response_bytes_max = max_bytes;
      Exchange done = TRY(exchange(bucket, key, query, std::move(request)));
      if (done.sent.ok() && done.response.status == 200) return std::move(done.response.body);
      if (!done.sent.ok() && done.sent.error().code() == "http.too_large" &&
          done.response.status == 200)
        return Error(
            ErrorKind::kCorrupt, "s3.too_large",
            fmt::format("s3://{}/{} is larger than the {} bytes that such an object may have",
                        bucket, key, max_bytes));
      TRY(recover(done, remedies));
    }
  }
};

S3Client::S3Client(S3Options options) : impl_(std::make_unique<Impl>()) {
  if (!options.credentials) options.credentials = open_credentials_chain();
  impl_->options = std::move(options);
}
S3Client::~S3Client() = default;

Result<std::string> S3Client::get_small(const std::string& bucket, const std::string& key,
                                        size_t max_bytes) {
  return impl_->get(bucket, key, "", max_bytes);
}

Status S3Client::download(const std::string& bucket, const std::string& key,
                          const std::string& path, std::optional<uint64_t> size,
                          const S3Progress& progress) {
  TRY(check_bucket(bucket));
  std::string name = fmt::format("s3://{}/{}", bucket, key);
  PartialFile file = TRY(PartialFile::create(path));
  Impl::Remedies remedies{Backoff(impl_->options.retry, *impl_->options.clock)};
  uint64_t offset = 0;
  std::optional<uint64_t> total;
  std::string etag;  // of the first answer; all others must have it (C6)

  // Looks at the headers once per answer, before its first byte is kept.
  bool judged = false;
  auto judge = [&](const HttpResponse& response) -> Status {
    judged = true;
    std::optional<uint64_t> whole;
    if (response.status == 206) {
      std::string_view range = response.header("content-range").value_or("");
      size_t slash = range.rfind('/');
      if (range != "" && slash != range.npos) whole = parse_number(range.substr(slash + 1));
      if (!range.starts_with(fmt::format("bytes {}-", offset)))
        return Error(ErrorKind::kCorrupt, "s3.range",
                     fmt::format("{}: asked from byte {}, answered {}", name, offset, range));
    } else {
      if (offset > 0) {  // a server that ignores ranges: begin again
        TRY(file.restart());
        offset = 0;
      }
      whole = parse_number(response.header("content-length").value_or(""));
    }
    std::string tag(response.header("etag").value_or(""));
    if ((!etag.empty() && tag != etag) || (total && whole && *total != *whole))
      return Error(ErrorKind::kCorrupt, "s3.changed",
                   fmt::format("{} was replaced while it was being read; run the same command "
                               "again when it no longer "
                               "changes",
                               name));
    etag = std::move(tag);
    if (whole) total = whole;
    if (size && total && *size != *total)
      return Error(ErrorKind::kCorrupt, "s3.size",
                   fmt::format("{} has {} bytes where {} are expected; was it replaced?", name,
                               *total, *size));
    return {};
  };

  for (;;) {
    uint64_t before = offset;
    judged = false;
    HttpRequest request;
    request.timeout =
        std::chrono::milliseconds(0);  // stall_timeout counts: a large object takes its time
    // Without an ETag nothing says that the rest belongs to the same object: begin again.
    if (offset > 0 && etag.empty()) {
      TRY(file.restart());
      offset = 0;
    }
    if (offset > 0) {
      request.headers.push_back(fmt::format("range: bytes={}-", offset));
      request.headers.push_back("if-match: " + etag);
    }
    request.sink = [&](const HttpResponse& response, std::string_view piece) -> Status {
      if (!judged) TRY(judge(response));
      TRY(file.write(piece));
      offset += piece.size();
      if (progress) progress(offset);
      return {};
    };
    Impl::Exchange done = TRY(impl_->exchange(bucket, key, "", std::move(request)));
    if (done.sent.ok() && done.response.status / 100 == 2) {
      if (!judged) TRY(judge(done.response));  // an empty object
      if (!total || offset == *total) break;
      return Error(ErrorKind::kCorrupt, "s3.size",
                   fmt::format("{}: {} of {} bytes came", name, offset, *total));
    }
    if (offset >= before + kProgressBytes) remedies.backoff.reset();
    // Everything came, only the end of the connection was untidy.
    if (!done.sent.ok() && done.sent.error().kind() == ErrorKind::kRetry && total &&
        offset == *total && offset > 0)
      break;
    TRY(impl_->recover(done, remedies));
  }
  if (size && offset != *size)
    return Error(ErrorKind::kCorrupt, "s3.size",
                 fmt::format("{} has {} bytes where {} are expected", name, offset, *size));
  return file.keep();
}

Result<std::vector<S3Object>> S3Client::list(const std::string& bucket, const std::string& prefix,
                                             size_t max) {
  std::vector<S3Object> objects;
  std::string token;
  do {
    // SigV4 wants the query sorted by name.
    std::string query = "?";
    if (!token.empty()) query += "continuation-token=" + percent_encode(token) + "&";
    query += fmt::format("list-type=2&max-keys=1000&prefix={}", percent_encode(prefix));
    std::string xml = TRY(impl_->get(bucket, "", query, kListAnswerMax));
    size_t from = 0;
    while (auto contents = xml_inside(xml, "Contents", from)) {
      if (objects.size() == max) return objects;
      auto key = xml_text(*contents, "Key"), size = xml_text(*contents, "Size");
      auto bytes = size ? parse_number(*size) : std::nullopt;
      if (!key || !bytes)
        return Error(ErrorKind::kCorrupt, "s3.list",
                     fmt::format("the list of s3://{}/{} cannot be read", bucket, prefix));
      objects.push_back({*key, *bytes, xml_text(*contents, "ETag").value_or("")});
    }
    token = xml_text(xml, "NextContinuationToken").value_or("");
  } while (!token.empty() && objects.size() < max);
  return objects;
}

}  // namespace offramp::io::aws
