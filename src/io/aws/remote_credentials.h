// Credentials that come over HTTP or from a program: container, instance metadata, web identity,
// credential_process.
//
// Each function makes one attempt (instance metadata and STS retry passing faults a few times) and
// returns the credentials or the reason why there are none. Answers are bounded by
// kCredentialAnswerMax; no message holds any part of an answer's keys (C12).
#pragma once

#include <string>

#include "base/result.h"
#include "io/aws/credentials.h"

namespace offramp::io::aws {

constexpr size_t kCredentialAnswerMax = 64 * 1024;

Result<Credentials> container_credentials(const ChainOptions& options);
Result<Credentials> instance_credentials(const ChainOptions& options);

struct WebIdentity {
  std::string token_file;
  std::string role_arn;
  std::string session_name;  // empty: "offramp"
  std::string region;
};
// STS AssumeRoleWithWebIdentity; unsigned, so it needs no other credentials.
Result<Credentials> web_identity_credentials(const ChainOptions& options,
                                             const WebIdentity& identity);

struct AssumeRole {
  std::string role_arn;
  std::string session_name;  // empty: "offramp"
  std::string external_id;   // empty: none
  std::string region;
};
// STS AssumeRole, signed with `base`.
Result<Credentials> assume_role_credentials(const ChainOptions& options, const AssumeRole& role,
                                            const Credentials& base);

// Runs the command of `credential_process` with the shell, at most a minute.
Result<Credentials> process_credentials(const std::string& command);

// 2024-01-02T03:04:05Z (fractions are dropped); nothing when it is no such time.
std::optional<Clock::Wall> parse_expiration(const std::string& text);

}  // namespace offramp::io::aws
