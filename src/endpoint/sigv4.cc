#include "endpoint/sigv4.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>

#include "base/ascii.h"
#include "endpoint/escape.h"
#include "endpoint/time_text.h"
#include "io/http/text.h"

namespace offramp::endpoint {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kService = "dynamodb";
constexpr std::string_view kTerminator = "aws4_request";
constexpr std::string_view kAnyRegion = "local";
constexpr std::string_view kInvalid = "InvalidSignatureException";
constexpr std::string_view kIncomplete = "IncompleteSignatureException";
constexpr std::string_view kUnrecognized = "UnrecognizedClientException";
constexpr size_t kDerivedMax = 256;

constexpr std::string_view kMismatch =
    "The request signature we calculated does not match the signature you provided. Check your AWS "
    "Secret Access Key and signing method. Consult the service documentation for details.";

bool blank(char c) { return c == ' ' || c == '\t'; }

// A header's value as it is signed: runs of blanks are one.
void append_collapsed(std::string_view value, std::string& out) {
  for (size_t i = 0; i < value.size(); ++i) {
    if (!blank(value[i]))
      out += value[i];
    else if (i + 1 < value.size() && !blank(value[i + 1]))
      out += ' ';
  }
}

}  // namespace

HmacKey derive_key(std::string_view secret, std::string_view date, std::string_view region,
                   std::string_view service) {
  std::string first = "AWS4";
  first += secret;
  Digest key = HmacKey(first).sign(date);
  key = HmacKey(view(key)).sign(region);
  key = HmacKey(view(key)).sign(service);
  key = HmacKey(view(key)).sign(kTerminator);
  OPENSSL_cleanse(first.data(), first.size());
  return HmacKey(view(key));
}

Verifier::Verifier(const AccessKeys& keys, VerifierOptions options)
    : keys_(keys), options_(std::move(options)) {}

std::optional<Refusal> Verifier::verify(const io::http::Request& request, int64_t now) {
  Signed what;
  if (auto refusal = read_authorization(request, what.authorization)) return refusal;
  if (auto refusal = check_time(what, now)) return refusal;
  if (auto refusal = check_host(what)) return refusal;
  if (what.authorization.algorithm != kAlgorithm)
    return Refusal{
        kIncomplete,
        fmt::format("Unsupported AWS 'algorithm': '{}' (only AWS4-HMAC-SHA256 for now). ",
                    what.authorization.algorithm)};
  if (auto refusal = read_credential(what.authorization.credential, what.credential))
    return refusal;
  if (auto refusal = check_scope(what)) return refusal;
  const std::string* secret = keys_.secret(what.credential.key_id);
  if (!secret)
    return Refusal{kUnrecognized, "The security token included in the request is invalid."};
  if (auto refusal = check_signature(request, what, *secret)) return refusal;
  if (!what.authorization.token.empty())
    return Refusal{kUnrecognized, "The security token included in the request is invalid"};
  return std::nullopt;
}

std::optional<Refusal> Verifier::check_time(Signed& what, int64_t now) const {
  const std::string_view text = what.authorization.date;
  auto time = parse_basic_time(text);
  if (!time) time = parse_http_date(text);
  if (!time)
    return Refusal{kIncomplete,
                   fmt::format("Date must be in ISO-8601 'basic format'. Got '{}'. See "
                               "http://en.wikipedia.org/wiki/ISO_8601",
                               text)};
  what.time = basic_time(*time);
  const int64_t skew = options_.skew_max.count(), minutes = skew / 60;
  if (*time < now - skew)
    return Refusal{kInvalid,
                   fmt::format("Signature expired: {} is now earlier than {} ({} - {} min.)",
                               what.time, basic_time(now - skew), basic_time(now), minutes)};
  if (*time > now + skew)
    return Refusal{
        kInvalid, fmt::format("Signature not yet current: {} is still later than {} ({} + {} min.)",
                              what.time, basic_time(now + skew), basic_time(now), minutes)};
  return std::nullopt;
}

std::optional<Refusal> Verifier::check_host(const Signed& what) {
  std::string_view rest = what.authorization.signed_headers;
  names_count_ = 0;
  bool host = false;
  for (bool more = true; more;) {
    const size_t end = rest.find(';');
    more = end != rest.npos;
    const std::string_view name = rest.substr(0, end);
    if (more) rest.remove_prefix(end + 1);
    if (name.empty()) continue;
    if (names_count_ == names_.size()) names_.emplace_back();
    std::string& kept = names_[names_count_++];
    kept = name;
    for (char& c : kept) c = base::lower(c);
    host = host || kept == "host";
  }
  std::sort(names_.begin(), names_.begin() + static_cast<ptrdiff_t>(names_count_));
  if (host) return std::nullopt;
  return Refusal{kInvalid,
                 "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."};
}

std::optional<Refusal> Verifier::check_scope(const Signed& what) const {
  const Credential& scope = what.credential;
  std::string message;
  if (options_.region != kAnyRegion && scope.region != options_.region)
    message +=
        fmt::format("Credential should be scoped to a valid region, not '{}'. ", scope.region);
  if (scope.service != kService)
    message += fmt::format("Credential should be scoped to correct service: '{}'. ", kService);
  if (scope.terminator != kTerminator)
    message += fmt::format("Credential should be scoped with a valid terminator: '{}', not '{}'. ",
                           kTerminator, scope.terminator);
  const std::string_view day = std::string_view(what.time).substr(0, 8);
  if (scope.date != day)
    message += fmt::format(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
        "'{}' != '{}', from '{}'.",
        scope.date, day, what.time);
  if (message.empty()) return std::nullopt;
  return Refusal{kInvalid, std::move(message)};
}

// All headers of that name, in their order, as one.
void Verifier::append_header(const io::http::Request& request, std::string_view name) {
  canonical_ += name;
  canonical_ += ':';
  bool first = true;
  for (const auto& [has, value] : request.headers) {
    if (!base::same_letters(has, name)) continue;
    if (!std::exchange(first, false)) canonical_ += ',';
    append_collapsed(io::http::trimmed(value), canonical_);
  }
  canonical_ += '\n';
}

void Verifier::make_canonical(const io::http::Request& request, const Signed& what) {
  canonical_.assign(request.method);
  canonical_ += '\n';
  append_canonical_path(request.target, canonical_);
  canonical_ += '\n';
  append_canonical_query(query_of(request.target), canonical_);
  canonical_ += '\n';
  for (size_t i = 0; i < names_count_; ++i) append_header(request, names_[i]);
  for (size_t i = 0; i < names_count_; ++i) {
    canonical_ += i == 0 ? '\n' : ';';
    canonical_ += names_[i];
  }
  canonical_ += '\n';
  append_hex(sha256(request.raw_body), canonical_);
}

const HmacKey& Verifier::derived(const Signed& what, const std::string& secret) {
  const Credential& scope = what.credential;
  scope_.assign(scope.key_id);
  for (std::string_view part : {scope.date, scope.region, scope.service}) {
    scope_ += '/';
    scope_ += part;
  }
  if (auto at = derived_.find(scope_); at != derived_.end()) return at->second;
  if (derived_.size() >= kDerivedMax) derived_.clear();
  return derived_.emplace(scope_, derive_key(secret, scope.date, scope.region, scope.service))
      .first->second;
}

std::optional<Refusal> Verifier::check_signature(const io::http::Request& request,
                                                 const Signed& what, const std::string& secret) {
  make_canonical(request, what);
  const HmacKey& key = derived(what, secret);
  to_sign_.assign(kAlgorithm);
  for (std::string_view part :
       {std::string_view(what.time),
        std::string_view(scope_).substr(what.credential.key_id.size() + 1)}) {
    to_sign_ += '\n';
    to_sign_ += part;
  }
  to_sign_ += '/';
  to_sign_ += kTerminator;
  to_sign_ += '\n';
  append_hex(sha256(canonical_), to_sign_);
  std::string& expected = canonical_;
  expected.clear();
  append_hex(key.sign(to_sign_), expected);
  const std::string_view given = what.authorization.signature;
  if (given.size() == expected.size() &&
      CRYPTO_memcmp(given.data(), expected.data(), given.size()) == 0)
    return std::nullopt;
  return Refusal{kInvalid, std::string(kMismatch)};
}

}  // namespace offramp::endpoint
