// Verifier: whether a request's signature (AWS Signature Version 4) is that of one of the keys.
//
// Checks come in the service's order, with its types and messages: parts present, date readable and
// within the skew, Host signed, algorithm, scope (region, service, terminator, date), key known,
// signature equal, no session token. A replayed request is refused through the skew.
//
// - The region of the scope must be the endpoint's; an endpoint whose region is "local" takes any,
//   as clients configured for any region must be able to use it.
// - Keys are long-term ones, so a session token is one the service would not know either.
// - Signatures are compared in constant time. No message shows a secret or what a signature should
//   have been.
// One thread; keeps derived keys (one a key, day and region) and its buffers.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "endpoint/authorization.h"
#include "endpoint/endpoint.h"
#include "endpoint/hash.h"
#include "io/http/server.h"

namespace offramp::endpoint {

struct VerifierOptions {
  std::string region = "local";
  std::chrono::seconds skew_max{15 * 60};
};

// In its own name, so that a signer can derive the same.
HmacKey derive_key(std::string_view secret, std::string_view date, std::string_view region,
                   std::string_view service);

class Verifier {
 public:
  // `keys` outlives the verifier.
  Verifier(const AccessKeys& keys, VerifierOptions options);

  // Nothing when the signature is good. `now`: Unix seconds.
  std::optional<Refusal> verify(const io::http::Request& request, int64_t now);

 private:
  struct Signed {
    Authorization authorization;
    Credential credential;
    std::string time;  // of the signature, basic form
  };
  std::optional<Refusal> check_time(Signed& what, int64_t now) const;
  std::optional<Refusal> check_host(const Signed& what);
  std::optional<Refusal> check_scope(const Signed& what) const;
  std::optional<Refusal> check_signature(const io::http::Request& request, const Signed& what,
                                         const std::string& secret);
  void make_canonical(const io::http::Request& request, const Signed& what);
  void append_header(const io::http::Request& request, std::string_view name);
  const HmacKey& derived(const Signed& what, const std::string& secret);

  const AccessKeys& keys_;
  const VerifierOptions options_;
  std::map<std::string, HmacKey, std::less<>> derived_;  // by KEY/DATE/REGION/SERVICE
  std::vector<std::string> names_;                       // of signed headers, lower case, sorted
  size_t names_count_ = 0;
  std::string canonical_, to_sign_, scope_;
};

}  // namespace offramp::endpoint
