#include "endpoint/sigv4.h"

#include <gtest/gtest.h>

#include "endpoint/escape.h"
#include "endpoint/signed_requests_test.h"
#include "endpoint/time_text.h"

namespace offramp::endpoint {
namespace {

std::string hex(const Digest& digest) {
  std::string text;
  append_hex(digest, text);
  return text;
}

AccessKeys keys() {
  AccessKeys made;
  made.add(std::string(kSignedKey), std::string(kSignedSecret));
  return made;
}

io::http::Request request_of(const SignedRequest& from) {
  io::http::Request request;
  request.method = from.method;
  request.target = from.target;
  request.body = request.raw_body = from.body;
  request.headers = from.headers;
  return request;
}

// The worked example of AWS's documentation of Signature Version 4, and RFC 4231's first case.
TEST(Hash, KnownVectors) {
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(HmacKey(std::string(20, '\x0b')).sign("Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(HmacKey(std::string(131, '\xaa'))
                    .sign("Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  const HmacKey key = derive_key(kSignedSecret, "20150830", "us-east-1", "iam");
  EXPECT_EQ(hex(key.sign("AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n"
                         "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59")),
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

TEST(Verifier, AcceptsWhatBotocoreSigned) {
  AccessKeys known = keys();
  AccessKeys long_key;
  long_key.add(std::string(kSignedKey), std::string(100, 'k'));
  int accepted = 0;
  for (const SignedRequest& from : signed_requests()) {
    Verifier verifier(from.name == "a key as long as a hash's block" ? long_key : known, {});
    auto refusal = verifier.verify(request_of(from), kSignedAt + 1);
    if (from.name == "a session token") {
      // The signature is good, but the key is a long-term one.
      ASSERT_TRUE(refusal) << from.name;
      EXPECT_EQ(refusal->type, "UnrecognizedClientException");
      EXPECT_EQ(refusal->message, "The security token included in the request is invalid");
    } else {
      EXPECT_FALSE(refusal) << from.name << ": " << refusal->message;
      // Once more, with what the first time left behind.
      EXPECT_FALSE(verifier.verify(request_of(from), kSignedAt)) << from.name;
      ++accepted;
    }
  }
  EXPECT_EQ(accepted, 13);
}

constexpr std::string_view kMismatch =
    "The request signature we calculated does not match the signature you provided. Check your AWS "
    "Secret Access Key and signing method. Consult the service documentation for details.";

// Every byte of what is signed, changed.
TEST(Verifier, RefusesWhatWasTamperedWith) {
  AccessKeys known = keys();
  Verifier verifier(known, {});
  const SignedRequest& from = signed_requests()[0];
  auto refused = [&](const io::http::Request& request) {
    auto refusal = verifier.verify(request, kSignedAt);
    return refusal && refusal->type == "InvalidSignatureException" && refusal->message == kMismatch;
  };
  std::string body(from.body);
  for (size_t i = 0; i < body.size(); ++i) {
    io::http::Request request = request_of(from);
    std::string changed = body;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    request.raw_body = changed;
    EXPECT_TRUE(refused(request)) << i;
  }
  for (size_t h = 0; h < 3; ++h) {  // Host, Content-Type, X-Amz-Target
    for (size_t i = 0; i < from.headers[h].second.size(); ++i) {
      io::http::Request request = request_of(from);
      std::string changed(from.headers[h].second);
      changed[i] = static_cast<char>(changed[i] ^ 1);
      request.headers[h].second = changed;
      EXPECT_TRUE(refused(request)) << h << " " << i;
    }
  }
  {
    io::http::Request request = request_of(from);
    request.headers.emplace_back("X-Amz-Target", "DynamoDB_20120810.DeleteTable");
    EXPECT_TRUE(refused(request)) << "a signed header a second time";
    request = request_of(from);
    request.headers.erase(request.headers.begin() + 2);
    EXPECT_TRUE(refused(request)) << "a signed header left out";
    request = request_of(from);
    request.target = "/?a";
    EXPECT_TRUE(refused(request)) << "query";
    request.target = "/a";
    EXPECT_TRUE(refused(request)) << "path";
    request = request_of(from);
    request.method = "PUT";
    EXPECT_TRUE(refused(request)) << "method";
  }
  std::string authorization(from.headers.back().second);
  const size_t signature = authorization.find("Signature=") + 10;
  for (size_t i = signature; i < authorization.size(); ++i) {
    io::http::Request request = request_of(from);
    std::string changed = authorization;
    changed[i] = changed[i] == '0' ? '1' : '0';
    request.headers.back().second = changed;
    EXPECT_TRUE(refused(request)) << i;
  }
  for (std::string end : {authorization.substr(0, authorization.size() - 1), authorization + "0"}) {
    io::http::Request request = request_of(from);
    request.headers.back().second = end;
    EXPECT_TRUE(refused(request)) << end;
  }
  AccessKeys other;
  other.add(std::string(kSignedKey), "another secret");
  auto refusal = Verifier(other, {}).verify(request_of(from), kSignedAt);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->message, kMismatch);
}

TEST(Verifier, TakesBlanksCommasOrBothBetweenTheParts) {
  AccessKeys known = keys();
  Verifier verifier(known, {});
  const SignedRequest& from = signed_requests()[0];
  for (std::string_view separator : {",", " ", ", ", " ,  ,"}) {
    std::string authorization(from.headers.back().second);
    for (size_t at; (at = authorization.find(", ")) != authorization.npos;)
      authorization.replace(at, 2, "|");
    for (size_t at; (at = authorization.find('|')) != authorization.npos;)
      authorization.replace(at, 1, separator);
    io::http::Request request = request_of(from);
    request.headers.back().second = authorization;
    EXPECT_FALSE(verifier.verify(request, kSignedAt)) << separator;
  }
}

TEST(Verifier, ASignatureIsGoodForAQuarterOfAnHour) {
  AccessKeys known = keys();
  Verifier verifier(known, {});
  const io::http::Request request = request_of(signed_requests()[0]);
  EXPECT_FALSE(verifier.verify(request, kSignedAt + 900));
  EXPECT_FALSE(verifier.verify(request, kSignedAt - 900));
  auto late = verifier.verify(request, kSignedAt + 901);
  ASSERT_TRUE(late);
  EXPECT_EQ(late->type, "InvalidSignatureException");
  EXPECT_EQ(late->message,
            "Signature expired: 20260301T235958Z is now earlier than 20260301T235959Z "
            "(20260302T001459Z - 15 min.)");
  auto early = verifier.verify(request, kSignedAt - 901);
  ASSERT_TRUE(early);
  EXPECT_EQ(early->type, "InvalidSignatureException");
  EXPECT_EQ(early->message,
            "Signature not yet current: 20260301T235958Z is still later than 20260301T235957Z "
            "(20260301T234457Z + 15 min.)");
}

struct Malformed {
  std::string authorization, date, type, message;
};

TEST(Verifier, RefusesMalformedSignaturesAsTheServiceDoes) {
  const std::string good_scope = "AKIDEXAMPLE/20260301/us-east-1/dynamodb/aws4_request",
                    now = "20260301T235958Z";
  auto whole = [](const std::string& credential, const std::string& algorithm = "AWS4-HMAC-SHA256",
                  const std::string& headers = "host;x-amz-date") {
    return algorithm + " Credential=" + credential + ", SignedHeaders=" + headers +
           ", Signature=ab";
  };
  const std::string missing = "MissingAuthenticationTokenException",
                    incomplete = "IncompleteSignatureException",
                    invalid = "InvalidSignatureException",
                    no_token = "Request is missing Authentication Token";
  const std::vector<Malformed> cases = {
      {"", now, missing, no_token},
      {"AWS4", now, missing, no_token},
      {"Basic dXNlcjpwYXNz", now, missing, no_token},
      {"AWS4-", "", incomplete,
       "Authorization header requires 'Credential' parameter. Authorization header requires "
       "'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. "
       "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
       "Authorization=AWS4-"},
      {"AWS4- Signature=b Credential=a", "a", incomplete,
       "Authorization header requires 'SignedHeaders' parameter. Authorization=AWS4- Signature=b "
       "Credential=a"},
      {"AWS4- Signature=b,Credential=a", "a", incomplete,
       "Authorization header requires 'SignedHeaders' parameter. Authorization=AWS4- "
       "Signature=b,Credential=a"},
      {"AWS4-HMAC-SHA256 Signature=b,    Credential,    SignedHeaders", now, incomplete,
       "'Credential' not a valid key=value pair (missing equal-sign) in Authorization header: "
       "'AWS4-HMAC-SHA256 Signature=b,    Credential,    SignedHeaders'."},
      {whole(good_scope), "201", incomplete,
       "Date must be in ISO-8601 'basic format'. Got '201'. See "
       "http://en.wikipedia.org/wiki/ISO_8601"},
      {whole(good_scope), "20260230T000000Z", incomplete,
       "Date must be in ISO-8601 'basic format'. Got '20260230T000000Z'. See "
       "http://en.wikipedia.org/wiki/ISO_8601"},
      {whole(good_scope, "AWS4-HMAC-SHA256", "x-amz-date"), now, invalid,
       "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
      {whole(good_scope, "AWS4-HMAC-SHA25"), now, incomplete,
       "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25' (only AWS4-HMAC-SHA256 for now). "},
      {whole("a/b/c/d"), now, incomplete,
       "Credential must have exactly 5 slash-delimited elements, e.g. "
       "keyid/date/region/service/term, got 'a/b/c/d'"},
      {whole("a/b/c/d/e/f"), now, incomplete,
       "Credential must have exactly 5 slash-delimited elements, e.g. "
       "keyid/date/region/service/term, got 'a/b/c/d/e/f'"},
      {whole("a/b/c/d/e"), now, invalid,
       "Credential should be scoped to a valid region, not 'c'. Credential should be scoped to "
       "correct service: 'dynamodb'. Credential should be scoped with a valid terminator: "
       "'aws4_request', not 'e'. Date in Credential scope does not match YYYYMMDD from ISO-8601 "
       "version of date from HTTP: 'b' != '20260301', from '20260301T235958Z'."},
      {whole("AKIDEXAMPLE/20260301/us-east-1/s3/aws4_request"), now, invalid,
       "Credential should be scoped to correct service: 'dynamodb'. "},
      {whole("AKIDEXAMPLE/20260301/eu-west-1/dynamodb/aws4_request"), now, invalid,
       "Credential should be scoped to a valid region, not 'eu-west-1'. "},
      {whole("AKIDOTHER/20260301/us-east-1/dynamodb/aws4_request"), now,
       "UnrecognizedClientException", "The security token included in the request is invalid."},
      {whole(good_scope), now, invalid, std::string(kMismatch)},
      {whole(good_scope + "//"), now, invalid, std::string(kMismatch)},
      {whole(good_scope, "AWS4-HMAC-SHA256", "HOST"), now, invalid, std::string(kMismatch)},
  };
  AccessKeys known = keys();
  Verifier verifier(known, {.region = "us-east-1"});
  for (const Malformed& one : cases) {
    io::http::Request request;
    request.method = "POST";
    request.target = "/";
    request.headers = {{"host", "h"}};
    if (!one.authorization.empty())
      request.headers.emplace_back("authorization", one.authorization);
    if (!one.date.empty()) request.headers.emplace_back("x-amz-date", one.date);
    auto refusal = verifier.verify(request, kSignedAt);
    ASSERT_TRUE(refusal) << one.authorization;
    EXPECT_EQ(refusal->type, one.type) << one.authorization;
    EXPECT_EQ(refusal->message, one.message) << one.authorization;
  }
}

TEST(Verifier, RefusesMalformedQueries) {
  AccessKeys known = keys();
  Verifier verifier(known, {});
  auto ask = [&](std::string_view target, std::string_view authorization = {}) {
    io::http::Request request;
    request.method = "POST";
    request.target = target;
    request.headers = {{"Host", "h"}};
    if (!authorization.empty()) request.headers.emplace_back("Authorization", authorization);
    return verifier.verify(request, kSignedAt).value();
  };
  EXPECT_EQ(ask("/?X-Amz-Algorithm", "X").message,
            "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP "
            "header.");
  EXPECT_EQ(ask("/?X-Amz-Algorith", "X").type, "MissingAuthenticationTokenException");
  EXPECT_EQ(ask("/?X-Amz-Credential=a&X-Amz-Signature=b&X-Amz-SignedHeaders=c&X-Amz-Date=d").type,
            "MissingAuthenticationTokenException");
  Refusal refusal = ask("/?X-Amz-Algorithm");
  EXPECT_EQ(refusal.type, "IncompleteSignatureException");
  EXPECT_EQ(
      refusal.message,
      "AWS query-string parameters must include 'X-Amz-Algorithm'. AWS query-string "
      "parameters must include 'X-Amz-Credential'. AWS query-string parameters must include "
      "'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS "
      "query-string parameters must include 'X-Amz-Date'. Re-examine the query-string "
      "parameters.");
  EXPECT_EQ(ask("/?X-Amz-Algorithm=a&X-Amz-Credential=b&X-Amz-Signature=c&X-Amz-Date=d").message,
            "AWS query-string parameters must include 'X-Amz-SignedHeaders'. Re-examine the "
            "query-string parameters.");
}

TEST(TimeText, BothForms) {
  EXPECT_EQ(basic_time(0), "19700101T000000Z");
  EXPECT_EQ(basic_time(kSignedAt), "20260301T235958Z");
  for (int64_t at : {int64_t{0}, kSignedAt, int64_t{951'827'696}, int64_t{4'107'542'399}})
    EXPECT_EQ(parse_basic_time(basic_time(at)), at);
  EXPECT_EQ(parse_http_date("Sun, 01 Mar 2026 23:59:58 GMT"), kSignedAt);
  EXPECT_EQ(parse_http_date("Sun, 01 Mar 2026 23:59:58 -0000"), kSignedAt);
  for (std::string_view bad :
       {"", "20260301", "20260301T235958", "20260301t235958Z", "20261301T000000Z",
        "20260301T240000Z", "2026-301T000000Z", " 0260301T000000Z", "20260301T235958Z "})
    EXPECT_FALSE(parse_basic_time(bad)) << bad;
  for (std::string_view bad : {"", "Sun, 01 Mar 2026 23:59:58 CET", "Sun, 01 arM 2026 23:59:58 GMT",
                               "Sun, 31 Feb 2026 23:59:58 GMT", "Sunday, 01-Mar-26 23:59:58 GMT"})
    EXPECT_FALSE(parse_http_date(bad)) << bad;
}

TEST(Escape, UndoesAndDoes) {
  EXPECT_EQ(unescaped("a%2Fb%2fc%"), "a/b/c%");
  EXPECT_EQ(unescaped("%4"), "%4");
  EXPECT_EQ(unescaped("%zz%41"), "%zzA");
  std::string out;
  append_canonical_query("b=2&a=1&&c&a=0&X-Amz-Signature=s&d=%2f x", out);
  EXPECT_EQ(out, "a=0&a=1&b=2&c=&d=%2F%20x");
}

}  // namespace
}  // namespace offramp::endpoint
