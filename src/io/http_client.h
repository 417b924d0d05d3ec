// HttpClient: one HTTP/1.1 request at a time over a kept connection, with every bound named.
//
// Built on libcurl, which also signs for AWS (SigV4; compared with botocore: equal when queries are
// sorted and S3 callers send x-amz-content-sha256). Redirects are never followed: a signed request
// must not travel to another host. Certificates are checked against AWS_CA_BUNDLE, CURL_CA_BUNDLE
// or the system's store. Messages name the host, never the headers or the query (C12). One client
// belongs to one thread at a time; HttpPool hands them out and is thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace offramp::io {

struct AwsSigning {
  std::string access_key_id;
  std::string
      secret_access_key;  // the session token is a header of the caller's: x-amz-security-token
  std::string region;
  std::string service;  // "dynamodb", "s3", "sts"
};

enum class ProxyUse { kFromEnvironment, kNever };

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers;  // "name: value"
  std::string_view body;
  std::optional<AwsSigning> signing;
  size_t response_bytes_max =
      1 << 20;  // of a body that is kept in memory; more is "http.too_large"
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds timeout{60'000};  // of the whole exchange; 0: only stall_timeout counts
  std::chrono::seconds stall_timeout{30};     // no byte for this long
  ProxyUse proxy = ProxyUse::kFromEnvironment;
  // Receives the body of a 2xx answer piece by piece instead of HttpResponse::body. Called after
  // the headers: it may look at them through `response`.
  std::function<Status(const struct HttpResponse& response, std::string_view piece)> sink;
  std::stop_token stop;
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  // The value of a header (name in lower case), or nothing.
  std::optional<std::string_view> header(std::string_view name) const;
};

class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any status is an answer. No answer is an error: kRetry (lost connection, time-out, unknown
  // host: codes "http.connection", "http.timeout", "http.dns"), kConfig (bad address, certificate),
  // kCancelled, kCorrupt
  // ("http.too_large"), or what the sink returned. A kRetry error may come after pieces went to the
  // sink. `response` is reused: its buffers keep their memory.
  Status send(const HttpRequest& request, HttpResponse& response);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class HttpPool {
 public:
  class Lease {
   public:
    Lease(HttpPool& pool, std::unique_ptr<HttpClient> client)
        : pool_(pool), client_(std::move(client)) {}
    ~Lease() { pool_.give_back(std::move(client_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    HttpClient* operator->() { return client_.get(); }

   private:
    HttpPool& pool_;
    std::unique_ptr<HttpClient> client_;
  };
  Lease borrow();

 private:
  void give_back(std::unique_ptr<HttpClient> client);

  static constexpr size_t kIdleMax = 64;
  std::mutex mutex_;
  std::vector<std::unique_ptr<HttpClient>> idle_;  // guarded by mutex_
};

// Percent-encodes everything but A–Z a–z 0–9 - . _ ~ and the characters of `keep` (RFC 3986, as
// SigV4 asks).
std::string percent_encode(std::string_view text, std::string_view keep = {});
// "https://host:port" of an address, for messages.
std::string_view origin_of(std::string_view url);
// True for http(s)://127.x.x.x, localhost and [::1].
bool is_loopback(std::string_view url);
// The address without a slash at its end, or kConfig when it is not http(s)://host[:port][/path].
Result<std::string> check_endpoint(std::string_view url);

}  // namespace offramp::io
