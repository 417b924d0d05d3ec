// S3Client: reads objects of Amazon S3 or of any server that speaks its REST API.
//
// Path-style addresses when an endpoint is given (and for buckets with dots), virtual-host
// addresses otherwise. A download asks for ranges and goes on after a cut connection, always for
// the same ETag: an object that changed meanwhile is an error (C6). Passing faults (5xx, 429,
// SlowDown, time-outs, lost connections) are retried with backoff; a bucket of another region is
// asked again there.
//
// Thread-safe: the connections are kept in a pool guarded by a mutex; all else is constant.
// Errors: "s3.no_such_key", "s3.no_such_bucket", "s3.access_denied", "s3.region" are kConfig;
// "s3.changed" and "s3.size" are kCorrupt; "s3.too_large" is kCorrupt; "s3.unavailable" is
// kUnavailable after the tries are used up; "s3.throttled" is kThrottled. What a missing object
// means (a gap or nothing) is the caller's to decide by code().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/aws/credentials.h"
#include "io/backoff.h"

namespace offramp::io::aws {

struct S3Options {
  std::string
      region;  // empty: environment or profile, else us-east-1 until S3 names the bucket's own
  std::string endpoint;  // empty: AWS; else http://host:port (AWS_ENDPOINT_URL_S3 and
                         // AWS_ENDPOINT_URL are read if empty)
  std::shared_ptr<CredentialsProvider> credentials;  // empty: the standard chain
  BackoffOptions retry;
  Clock* clock = &system_clock();
  std::stop_token stop;  // ends waits and transfers with kCancelled
};

struct S3Object {
  std::string key;
  uint64_t size = 0;
  std::string etag;  // with its quotes, as S3 sends it
};

// Bytes of the object that are on disk so far.
using S3Progress = std::function<void(uint64_t bytes)>;

class S3Client {
 public:
  explicit S3Client(S3Options options);
  ~S3Client();
  S3Client(const S3Client&) = delete;
  S3Client& operator=(const S3Client&) = delete;

  // A whole small object; "s3.too_large" when it has more than `max_bytes`.
  Result<std::string> get_small(const std::string& bucket, const std::string& key,
                                size_t max_bytes);
  // Writes the object to `path` (created with mode 0600 or truncated, synced, removed again on
  // error). `size` is checked when given.
  Status download(const std::string& bucket, const std::string& key, const std::string& path,
                  std::optional<uint64_t> size = {}, const S3Progress& progress = {});
  // Objects whose key starts with `prefix`, in key order, at most `max` of them.
  Result<std::vector<S3Object>> list(const std::string& bucket, const std::string& prefix,
                                     size_t max);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace offramp::io::aws
