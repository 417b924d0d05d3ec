// AWS credentials and region by the standard chain, refreshed before they expire.
//
// Order, as in the AWS SDKs: environment, web identity, shared config and credentials files (static
// keys, credential_process, web identity of the profile), container, instance metadata (IMDSv2).
// The first that answers is used from then on. Secrets are in no message and no log (C12); an error
// lists every provider that was tried and why it gave nothing. Source: AWS SDKs and Tools Reference
// Guide, "Standardized credential providers".
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/clock.h"

namespace offramp::io::aws {

struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;           // empty for long-lived keys
  std::optional<Clock::Wall> expires;  // empty: never
  std::string source;  // for messages: "environment", "profile dev", "instance metadata"…
};

// Reads one environment variable; nothing when it is unset or empty.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

struct ChainOptions {
  Environment environment = process_environment();
  Clock* clock = &system_clock();
  std::string profile;  // empty: AWS_PROFILE, else "default"
  std::string imds_endpoint =
      "http://169.254.169.254";  // AWS_EC2_METADATA_SERVICE_ENDPOINT goes first
  std::string container_endpoint = "http://169.254.170.2";  // for the relative URI
  std::string sts_endpoint;  // empty: https://sts.REGION.amazonaws.com
};

// Thread-safe.
class CredentialsProvider {
 public:
  virtual ~CredentialsProvider() = default;
  // Credentials that are good for at least some minutes. kConfig when nobody has any, kUnavailable
  // when the provider that used to answer does not.
  virtual Result<Credentials> get() = 0;
  // Forgets what is cached, e.g. after ExpiredToken.
  virtual void invalidate() = 0;
};

std::shared_ptr<CredentialsProvider> open_credentials_chain(ChainOptions options = {});
// Fixed keys, for tests and local servers.
std::shared_ptr<CredentialsProvider> fixed_credentials(Credentials credentials);

// AWS_REGION, AWS_DEFAULT_REGION, the profile's region. Nothing when nobody says.
Result<std::optional<std::string>> find_region(const ChainOptions& options = {});

}  // namespace offramp::io::aws
