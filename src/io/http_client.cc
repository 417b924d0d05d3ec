#include "io/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>

namespace offramp::io {
namespace {

constexpr size_t kHeaderBytesMax = 64 * 1024;
constexpr size_t kErrorBytesMax = 64 * 1024;  // of the body of an answer that is no success

void initialise_curl_once() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

std::string find_ca_bundle() {
  for (const char* name : {"AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
    const char* value = std::getenv(name);
    if (value && *value) return value;
  }
  return "";
}

std::string_view trim(std::string_view text) {
  auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// What one transfer's callbacks need; lives on the stack of send().
struct Transfer {
  const HttpRequest& request;
  HttpResponse& response;
  size_t header_bytes = 0;
  std::optional<Error> error;
};

size_t on_header(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  std::string_view line(data, size * count);
  transfer.header_bytes += line.size();
  if (transfer.header_bytes > kHeaderBytesMax) {
    transfer.error =
        Error(ErrorKind::kCorrupt, "http.too_large", "the answer's headers exceed 64 KiB");
    return 0;
  }
  if (line.starts_with("HTTP/")) {  // also after "100 Continue": only the last block counts
    transfer.response.headers.clear();
    size_t space = line.find(' ');
    transfer.response.status =
        space == line.npos ? 0 : std::atoi(std::string(line.substr(space + 1, 3)).c_str());
    return size * count;
  }
  size_t colon = line.find(':');
  if (colon == line.npos) return size * count;
  std::string name(trim(line.substr(0, colon)));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  transfer.response.headers.emplace_back(std::move(name), trim(line.substr(colon + 1)));
  return size * count;
}

// Content-Length, or 0: a body of a megabyte is not to be copied each time that it grows.
size_t announced_bytes(const HttpResponse& response) {
  size_t bytes = 0;
  if (auto length = response.header("content-length"))
    std::from_chars(length->data(), length->data() + length->size(), bytes);
  return bytes;
}

size_t on_body(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  std::string_view piece(data, size * count);
  const HttpRequest& request = transfer.request;
  if (request.sink && transfer.response.status / 100 == 2) {
    Status status = request.sink(transfer.response, piece);
    if (status.ok()) return piece.size();
    transfer.error = std::move(status).error();
    return piece.size() + 1;
  }
  // An error's explanation must be readable also where only a few bytes are expected.
  size_t bytes_max = transfer.response.status / 100 == 2
                         ? request.response_bytes_max
                         : std::max(request.response_bytes_max, kErrorBytesMax);
  if (transfer.response.body.size() + piece.size() > bytes_max) {
    transfer.error =
        Error(ErrorKind::kCorrupt, "http.too_large",
              fmt::format("the answer exceeds the {} bytes that are expected at most", bytes_max));
    return piece.size() + 1;
  }
  if (transfer.response.body.empty())
    transfer.response.body.reserve(std::min(bytes_max, announced_bytes(transfer.response)));
  transfer.response.body.append(piece);
  return piece.size();
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(user)->request.stop.stop_requested() ? 1 : 0;
}

Error curl_error(CURLcode code, const char* detail, const HttpRequest& request) {
  std::string_view origin = origin_of(request.url);
  std::string what = detail && *detail ? detail : curl_easy_strerror(code);
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
      return Error(ErrorKind::kCancelled, "http.cancelled",
                   fmt::format("request to {} was cancelled", origin));
    case CURLE_COULDNT_RESOLVE_HOST:
      return Error(
          ErrorKind::kRetry, "http.dns",
          fmt::format(
              "the host of {} is not known to the name service; check the address and region",
              origin));
    case CURLE_OPERATION_TIMEDOUT:
      return Error(ErrorKind::kRetry, "http.timeout",
                   fmt::format("{} did not answer in time ({})", origin, what));
    case CURLE_PEER_FAILED_VERIFICATION:
      return Error(ErrorKind::kConfig, "http.certificate",
                   fmt::format("the certificate of {} is not trusted ({}); name the right "
                               "authority in AWS_CA_BUNDLE",
                               origin, what));
    case CURLE_SSL_CACERT_BADFILE:
      return Error(
          ErrorKind::kConfig, "http.ca_bundle",
          fmt::format(
              "the file of AWS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE cannot be used ({})",
              what));
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return Error(ErrorKind::kConfig, "http.address",
                   fmt::format("{} cannot be used as an address ({})", origin, what));
    case CURLE_OUT_OF_MEMORY:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_FAILED_INIT:
      return Error(ErrorKind::kInternal, "http.internal",
                   fmt::format("request to {}: {}", origin, what));
    default:
      return Error(ErrorKind::kRetry, "http.connection",
                   fmt::format("connection to {} failed ({})", origin, what));
  }
}

}  // namespace

struct HttpClient::Impl {
  CURL* curl = nullptr;
  std::string ca_bundle;
  char detail[CURL_ERROR_SIZE] = {};
};

HttpClient::HttpClient() : impl_(std::make_unique<Impl>()) {
  initialise_curl_once();
  impl_->curl = curl_easy_init();
  impl_->ca_bundle = find_ca_bundle();
}

HttpClient::~HttpClient() {
  if (impl_->curl) curl_easy_cleanup(impl_->curl);
}

Status HttpClient::send(const HttpRequest& request, HttpResponse& response) {
  CURL* curl = impl_->curl;
  if (!curl) return Error(ErrorKind::kInternal, "http.internal", "libcurl could not be started");
  response.status = 0;
  response.headers.clear();
  response.body.clear();
  if (request.stop.stop_requested()) return curl_error(CURLE_ABORTED_BY_CALLBACK, nullptr, request);

  curl_easy_reset(curl);  // keeps the connections
  impl_->detail[0] = 0;
  Transfer transfer{request, response};
  curl_slist* headers = nullptr;
  for (const std::string& header : request.headers)
    headers = curl_slist_append(headers, header.c_str());

  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);  // "a/../b" is a legal object key
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, impl_->detail);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(request.connect_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.stall_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  if (!impl_->ca_bundle.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, impl_->ca_bundle.c_str());
  if (request.proxy == ProxyUse::kNever) curl_easy_setopt(curl, CURLOPT_PROXY, "");

  if (request.method == "POST" || !request.body.empty()) {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());
  }
  if (request.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (request.method != "GET" && request.method != "POST") {
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  if (request.signing) {
    const AwsSigning& signing = *request.signing;
    std::string scope = "aws:amz:" + signing.region + ":" + signing.service;
    curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, scope.c_str());
    curl_easy_setopt(curl, CURLOPT_USERNAME, signing.access_key_id.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, signing.secret_access_key.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  if (request.stop.stop_possible()) {
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  }
  CURLcode code = curl_easy_perform(curl);
  curl_slist_free_all(headers);
  if (transfer.error) return std::move(*transfer.error).with_context(origin_of(request.url));
  if (code != CURLE_OK) return curl_error(code, impl_->detail, request);
  return {};
}

std::optional<std::string_view> HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return std::nullopt;
}

HttpPool::Lease HttpPool::borrow() {
  std::lock_guard lock(mutex_);
  if (idle_.empty()) return Lease(*this, std::make_unique<HttpClient>());
  auto client = std::move(idle_.back());
  idle_.pop_back();
  return Lease(*this, std::move(client));
}

void HttpPool::give_back(std::unique_ptr<HttpClient> client) {
  std::lock_guard lock(mutex_);
  if (idle_.size() < kIdleMax) idle_.push_back(std::move(client));
}

std::string percent_encode(std::string_view text, std::string_view keep) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size() + 16);
  for (unsigned char c : text) {
    bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '.' || c == '_' || c == '~' ||
                 keep.find(static_cast<char>(c)) != keep.npos;
    if (plain) {
      out += static_cast<char>(c);
    } else {
      out += {'%', kHex[c >> 4], kHex[c & 15]};
    }
  }
  return out;
}

std::string_view origin_of(std::string_view url) {
  size_t scheme = url.find("://");
  size_t start = scheme == url.npos ? 0 : scheme + 3;
  return url.substr(0, url.find_first_of("/?#", start));
}

bool is_loopback(std::string_view url) {
  std::string_view host = origin_of(url);
  if (size_t scheme = host.find("://"); scheme != host.npos) host.remove_prefix(scheme + 3);
  if (host.starts_with("[::1]")) return true;
  host = host.substr(0, host.find(':'));
  return host == "localhost" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == host.npos);
}

Result<std::string> check_endpoint(std::string_view url) {
  auto refuse = [&](std::string_view why) {
    return Error(
        ErrorKind::kConfig, "http.endpoint",
        fmt::format("endpoint {} {}; write http://host:port or https://host", origin_of(url), why));
  };
  if (!url.starts_with("http://") && !url.starts_with("https://"))
    return refuse("does not begin with http:// or https://");
  std::string_view rest = url.substr(url.find("://") + 3);
  if (rest.empty() || rest.front() == '/' || rest.front() == ':') return refuse("has no host");
  std::string_view host = rest.substr(0, rest.find('/'));
  // "user:password@host" would put a secret into plans and messages (C12).
  if (host.find('@') != host.npos)
    return Error(ErrorKind::kConfig, "http.endpoint",
                 "the endpoint holds a user name; keys come from the AWS credential chain");
  for (unsigned char c : url)
    if (c <= ' ' || c == 0x7f || c == '?' || c == '#')
      return refuse("holds a character that an endpoint cannot have");
  while (url.ends_with('/')) url.remove_suffix(1);
  return std::string(url);
}

}  // namespace offramp::io
