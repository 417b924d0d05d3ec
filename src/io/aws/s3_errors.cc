#include "io/aws/s3_errors.h"

#include <fmt/format.h>

#include "io/aws/xml_text.h"

namespace offramp::io::aws {
namespace {

std::string object_name(const S3Call& call) {
  return call.key.empty() ? "s3://" + call.bucket
                          : fmt::format("s3://{}/{}", call.bucket, call.key);
}

S3Verdict fail(ErrorKind kind, const char* code, std::string message) {
  return {S3Action::kFail, Error(kind, code, std::move(message)), ""};
}

S3Verdict retry(const HttpResponse& response, const std::string& name, const std::string& code) {
  bool throttled = response.status == 429 || code == "SlowDown" || code == "Throttling" ||
                   code == "ThrottlingException";
  return {S3Action::kRetry,
          Error(throttled ? ErrorKind::kThrottled : ErrorKind::kUnavailable,
                throttled ? "s3.throttled" : "s3.unavailable",
                fmt::format("{}: S3 still answers {} {}; run the same command again later", name,
                            response.status, code)),
          ""};
}

}  // namespace

S3Verdict judge_s3_answer(const HttpResponse& response, const S3Call& call) {
  std::string name = object_name(call);
  std::string code = xml_text(response.body, "Code").value_or("");
  std::string message = xml_text(response.body, "Message").value_or("");
  std::string bucket_region(response.header("x-amz-bucket-region").value_or(""));
  if (bucket_region.empty()) bucket_region = xml_text(response.body, "Region").value_or("");
  int status = response.status;

  bool wrong_region = status == 301 || status == 307 || code == "AuthorizationHeaderMalformed" ||
                      code == "PermanentRedirect" || code == "IllegalLocationConstraintException" ||
                      (status == 400 && !bucket_region.empty());
  if (code == "ExpiredToken" || code == "TokenRefreshRequired")
    return {S3Action::kNewCredentials,
            Error(ErrorKind::kConfig, "s3.expired",
                  fmt::format("{}: the session token from {} has expired; renew it and run the "
                              "same command again",
                              name, call.credentials_source)),
            ""};
  if (wrong_region) {
    S3Action action = bucket_region.empty() || bucket_region == call.region
                          ? S3Action::kFail
                          : S3Action::kOtherRegion;
    return {action,
            Error(ErrorKind::kConfig, "s3.region",
                  fmt::format("{}: the bucket is not in {}{}; name its region", name, call.region,
                              bucket_region.empty() ? "" : " but in " + bucket_region)),
            bucket_region};
  }
  if (status / 100 == 5 || status == 429 || status == 408 || code == "SlowDown" ||
      code == "RequestTimeout")
    return retry(response, name, code);
  if (code == "NoSuchBucket")
    return fail(ErrorKind::kConfig, "s3.no_such_bucket",
                fmt::format("there is no bucket {}; check the address", call.bucket));
  if (status == 404)
    return fail(ErrorKind::kConfig, "s3.no_such_key",
                fmt::format("there is no object {}; check bucket and prefix", name));
  if (status == 412 || status == 416)
    return fail(ErrorKind::kCorrupt, "s3.changed",
                fmt::format("{} was replaced while it was being read; run the same command again "
                            "when it no longer changes",
                            name));
  if (code == "RequestTimeTooSkewed")
    return fail(ErrorKind::kConfig, "s3.clock",
                fmt::format("{}: this machine's clock is wrong; set it", name));
  if (code == "InvalidAccessKeyId" || code == "SignatureDoesNotMatch" || code == "InvalidToken")
    return fail(ErrorKind::kConfig, "s3.access_denied",
                fmt::format("{}: S3 does not accept the keys from {} ({}); check them", name,
                            call.credentials_source, code));
  if (status == 401 || status == 403)
    return fail(
        ErrorKind::kConfig, "s3.access_denied",
        fmt::format(
            "{}: access denied with the credentials from {} ({}); grant s3:GetObject on the "
            "objects, "
            "s3:ListBucket on the bucket (without it a missing object looks like this too) and "
            "kms:Decrypt if the bucket is encrypted with a KMS key",
            name, call.credentials_source, message.empty() ? std::to_string(status) : message));
  if (code == "InvalidObjectState")
    return fail(ErrorKind::kConfig, "s3.archived",
                fmt::format("{} is archived (Glacier); restore it first", name));
  return fail(ErrorKind::kUnavailable, "s3.refused",
              fmt::format("{}: S3 answered {} {} {}", name, status, code, message));
}

}  // namespace offramp::io::aws
