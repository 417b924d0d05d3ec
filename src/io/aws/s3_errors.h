// What an answer of S3 that is no success means, and what to do about it.
//
// Pure: no connections, no state. Messages name bucket, key, S3's own code and the source of the
// credentials.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "io/http_client.h"

namespace offramp::io::aws {

enum class S3Action { kFail, kRetry, kOtherRegion, kNewCredentials };

struct S3Verdict {
  S3Action action;
  Error error;         // what to report when the action does not help
  std::string region;  // kOtherRegion: the bucket's own
};

struct S3Call {
  std::string bucket, key;
  std::string region;  // that the request was signed for
  std::string credentials_source;
};

S3Verdict judge_s3_answer(const HttpResponse& response, const S3Call& call);

}  // namespace offramp::io::aws
