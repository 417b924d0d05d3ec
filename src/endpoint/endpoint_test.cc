// The endpoint over a socket: what each request is answered, in the service's order.
#include "endpoint/endpoint.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "endpoint/operations.h"
#include "endpoint/signed_requests_test.h"
#include "io/fake_clock_test.h"
#include "io/http/raw_client_test.h"

namespace offramp::endpoint {
namespace {

using io::http::RawAnswer;
using io::http::RawClient;

class Parrot : public Executor {
 public:
  void execute(std::string_view api, std::string_view operation, std::string_view body,
               Outcome& outcome) override {
    if (operation == "Scan") {
      outcome.status = 400;
      outcome.error_type = "ValidationException";
      outcome.body = "{\"__type\":\"com.amazon.coral.validate#ValidationException\"}";
      return;
    }
    outcome.body.append(api).append(" ").append(operation).append(" ").append(body);
  }
};

Result<std::unique_ptr<Executor>> make_parrot() {
  return std::unique_ptr<Executor>(std::make_unique<Parrot>());
}

constexpr std::string_view kAmz = "application/x-amz-json-1.0";

class EndpointTest : public testing::Test {
 protected:
  void start(bool any_key, bool metrics = true) {
    EndpointOptions options;
    options.any_key = any_key;
    options.metrics = metrics;
    options.keys.add(std::string(kSignedKey), std::string(kSignedSecret));
    options.clock = &clock_;
    auto started = Endpoint::start(std::move(options), make_parrot);
    ASSERT_TRUE(started.ok()) << started.error().message();
    endpoint_ = std::move(started).value();
    client_ = std::make_unique<RawClient>(endpoint_->port());
  }
  RawAnswer ask(const std::string& method, const std::string& body,
                const std::vector<std::pair<std::string, std::string>>& headers = {},
                const std::string& target = "/") {
    std::string text = method + " " + target + " HTTP/1.1\r\n";
    bool host = false;
    for (const auto& [name, value] : headers) {
      text += name + ": " + value + "\r\n";
      host = host || name == "Host";
    }
    if (!host) text += "Host: h\r\n";
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    client_->send(text);
    RawAnswer answer = client_->answer(method == "HEAD");
    const std::string id = answer.header("x-amzn-requestid");
    EXPECT_EQ(id.size(), 52u);
    EXPECT_EQ(id.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"), id.npos);
    EXPECT_NE(answer.header("x-amz-crc32"), "");
    return answer;
  }
  RawAnswer ask(const SignedRequest& from) {
    std::vector<std::pair<std::string, std::string>> headers;
    for (auto [name, value] : from.headers) headers.emplace_back(name, value);
    return ask(std::string(from.method), std::string(from.body), headers, std::string(from.target));
  }

  io::FakeClock clock_{io::Clock::Wall(std::chrono::seconds(kSignedAt))};
  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<RawClient> client_;
};

TEST_F(EndpointTest, ExecutesWhatIsSigned) {
  start(false);
  RawAnswer answer = ask(signed_requests()[0]);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-type"), kAmz);
  EXPECT_EQ(answer.body, "DynamoDB_20120810 GetItem " + std::string(signed_requests()[0].body));
  EXPECT_NE(answer.header("x-amzn-requestid"),
            ask(signed_requests()[0]).header("x-amzn-requestid"));
  clock_.pass(std::chrono::minutes(16));
  answer = ask(signed_requests()[0]);  // a replay
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.body,
            "{\"__type\":\"com.amazon.coral.service#InvalidSignatureException\",\"message\":"
            "\"Signature expired: 20260301T235958Z is now earlier than 20260302T000058Z "
            "(20260302T001558Z - 15 min.)\"}");
}

// The checksums and bodies are those seen from the service.
TEST_F(EndpointTest, AnswersHealthChecksAndWhatIsNoOperation) {
  start(false);
  RawAnswer healthy = ask("GET", "");
  EXPECT_EQ(healthy.status, 200);
  EXPECT_EQ(healthy.body, "healthy: dynamodb.local.amazonaws.com ");
  EXPECT_EQ(ask("HEAD", "").status, 200);
  const std::vector<std::pair<std::string, std::string>> with_type[] = {
      {},
      {{"Content-Type", "whatever"}},
      {{"Content-Type", "application/x-amz-json-1.1"}},
      {{"Content-Type", "application/jsonasdf"}}};
  std::vector<RawAnswer> unknown = {ask("PUT", ""), ask("DELETE", ""), ask("OPTIONS", ""),
                                    ask("BREW", "")};
  for (const auto& headers : with_type) unknown.push_back(ask("POST", "hi", headers));
  for (const RawAnswer& answer : unknown) {
    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(answer.body, "<UnknownOperationException/>\n");
    EXPECT_EQ(answer.header("x-amz-crc32"), "3552371480");
    EXPECT_EQ(answer.header("content-type"), "");
  }
}

TEST_F(EndpointTest, ChecksInTheServicesOrder) {
  start(false);
  const std::pair<std::string, std::string> amz("Content-Type", std::string(kAmz)),
      json("Content-Type", "application/json"),
      list("X-Amz-Target", "DynamoDB_20120810.ListTables");
  // A body that is no JSON comes before everything else.
  for (const char* type :
       {"application/json", "application/json;", "  application/json  ;   asfd"}) {
    RawAnswer answer = ask("POST", "hi", {{"Content-Type", type}});
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.body, "{\"__type\":\"com.amazon.coral.service#SerializationException\"}");
    EXPECT_EQ(answer.header("x-amz-crc32"), "3948637019");
    EXPECT_EQ(answer.header("content-type"), "application/json");
  }
  EXPECT_EQ(ask("POST", "hi", {amz, list}).body,
            "{\"__type\":\"com.amazon.coral.service#SerializationException\"}");
  EXPECT_EQ(
      ask("POST", "hi", {{"Content-Type", "application/x-amz-json-1.0;x"}}).header("content-type"),
      kAmz);
  for (const char* target :
       {"", "whatever", "DynamoDB_20120810.ListTable", "DynamoDB_20120810.",
        "DynamoDB_20111205.ListTables", "DynamoDB_20120810.ListTables.x", "ListTables"}) {
    RawAnswer answer = ask("POST", "{}", {json, {"X-Amz-Target", target}});
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.body, "{\"__type\":\"com.amazon.coral.service#UnknownOperationException\"}");
    EXPECT_EQ(answer.header("x-amz-crc32"), "1368724161");
  }
  EXPECT_EQ(ask("POST", "").body,
            "{\"__type\":\"com.amazon.coral.service#UnknownOperationException\"}");
  for (const auto& authorization : {"", "AWS4", "X"}) {
    RawAnswer answer = ask("POST", "", {list, {"Authorization", authorization}});
    EXPECT_EQ(answer.body,
              "{\"__type\":\"com.amazon.coral.service#MissingAuthenticationTokenException\","
              "\"message\":\"Request is missing Authentication Token\"}");
    EXPECT_EQ(answer.header("x-amz-crc32"), "2088342776");
  }
  EXPECT_EQ(
      ask("POST", "", {list, {"Authorization", "X"}}, "/?X-Amz-Algorithm").header("x-amz-crc32"),
      "2139606068");
  EXPECT_EQ(ask("POST", "", {list, {"Authorization", "AWS4-"}}).header("x-amz-crc32"),
            "1828866742");
  EXPECT_EQ(
      ask("POST", "", {list, {"Date", "a"}, {"Authorization", "AWS4- Signature=b Credential=a"}})
          .header("x-amz-crc32"),
      "15336762");
  EXPECT_EQ(
      ask("POST", "", {list, {"Date", "a"}, {"Authorization", "AWS4- Signature=b,Credential=a"}})
          .header("x-amz-crc32"),
      "1159703774");
  EXPECT_EQ(ask("POST", "", {list}, "/?X-Amz-Algorithm").header("x-amz-crc32"), "2900502663");
  EXPECT_EQ(ask("POST", "", {list},
                "/?X-Amz-Algorithm=a&X-Amz-Credential=b&X-Amz-Signature=c&X-Amz-Date=d")
                .header("x-amz-crc32"),
            "3712057481");
}

// What a client sent comes back as text, whatever its bytes.
TEST_F(EndpointTest, RefusalsAreJson) {
  start(false);
  RawAnswer answer = ask("POST", "",
                         {{"X-Amz-Target", "DynamoDB_20120810.ListTables"},
                          {"Authorization", "AWS4-\"\\\t\xff\xc3\xa4"}});
  EXPECT_NE(answer.body.find("Authorization=AWS4-\\\"\\\\\\t\\u00ff\\u00c3\\u00a4\"}"),
            std::string::npos)
      << answer.body;
}

TEST_F(EndpointTest, AnyKeyStillAsksForASignature) {
  start(true);
  const std::pair<std::string, std::string> amz("Content-Type", std::string(kAmz)),
      target("X-Amz-Target", "DynamoDBStreams_20120810.ListStreams");
  EXPECT_EQ(ask("POST", "{}", {amz, target}).status, 400);
  RawAnswer answer =
      ask("POST", "{}", {amz, target, {"Authorization", "AWS4-HMAC-SHA256 Credential=x"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "DynamoDBStreams_20120810 ListStreams {}");
}

TEST_F(EndpointTest, OversizeAndMalformedRequestsHaveAnIdToo) {
  start(true);
  RawClient large(endpoint_->port());
  large.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 16777217\r\n\r\n");
  RawAnswer answer = large.answer();
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.header("x-amzn-requestid").size(), 52u);
  RawClient malformed(endpoint_->port());
  malformed.send("GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(17'000, 'a') + "\r\n\r\n");
  answer = malformed.answer();
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.header("x-amzn-requestid").size(), 52u);
}

TEST_F(EndpointTest, SaysHowItIsDoing) {
  start(true);
  const std::vector<std::pair<std::string, std::string>> scan = {
      {"Content-Type", std::string(kAmz)},
      {"X-Amz-Target", "DynamoDB_20120810.Scan"},
      {"Authorization", "AWS4-x"}};
  EXPECT_EQ(ask("POST", "{}", scan).status, 400);
  EXPECT_EQ(ask("POST", "{}", scan).status, 400);
  EXPECT_EQ(ask("PUT", "").status, 404);
  EXPECT_EQ(ask("GET", "", {}, "/healthz").body, "ok\n");
  RawAnswer metrics = ask("GET", "", {}, "/metrics");
  EXPECT_TRUE(metrics.header("content-type").starts_with("text/plain"));
  for (const char* line :
       {"offramp_endpoint_requests_total{operation=\"Scan\",error=\"ValidationException\"} 2\n",
        "offramp_endpoint_requests_total{operation=\"Scan\",error=\"\"} 0\n",
        "offramp_endpoint_requests_total{operation=\"other\",error=\"UnknownOperationException\"} "
        "1\n",
        "offramp_endpoint_request_seconds_count{operation=\"Scan\"} 2\n",
        "offramp_endpoint_request_seconds_bucket{operation=\"Scan\",le=\"+Inf\"} 2\n",
        "offramp_endpoint_connections_open 1\n", "offramp_endpoint_connections_total 1\n"})
    EXPECT_NE(metrics.body.find(line), std::string::npos) << line << metrics.body;
}

TEST_F(EndpointTest, SaysNothingWhenNotAsked) {
  start(true, false);
  EXPECT_TRUE(ask("GET", "", {}, "/metrics").body.starts_with("healthy: "));
  EXPECT_TRUE(ask("GET", "", {}, "/healthz").body.starts_with("healthy: "));
}

TEST(EndpointStart, RefusesAnyKeyWhereOthersCanConnect) {
  for (const char* address : {"0.0.0.0", "::", "192.0.2.1"}) {
    EndpointOptions options;
    options.any_key = true;
    options.http.address = address;
    auto refused = Endpoint::start(std::move(options), make_parrot);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind(), ErrorKind::kConfig);
    EXPECT_NE(refused.error().message().find(address), std::string::npos);
  }
  auto no_keys = Endpoint::start({}, make_parrot);
  ASSERT_FALSE(no_keys.ok());
  EXPECT_EQ(no_keys.error().kind(), ErrorKind::kConfig);
}

TEST(Operations, AreSorted) {
  for (size_t i = 0; i < kOperations.size(); ++i)
    EXPECT_EQ(
        operation_of(std::string(kOperations[i].api) + "." + std::string(kOperations[i].name)), i);
}

class AccessKeysTest : public testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/offramp-keys-XXXXXX";
    ::close(::mkstemp(path));
    path_ = path;
  }
  void TearDown() override { ::unlink(path_.c_str()); }
  Result<AccessKeys> read(const std::string& text, mode_t mode = 0600) {
    std::ofstream(path_) << text;
    ::chmod(path_.c_str(), mode);
    return AccessKeys::read(path_);
  }
  std::string path_;
};

TEST_F(AccessKeysTest, ReadsKeys) {
  auto keys = read("# ours\n\nAKID1 secret/1+=\n\t AKID2\t secret2  \r\nAKID3 secret3");
  ASSERT_TRUE(keys.ok()) << keys.error().message();
  EXPECT_EQ(*keys->secret("AKID1"), "secret/1+=");
  EXPECT_EQ(*keys->secret("AKID2"), "secret2");
  EXPECT_EQ(*keys->secret("AKID3"), "secret3");
  EXPECT_EQ(keys->secret("AKID"), nullptr);
  EXPECT_EQ(keys->secret("#"), nullptr);
}

TEST_F(AccessKeysTest, RefusesWhatOthersCanReadAndWhatIsNoKeyFile) {
  auto refused = [](Result<AccessKeys> keys, std::string_view says) {
    ASSERT_FALSE(keys.ok()) << says;
    EXPECT_EQ(keys.error().kind(), ErrorKind::kConfig);
    EXPECT_NE(keys.error().message().find(says), std::string::npos) << keys.error().message();
    EXPECT_EQ(keys.error().message().find("s3cret"), std::string::npos) << "a secret is shown";
  };
  for (mode_t mode : {0640, 0604, 0644, 0620})
    refused(read("AKID s3cret\n", mode), "chmod 600 " + path_);
  refused(read("AKID\n"), "line 1");
  refused(read("A s3cret\nAKID s3cret more\n"), "line 2");
  refused(read("AKID s3cret\nAKID s3cret\n"), "second time");
  refused(read("# nothing\n"), "no key");
  refused(read(std::string(2 << 20, '#')), "1 MiB");
  refused(AccessKeys::read("/nonexistent"), "/nonexistent");
  refused(AccessKeys::read("/tmp"), "regular file");
}

}  // namespace
}  // namespace offramp::endpoint
