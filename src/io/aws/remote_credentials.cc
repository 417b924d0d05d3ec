#include "io/aws/remote_credentials.h"

#include <fmt/format.h>

#include <cstdio>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>

#include "io/aws/config_files.h"
#include "io/aws/xml_text.h"
#include "io/backoff.h"
#include "io/http_client.h"

namespace offramp::io::aws {
namespace {

Error no_credentials(std::string message) {
  return Error(ErrorKind::kConfig, "aws.no_credentials", std::move(message));
}

struct JsonNames {
  const char *key, *secret, *token, *expiration;
};
constexpr JsonNames kEndpointNames{"AccessKeyId", "SecretAccessKey", "Token", "Expiration"};
constexpr JsonNames kProcessNames{"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"};

std::string string_member(const nlohmann::json& json, const char* name) {
  auto at = json.find(name);
  return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
}

Result<Credentials> from_json(const std::string& text, const JsonNames& names,
                              const std::string& source) {
  auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    return no_credentials(source + " answered with something that is no JSON object");
  if (std::string code = string_member(json, "Code"); !code.empty() && code != "Success")
    return no_credentials(fmt::format("{} answered {}", source, code));
  Credentials out;
  out.access_key_id = string_member(json, names.key);
  out.secret_access_key = string_member(json, names.secret);
  out.session_token = string_member(json, names.token);
  out.source = source;
  if (out.access_key_id.empty() || out.secret_access_key.empty())
    return no_credentials(
        fmt::format("{} answered without {} or {}", source, names.key, names.secret));
  if (std::string time = string_member(json, names.expiration); !time.empty()) {
    out.expires = parse_expiration(time);
    if (!out.expires)
      return no_credentials(fmt::format("{} answered with an unreadable Expiration", source));
  }
  return out;
}

// Sends, with a few tries on passing faults and 5xx.
Result<HttpResponse> fetch(const ChainOptions& options, HttpRequest& request, int tries) {
  HttpClient client;
  HttpResponse response;
  request.response_bytes_max = kCredentialAnswerMax;
  Backoff backoff(
      {.tries_max = tries, .base = std::chrono::milliseconds(100), .cap = std::chrono::seconds(2)},
      *options.clock);
  for (;;) {
    Status sent = client.send(request, response);
    if (sent.ok() && response.status / 100 != 5 && response.status != 429) return response;
    if (!sent.ok() && sent.error().kind() != ErrorKind::kRetry) return std::move(sent).error();
    if (backoff.wait({})) continue;
    if (!sent.ok()) return std::move(sent).error();
    return response;
  }
}

std::string first_line(const std::string& text) {
  std::string line = text.substr(0, text.find_first_of("\r\n"));
  return line;
}

Result<Credentials> from_sts(const std::string& xml, const std::string& source) {
  Credentials out;
  out.access_key_id = xml_text(xml, "AccessKeyId").value_or("");
  out.secret_access_key = xml_text(xml, "SecretAccessKey").value_or("");
  out.session_token = xml_text(xml, "SessionToken").value_or("");
  out.expires = parse_expiration(xml_text(xml, "Expiration").value_or(""));
  out.source = source;
  if (out.access_key_id.empty() || out.secret_access_key.empty() || !out.expires)
    return no_credentials(source + ": STS answered without keys");
  return out;
}

Result<Credentials> call_sts(const ChainOptions& options, const std::string& region,
                             const std::string& body, const Credentials* base,
                             const std::string& source) {
  std::string region_used = region.empty() ? "us-east-1" : region;
  std::string endpoint = options.sts_endpoint;
  if (endpoint.empty()) endpoint = options.environment("AWS_ENDPOINT_URL_STS").value_or("");
  if (endpoint.empty())
    endpoint = fmt::format("https://sts.{}.amazonaws.com{}", region_used,
                           region_used.starts_with("cn-") ? ".cn" : "");
  HttpRequest request;
  request.method = "POST";
  request.url = TRY(check_endpoint(endpoint)) + "/";
  request.headers = {"content-type: application/x-www-form-urlencoded; charset=utf-8"};
  request.body = body;
  if (base) {
    request.signing = AwsSigning{base->access_key_id, base->secret_access_key, region_used, "sts"};
    if (!base->session_token.empty())
      request.headers.push_back("x-amz-security-token: " + base->session_token);
  }
  HttpResponse response = TRY_CONTEXT(source, fetch(options, request, 4));
  if (response.status != 200) {
    return Error(response.status / 100 == 5 ? ErrorKind::kUnavailable : ErrorKind::kConfig,
                 "aws.sts",
                 fmt::format("{}: STS refused with {} {}: {}", source, response.status,
                             xml_text(response.body, "Code").value_or("(no code)"),
                             xml_text(response.body, "Message").value_or("(no message)")));
  }
  return from_sts(response.body, source);
}

}  // namespace

std::optional<Clock::Wall> parse_expiration(const std::string& text) {
  std::tm tm{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &tm);
  if (!end) return std::nullopt;
  if (*end == '.')
    for (++end; *end >= '0' && *end <= '9';) ++end;
  std::string_view zone(end);
  if (zone != "Z" && zone != "+00:00" && zone != "+0000" && zone != "UTC") return std::nullopt;
  return std::chrono::system_clock::from_time_t(timegm(&tm));
}

Result<Credentials> container_credentials(const ChainOptions& options) {
  auto relative = options.environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  auto full = options.environment("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (!relative && !full)
    return no_credentials("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set");
  HttpRequest request;
  request.url = relative ? options.container_endpoint + *relative : *full;
  // As the SDKs do: a token must not be sent in clear text to just any host.
  std::string_view origin = origin_of(request.url);
  bool known_host = is_loopback(origin) || origin == origin_of(options.container_endpoint) ||
                    origin == "http://169.254.170.23" || origin == "http://[fd00:ec2::23]";
  if (!known_host && !request.url.starts_with("https://"))
    return no_credentials(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, a loopback address or the container "
        "agent's");
  std::string token;
  if (auto file = options.environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
    token = first_line(TRY(read_small_file(*file, kCredentialAnswerMax)));
  } else if (auto value = options.environment("AWS_CONTAINER_AUTHORIZATION_TOKEN")) {
    token = *value;
  }
  if (token.find_first_of("\r\n") != token.npos)
    return no_credentials("the container authorization token has a line break");
  if (!token.empty()) request.headers.push_back("authorization: " + token);
  request.connect_timeout = std::chrono::seconds(1);
  request.timeout = std::chrono::seconds(5);
  request.proxy = ProxyUse::kNever;
  HttpResponse response = TRY(fetch(options, request, 3));
  if (response.status != 200)
    return no_credentials(fmt::format("the container endpoint answered {}", response.status));
  return from_json(response.body, kEndpointNames, "container");
}

Result<Credentials> instance_credentials(const ChainOptions& options) {
  if (options.environment("AWS_EC2_METADATA_DISABLED").value_or("false") == "true")
    return no_credentials("switched off by AWS_EC2_METADATA_DISABLED");
  std::string base =
      options.environment("AWS_EC2_METADATA_SERVICE_ENDPOINT").value_or(options.imds_endpoint);
  base = TRY(check_endpoint(base));
  HttpRequest request;
  request.connect_timeout = std::chrono::seconds(1);
  request.timeout = std::chrono::seconds(1);
  request.proxy = ProxyUse::kNever;
  request.method = "PUT";
  request.url = base + "/latest/api/token";
  request.headers = {"x-aws-ec2-metadata-token-ttl-seconds: 21600"};
  HttpResponse answer = TRY(fetch(options, request, 1));
  if (answer.status != 200)
    return no_credentials(fmt::format("the metadata token request was answered {}", answer.status));
  std::string token = first_line(answer.body);
  request.method = "GET";
  request.headers = {"x-aws-ec2-metadata-token: " + token};
  request.url = base + "/latest/meta-data/iam/security-credentials/";
  answer = TRY(fetch(options, request, 3));
  if (answer.status == 404) return no_credentials("this instance has no IAM role");
  if (answer.status != 200)
    return no_credentials(fmt::format("the role request was answered {}", answer.status));
  request.url += percent_encode(first_line(answer.body), "/+=,@");
  answer = TRY(fetch(options, request, 3));
  if (answer.status != 200)
    return no_credentials(fmt::format("the credentials request was answered {}", answer.status));
  return from_json(answer.body, kEndpointNames, "instance metadata");
}

Result<Credentials> web_identity_credentials(const ChainOptions& options,
                                             const WebIdentity& identity) {
  std::string token = first_line(TRY(read_small_file(identity.token_file, kCredentialAnswerMax)));
  if (token.empty()) return no_credentials(identity.token_file + " is empty");
  std::string session = identity.session_name.empty() ? "offramp" : identity.session_name;
  std::string body = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=" +
                     percent_encode(identity.role_arn) +
                     "&RoleSessionName=" + percent_encode(session) +
                     "&WebIdentityToken=" + percent_encode(token);
  return call_sts(options, identity.region, body, nullptr, "web identity");
}

Result<Credentials> assume_role_credentials(const ChainOptions& options, const AssumeRole& role,
                                            const Credentials& base) {
  std::string session = role.session_name.empty() ? "offramp" : role.session_name;
  std::string body =
      "Action=AssumeRole&Version=2011-06-15&RoleArn=" + percent_encode(role.role_arn) +
      "&RoleSessionName=" + percent_encode(session);
  if (!role.external_id.empty()) body += "&ExternalId=" + percent_encode(role.external_id);
  return call_sts(options, role.region, body, &base, "role " + role.role_arn);
}

Result<Credentials> process_credentials(const std::string& command) {
  // timeout(1) bounds the run; without it a program that waits for a terminal would hang the
  // migration.
  std::string quoted = "'";
  for (char c : command) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  quoted += "'";
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(
      ::popen(("timeout 60 /bin/sh -c " + quoted + " </dev/null").c_str(), "re"),
      [](FILE*) { return 0; });
  if (!pipe) return no_credentials("credential_process could not be started");
  std::string output(kCredentialAnswerMax + 1, '\0');
  output.resize(std::fread(output.data(), 1, output.size(), pipe.get()));
  int status = ::pclose(pipe.release());
  if (output.size() > kCredentialAnswerMax)
    return no_credentials("credential_process wrote too much");
  if (status != 0)
    return no_credentials(
        WIFEXITED(status) && WEXITSTATUS(status) == 124
            ? std::string("credential_process did not end within 60 s")
            : fmt::format("credential_process ended with status {}", WEXITSTATUS(status)));
  auto json = nlohmann::json::parse(output, nullptr, false);
  if (json.is_object() && json.contains("Version") && json["Version"] != 1)
    return no_credentials("credential_process answered with a Version other than 1");
  return from_json(output, kProcessNames, "credential_process");
}

}  // namespace offramp::io::aws
