// Requests signed by botocore 1.43.11 (SigV4Auth, SigV4QueryAuth; service dynamodb) at
// 2026-03-01T23:59:58Z: what verification must accept. The key is the one of AWS's documentation,
// but for the case that names another.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::endpoint {

struct SignedRequest {
  std::string_view name, method, target;
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  std::string_view body, region;
};

constexpr std::string_view kSignedKey = "AKIDEXAMPLE";
constexpr std::string_view kSignedSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr int64_t kSignedAt = 1'772'409'598;
inline const std::string kThousand(1000, 'x');

// clang-format off
inline const std::vector<SignedRequest>& signed_requests() {
  static const std::vector<SignedRequest> requests = {
      {"as an SDK signs", "POST", "/",
       {{"Host", "127.0.0.1:8000"},
        {"Content-Type", "application/x-amz-json-1.0"},
        {"X-Amz-Target", "DynamoDB_20120810.GetItem"},
        {"X-Amz-Date", "20260301T235958Z"},
        {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/us-east-1/dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=7baf0a21568a6b8e3283fb5dca3bcf8b84e9d0e08fab9f34a407ad612242a5a2"}},
       "{\"TableName\":\"t\",\"Key\":{\"k\":{\"S\":\"v\"}}}", "us-east-1"},
      {"another region", "POST", "/",
       {{"Host", "127.0.0.1:8000"},
        {"Content-Type", "application/x-amz-json-1.0"},
        {"X-Amz-Target", "DynamoDB_20120810.GetItem"},
        {"X-Amz-Date", "20260301T235958Z"},
        {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/eu-central-1/dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=54e072921ba916f08b9c081453dd0c0c01e2229c6decd74618c8e39178450c91"}},
       "{}", "eu-central-1"},
      {"empty body", "POST", "/",
       {{"Host", "127.0.0.1:8000"},
        {"Content-Type", "application/x-amz-json-1.0"},
        {"X-Amz-Target", "DynamoDB_20120810.GetItem"},
        {"X-Amz-Date", "20260301T235958Z"},
        {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/us-east-1/dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=a8ebcaf62026ca0bc1f0a9f4c75febb9b01de80ca8ffb26883fe4149ebb36934"}},
       "", "us-east-1"},
      {"body not ASCII", "POST", "/",
       {{"Host", "127.0.0.1:8000"},
        {"Content-Type", "application/x-amz-json-1.0"},
        {"X-Amz-Target", "DynamoDB_20120810.GetItem"},
        {"X-Amz-Date", "20260301T235958Z"},
        {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/us-east-1/dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=79d26ee44f360828c6cacb4128dde438f0ca3bca1914e3611c6688ee23ea99fb"}},
       "{\"TableName\":\"t\",\"Key\":{\"k\":{\"S\":\"\303\244\342\202\254\360\237\230\200\"}}}", "us-east-1"},
      {"body of 1000 bytes", "POST", "/",
       {{"Host", "127.0.0.1:8000"},
        {"Content-Type", "application/x-amz-json-1.0"},
        {"X-Amz-Target", "DynamoDB_20120810.GetItem"},
        {"X-Amz-Date", "20260301T235958Z"},
        {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/us-east-1/dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=851cec3f43fb1456d7f053cfe7d609fe538d052b6e094f17b8108b391adf6ee6"}},
       kThousand, "us-east-1"},
      {"blanks in values", "POST", "/",
       {{"Host", "127.0.0.1:8000"},
        {"Content-Type", "application/x-amz-json-1.0"},
        {"X-Amz-Target", "DynamoDB_20120810.GetItem"},
        {"X-Amz-Meta", "  two   blanks\011and a tab  "},
        {"X-Amz-Date", "20260301T235958Z"},
        {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/us-east-1/dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-meta;x-amz-target, Signature=e27eb995c85ebad633d4ee9b45c74df129f11b6575bb50a03f24bd051a650cfa"}},
       "{}", "us-east-1"},
      {"further headers", "POST", "/",
       {{"Host", "127.0.0.1:8000"},
        {"Content-Type", "application/x-amz-json-1.0"},
        {"X-Amz-Target", "DynamoDB_20120810.GetItem"},
        {"X-Amz-Api-Version", "2012-08-10"},
        {"Amz-Sdk-Request", "attempt=1"},
        {"B-Header", "b"},
        {"a-header", "A"},
        {"X-Amz-Date", "20260301T235958Z"},
        {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/us-east-1/dynamodb/aws4_request, SignedHeaders=a-header;amz-sdk-request;b-header;content-type;host;x-amz-api-version;x-amz-date;x-amz-target, Signature=cb273047f1623a611649dcdbc927c0cd1437f84af62c1ccb2026c34ba26cb849"}},
       "{}", "us-east-1"},
      {"Date in place of X-Amz-Date", "POST", "/",
       {{"Host", "127.0.0.1:8000"},
        {"Content-Type", "application/x-amz-json-1.0"},
        {"X-Amz-Target", "DynamoDB_20120810.GetItem"},
        {"Date", "Sun, 01 Mar 2026 23:59:58 -0000"},
        {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/us-east-1/dynamodb/aws4_request, SignedHeaders=content-type;date;host;x-amz-target, Signature=5ce67073b59625c364f94f3ebfef36eed078c70dbad414bf4ba4ce4a3e1173c1"}},
       "{}", "us-east-1"},
      {"a query", "POST", "/?b=2&a=1&c=&d=x%20y%2Fz&a=0&e",
       {{"Host", "127.0.0.1:8000"},
        {"Content-Type", "application/x-amz-json-1.0"},
        {"X-Amz-Target", "DynamoDB_20120810.GetItem"},
        {"X-Amz-Date", "20260301T235958Z"},
        {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/us-east-1/dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=2f61dc8b843ab77caa5d5b1f9fc00b047bab553c62768f356293f1f161bd933d"}},
       "{}", "us-east-1"},
      {"a path", "POST", "/some/path%20here",
       {{"Host", "127.0.0.1:8000"},
        {"Content-Type", "application/x-amz-json-1.0"},
        {"X-Amz-Target", "DynamoDB_20120810.GetItem"},
        {"X-Amz-Date", "20260301T235958Z"},
        {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/us-east-1/dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=faba37394e6087c88eb81ae98c0a1c65966e8697142329da483d1a95c3fa43b1"}},
       "{}", "us-east-1"},
      {"a query that is signed", "POST", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260301%2Fus-east-1%2Fdynamodb%2Faws4_request&X-Amz-Date=20260301T235958Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=content-type%3Bhost%3Bx-amz-target&X-Amz-Signature=c9cd2025935d02505f94ba39035f7beec5459b2484e11dd7a2951fdf4e7f6679",
       {{"Host", "127.0.0.1:8000"},
        {"Content-Type", "application/x-amz-json-1.0"},
        {"X-Amz-Target", "DynamoDB_20120810.GetItem"}},
       "", "us-east-1"},
      {"a key as long as a hash's block", "POST", "/",
       {{"Host", "127.0.0.1:8000"},
        {"Content-Type", "application/x-amz-json-1.0"},
        {"X-Amz-Target", "DynamoDB_20120810.GetItem"},
        {"X-Amz-Date", "20260301T235958Z"},
        {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/us-east-1/dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=4a3bc31cf7a0e934319f3d48e2d4b3b32a3b6f96c8cdb5df49c0940230e68e70"}},
       "{}", "us-east-1"},
      {"X-Amz-Content-SHA256 of the body", "POST", "/",
       {{"Host", "127.0.0.1:8000"},
        {"Content-Type", "application/x-amz-json-1.0"},
        {"X-Amz-Target", "DynamoDB_20120810.GetItem"},
        {"X-Amz-Content-SHA256", "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},
        {"X-Amz-Date", "20260301T235958Z"},
        {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/us-east-1/dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-target, Signature=5cd59fe6ad66c61f42e908fce72283e392932250edc04700544dd230636b8e18"}},
       "{}", "us-east-1"},
      {"a session token", "POST", "/",
       {{"Host", "127.0.0.1:8000"},
        {"Content-Type", "application/x-amz-json-1.0"},
        {"X-Amz-Target", "DynamoDB_20120810.GetItem"},
        {"X-Amz-Date", "20260301T235958Z"},
        {"X-Amz-Security-Token", "FwoGZXIvYXdzEXAMPLE//////////token=="},
        {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/us-east-1/dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=61ff5c1c11dfbd19d94190007faa1110b0019233b5f1243e86675690a9e810b9"}},
       "{}", "us-east-1"},
  };
  return requests;
}
// clang-format on

}  // namespace offramp::endpoint
