#include "ddb/client/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <isa-l/crc.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "ddb/client/endpoint.h"
#include "io/fake_clock_test.h"
#include "io/scripted_server_test.h"

namespace offramp::ddb::client {
namespace {

using io::ScriptedAnswer;
using io::ScriptedRequest;
using testing::HasSubstr;
using testing::Not;

std::string error_json(const std::string& type, const std::string& message = "why") {
  return R"({"__type":"com.amazonaws.dynamodb.v20120810#)" + type + R"(","message":")" + message +
         "\"}";
}

class ClientTest : public testing::Test {
 protected:
  void serve(io::ScriptedServer::Handler handler) {
    server_ = std::make_unique<io::ScriptedServer>(std::move(handler));
  }
  std::unique_ptr<Client> client() {
    return std::move(Client::open({.region = "eu-west-1",
                                   .endpoint = server_->url(),
                                   .credentials = credentials_,
                                   .retry = {.tries_max = 4},
                                   .clock = &clock_,
                                   .stop = stop_.get_token(),
                                   .answer_bytes_max = 100'000}))
        .value();
  }
  Error refused(const ScriptedAnswer& answer) {
    serve([answer](const ScriptedRequest&, size_t) { return answer; });
    auto got = client()->call("Scan", "Orders", "{}");
    EXPECT_FALSE(got.ok());
    return got.error();
  }

  io::FakeClock clock_;
  std::stop_source stop_;
  std::shared_ptr<io::aws::CredentialsProvider> credentials_ =
      io::aws::fixed_credentials({"AKID", "hunter2", "tok", std::nullopt, "profile dev"});
  std::unique_ptr<io::ScriptedServer> server_;
};

TEST_F(ClientTest, SpeaksJson10Signed) {
  serve([](const ScriptedRequest&, size_t) { return ScriptedAnswer{.body = "{\"Count\":0}"}; });
  EXPECT_EQ(client()->call("Scan", "Orders", R"({"TableName":"Orders"})").value(), "{\"Count\":0}");
  auto request = server_->requests().at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/");
  EXPECT_EQ(request.body, R"({"TableName":"Orders"})");
  EXPECT_EQ(request.header("x-amz-target"), "DynamoDB_20120810.Scan");
  EXPECT_EQ(request.header("content-type"), "application/x-amz-json-1.0");
  EXPECT_EQ(request.header("x-amz-security-token"), "tok");
  EXPECT_THAT(request.header("authorization"), HasSubstr("/eu-west-1/dynamodb/aws4_request"));
}

TEST_F(ClientTest, ReadsChunkedAnswers) {
  std::string body = "{\"a\":\"" + std::string(90'000, 'x') + "\"}";
  serve([&](const ScriptedRequest&, size_t) {
    return ScriptedAnswer{.body = body, .framing = ScriptedAnswer::Framing::kChunked};
  });
  EXPECT_EQ(client()->call("Scan", "T", "{}").value(), body);
}

TEST_F(ClientTest, RepeatsThrottlesFaultsAndLostConnections) {
  serve([](const ScriptedRequest&, size_t index) -> ScriptedAnswer {
    if (index == 0)
      return {.status = 400, .body = error_json("ProvisionedThroughputExceededException")};
    if (index == 1) return {.status = 500, .body = error_json("InternalServerError")};
    if (index == 2) return {.body = "{\"cut\":1}", .cut_after = 4};
    return {.body = "{}"};
  });
  EXPECT_EQ(client()->call("Scan", "T", "{}").value(), "{}");
  EXPECT_EQ(clock_.sleeps().size(), 3u);
}

TEST_F(ClientTest, C10_TriesAreBounded) {
  Error error = refused({.status = 400, .body = error_json("ThrottlingException")});
  EXPECT_EQ(error.kind(), ErrorKind::kThrottled);
  EXPECT_THAT(error.message(), HasSubstr("read_units_per_second"));
  EXPECT_EQ(server_->requests().size(), 4u);
  EXPECT_EQ(refused({.status = 400, .body = error_json("RequestLimitExceeded")}).kind(),
            ErrorKind::kThrottled);
  EXPECT_EQ(refused({.status = 503, .body = "<html>"}).kind(), ErrorKind::kUnavailable);
  EXPECT_EQ(refused({.body = "{}", .cut_after = 1}).code(), "ddb.unavailable");
}

TEST_F(ClientTest, AnEndpointThatNeverAnsweredIsGivenUpSoon) {
  std::string address;
  {
    io::ScriptedServer server([](const ScriptedRequest&, size_t) { return ScriptedAnswer{}; });
    address = server.url();
  }
  auto client = std::move(Client::open({.region = "eu-west-1",
                                        .endpoint = address,
                                        .credentials = credentials_,
                                        .retry = {.tries_max = 50},
                                        .clock = &clock_}))
                    .value();
  auto got = client->call("DescribeTable", "Orders", "{}");
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().kind(), ErrorKind::kUnavailable);
  EXPECT_THAT(got.error().message(), HasSubstr(address));
  EXPECT_EQ(clock_.sleeps().size(), 4u);
}

TEST_F(ClientTest, ChecksTheCrc32) {
  std::string body = R"({"Items":[]})";
  uint32_t sum =
      crc32_gzip_refl(0, reinterpret_cast<const unsigned char*>(body.data()), body.size());
  std::string right = "x-amz-crc32: " + std::to_string(sum),
              wrong = "x-amz-crc32: " + std::to_string(sum + 1);
  serve([&](const ScriptedRequest&, size_t index) {
    return ScriptedAnswer{.body = body, .headers = {index == 0 ? wrong : right}};
  });
  EXPECT_EQ(client()->call("Scan", "T", "{}").value(), body);
  EXPECT_EQ(server_->requests().size(), 2u);
  Error error = refused({.body = body, .headers = {wrong}});
  EXPECT_EQ(error.code(), "ddb.crc32");
  EXPECT_EQ(error.kind(), ErrorKind::kCorrupt);
}

TEST_F(ClientTest, C12_ErrorsNameTheTableAndTheRemedyButNoSecret) {
  Error error = refused({.status = 400, .body = error_json("ResourceNotFoundException")});
  EXPECT_EQ(error.kind(), ErrorKind::kConfig);
  EXPECT_EQ(error.code(), "ddb.table_not_found");
  EXPECT_THAT(error.message(), HasSubstr("no table Orders in region eu-west-1"));
  error = refused(
      {.status = 400, .body = error_json("AccessDeniedException", "User: x is not authorized")});
  EXPECT_EQ(error.kind(), ErrorKind::kConfig);
  EXPECT_THAT(error.message(), HasSubstr("grant dynamodb:Scan"));
  EXPECT_THAT(error.message(), HasSubstr("profile dev"));
  EXPECT_THAT(error.message(), Not(HasSubstr("hunter2")));
  EXPECT_EQ(refused({.status = 400, .body = error_json("UnrecognizedClientException")}).code(),
            "ddb.credentials");
  EXPECT_EQ(refused({.status = 400,
                     .body = error_json("InvalidSignatureException", "Signature expired: 1")})
                .code(),
            "ddb.clock");
  EXPECT_EQ(refused({.status = 400, .body = error_json("ValidationException", "bad key")}).code(),
            "ddb.refused");
  EXPECT_EQ(refused({.status = 400, .body = error_json("SerializationException")}).kind(),
            ErrorKind::kInternal);
  EXPECT_EQ(refused({.status = 404, .body = "<html>nginx"}).code(), "ddb.not_dynamodb");
  EXPECT_EQ(refused({.status = 302}).code(), "ddb.not_dynamodb");
  EXPECT_EQ(server_->requests().size(), 1u);
}

TEST_F(ClientTest, AnExpiredTokenIsRenewedOnce) {
  struct Renewing : io::aws::CredentialsProvider {
    std::atomic<int> renewed = 0;
    Result<io::aws::Credentials> get() override {
      return io::aws::Credentials{"AK", "s", "token" + std::to_string(renewed), {}, "test"};
    }
    void invalidate() override { ++renewed; }
  };
  auto provider = std::make_shared<Renewing>();
  credentials_ = provider;
  serve([](const ScriptedRequest& request, size_t) -> ScriptedAnswer {
    if (request.header("x-amz-security-token") == "token0")
      return {.status = 400, .body = error_json("ExpiredTokenException")};
    return {.body = "{}"};
  });
  EXPECT_TRUE(client()->call("Scan", "T", "{}").ok());
  Error error = refused({.status = 400, .body = error_json("ExpiredTokenException")});
  EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
  EXPECT_EQ(server_->requests().size(), 2u);
}

class StreamsClientTest : public ClientTest {
 protected:
  std::unique_ptr<Client> streams_client(int tries_max) {
    return std::move(Client::open(
                         {.region = "eu-west-1",
                          .endpoint = server_->url(),
                          .credentials = credentials_,
                          .retry = {.tries_max = tries_max, .cap = std::chrono::milliseconds(5000)},
                          .clock = &clock_,
                          .stop = stop_.get_token(),
                          .api = Api::kStreams,
                          .on_wait =
                              [this](const Error* why) {
                                waits_.push_back(why ? why->code() : "over");
                              }}))
        .value();
  }
  Error stream_error(const std::string& type) {
    serve([type](const ScriptedRequest&, size_t) {
      return ScriptedAnswer{.status = 400, .body = error_json(type)};
    });
    auto got = streams_client(3)->call("GetRecords", "Orders", "{}");
    EXPECT_FALSE(got.ok());
    return got.error();
  }
  std::vector<std::string> waits_;
};

TEST_F(StreamsClientTest, NamesTheOtherApi) {
  serve([](const ScriptedRequest&, size_t) { return ScriptedAnswer{.body = "{}"}; });
  EXPECT_TRUE(streams_client(3)->call("GetRecords", "Orders", "{}").ok());
  auto request = server_->requests().at(0);
  EXPECT_EQ(request.header("x-amz-target"), "DynamoDBStreams_20120810.GetRecords");
  EXPECT_THAT(request.header("authorization"), HasSubstr("/eu-west-1/dynamodb/aws4_request"));
  EXPECT_THAT(waits_, testing::IsEmpty());
}

TEST_F(StreamsClientTest, C6_ItsErrorsCanBeToldApart) {
  Error error = stream_error("ExpiredIteratorException");
  EXPECT_EQ(error.code(), "ddb.iterator_expired");
  EXPECT_EQ(server_->requests().size(), 1u) << "the same iterator will not become younger";
  error = stream_error("TrimmedDataAccessException");
  EXPECT_EQ(error.code(), "ddb.trimmed");
  EXPECT_EQ(error.kind(), ErrorKind::kGap);
  error = stream_error("ResourceNotFoundException");
  EXPECT_EQ(error.code(), "ddb.stream_not_found");
  EXPECT_EQ(error.kind(), ErrorKind::kGap);
  error = stream_error("LimitExceededException");
  EXPECT_EQ(error.code(), "ddb.throttled");
  EXPECT_EQ(error.kind(), ErrorKind::kThrottled);
  EXPECT_THAT(error.message(), HasSubstr("two readers"));
  EXPECT_EQ(server_->requests().size(), 3u);
  EXPECT_THAT(stream_error("AccessDeniedException").message(),
              HasSubstr("grant dynamodb:GetRecords on the table's stream"));
  // Of tables these names mean what they always did.
  EXPECT_EQ(refused({.status = 400, .body = error_json("LimitExceededException")}).code(),
            "ddb.refused");
  EXPECT_EQ(refused({.status = 400, .body = error_json("ResourceInUseException")}).code(),
            "ddb.in_use");
}

TEST_F(StreamsClientTest, WaitsForALostServiceWithoutLimitAndSaysSo) {
  serve([](const ScriptedRequest&, size_t index) -> ScriptedAnswer {
    if (index == 0) return {.body = "{}"};
    if (index < 100) return {.body = "{\"cut\":1}", .cut_after = 4};
    if (index < 200) return {.status = 503, .body = "<html>"};
    return {.body = "{\"Records\":[]}"};
  });
  auto client = streams_client(kTriesUnlimited);
  EXPECT_TRUE(client->call("GetRecords", "T", "{}").ok());
  EXPECT_EQ(client->call("GetRecords", "T", "{}").value(), "{\"Records\":[]}");
  ASSERT_EQ(waits_.size(), 200u);
  EXPECT_EQ(waits_.front(), "ddb.unavailable");
  EXPECT_EQ(waits_.back(), "over");
  EXPECT_EQ(std::count(waits_.begin(), waits_.end(), "over"), 1);
  for (auto sleep : clock_.sleeps()) EXPECT_LE(sleep, std::chrono::seconds(5));
}

TEST_F(StreamsClientTest, TheWaitIsOverWhenNoCallWaits) {
  // "slow" waits until "quick" has waited and ended.
  std::atomic<int> quick_calls = 0, slow_calls = 0;
  std::atomic<bool> quick_ended = false;
  serve([&](const ScriptedRequest& request, size_t) -> ScriptedAnswer {
    bool slow = request.header("x-amz-target").ends_with(".Slow");
    if (slow ? ++slow_calls > 1 && quick_ended : ++quick_calls > 1 && slow_calls > 1)
      return {.body = "{}"};
    return {.status = 500, .body = error_json("InternalServerError")};
  });
  auto client = streams_client(kTriesUnlimited);
  std::jthread slow([&] { EXPECT_TRUE(client->call("Slow", "T", "{}").ok()); });
  EXPECT_TRUE(client->call("Quick", "T", "{}").ok());
  quick_ended = true;
  slow.join();
  EXPECT_EQ(std::count(waits_.begin(), waits_.end(), "over"), 1);
  EXPECT_EQ(waits_.back(), "over");
}

TEST_F(StreamsClientTest, AStopEndsAWaitWithoutLimit) {
  serve([this](const ScriptedRequest&, size_t index) {
    if (index == 50) stop_.request_stop();
    return ScriptedAnswer{.status = 500};
  });
  auto got = streams_client(kTriesUnlimited)->call("GetRecords", "T", "{}");
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().kind(), ErrorKind::kCancelled);
  EXPECT_EQ(waits_.back(), "over");
}

TEST_F(StreamsClientTest, C10_DamagedAnswersAreNotWaitedOut) {
  serve([](const ScriptedRequest&, size_t) {
    return ScriptedAnswer{.body = "{}", .headers = {"x-amz-crc32: 1"}};
  });
  EXPECT_EQ(streams_client(kTriesUnlimited)->call("GetRecords", "T", "{}").error().code(),
            "ddb.crc32");
}

TEST_F(StreamsClientTest, AnExpiredTokenIsWaitedForWithoutLimit) {
  serve([](const ScriptedRequest&, size_t index) -> ScriptedAnswer {
    if (index < 30) return {.status = 400, .body = error_json("ExpiredTokenException")};
    return {.body = "{}"};
  });
  EXPECT_TRUE(streams_client(kTriesUnlimited)->call("GetRecords", "T", "{}").ok());
  EXPECT_EQ(waits_.front(), "ddb.credentials_expired");
}

TEST_F(ClientTest, AnEndpointThatAnsweredOnceGetsAllTries) {
  serve([](const ScriptedRequest&, size_t index) -> ScriptedAnswer {
    if (index == 0) return {.body = "{}"};
    return {.body = "{}", .cut_after = 1};
  });
  auto client = std::move(Client::open({.region = "eu-west-1",
                                        .endpoint = server_->url(),
                                        .credentials = credentials_,
                                        .retry = {.tries_max = 9},
                                        .clock = &clock_}))
                    .value();
  EXPECT_TRUE(client->call("Scan", "T", "{}").ok());
  EXPECT_EQ(client->call("Scan", "T", "{}").error().code(), "ddb.unavailable");
  EXPECT_EQ(clock_.sleeps().size(), 8u);
}

TEST_F(ClientTest, C10_AnAnswerHasABound) {
  EXPECT_EQ(refused({.body = std::string(100'001, ' ')}).code(), "http.too_large");
}

TEST_F(ClientTest, AStopEndsTheCall) {
  serve([this](const ScriptedRequest&, size_t) {
    stop_.request_stop();
    return ScriptedAnswer{.status = 500};
  });
  auto got = client()->call("Scan", "T", "{}");
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().kind(), ErrorKind::kCancelled);
}

TEST(ClientOptions, AreChecked) {
  EXPECT_EQ(Client::open({.region = "eu west", .endpoint = "http://127.0.0.1:1"}).error().code(),
            "ddb.region");
  EXPECT_EQ(Client::open({.region = "eu-west-1", .endpoint = "127.0.0.1:1"}).error().code(),
            "http.endpoint");
  EXPECT_EQ(Client::open({.region = "eu-west-1"}).value()->endpoint(),
            "https://dynamodb.eu-west-1.amazonaws.com");
  EXPECT_EQ(Client::open({.region = "cn-north-1"}).value()->endpoint(),
            "https://dynamodb.cn-north-1.amazonaws.com.cn");
}

TEST(ClientOptions, StreamsAreFoundBesideTheTables) {
  std::map<std::string, std::string> set;
  io::aws::Environment environment = [&](const std::string& name) -> std::optional<std::string> {
    auto at = set.find(name);
    if (at == set.end()) return std::nullopt;
    return at->second;
  };
  const std::string aws = "https://dynamodb.eu-west-1.amazonaws.com", local = "http://db:8000";
  EXPECT_EQ(configured_streams_endpoint("", environment), "");
  EXPECT_EQ(aws_endpoint(Api::kStreams, "eu-west-1"),
            "https://streams.dynamodb.eu-west-1.amazonaws.com");
  EXPECT_EQ(aws_endpoint(Api::kStreams, "cn-north-1"),
            "https://streams.dynamodb.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(configured_streams_endpoint(local, environment), local);
  EXPECT_EQ(configured_streams_endpoint(aws, environment), "") << "AWS has another host for them";
  set["AWS_ENDPOINT_URL"] = "http://all:1";
  EXPECT_EQ(configured_streams_endpoint("", environment), "http://all:1");
  EXPECT_EQ(configured_endpoint("", environment), "http://all:1");
  set["AWS_ENDPOINT_URL_DYNAMODB"] = local;
  EXPECT_EQ(configured_streams_endpoint("", environment), local);
  EXPECT_EQ(configured_endpoint("", environment), local);
  set["AWS_ENDPOINT_URL_DYNAMODB"] = "https://vpce-1.dynamodb.eu-west-1.vpce.amazonaws.com:443";
  EXPECT_EQ(configured_streams_endpoint("", environment), "http://all:1");
  set["AWS_ENDPOINT_URL_DYNAMODB_STREAMS"] = "http://streams:2";
  EXPECT_EQ(configured_streams_endpoint("", environment), "http://streams:2");
  EXPECT_EQ(configured_streams_endpoint(aws, environment), "http://streams:2");
  EXPECT_EQ(configured_streams_endpoint(local, environment), local);
  EXPECT_EQ(configured_endpoint("", environment), set["AWS_ENDPOINT_URL_DYNAMODB"]);
}

TEST(ClientOptions, ALocalEndpointNeedsNoKeys) {
  for (const char* name : {"AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"})
    ::unsetenv(name);
  ::setenv("AWS_CONFIG_FILE", "/nonexistent", 1);
  ::setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
  io::ScriptedServer server(
      [](const ScriptedRequest&, size_t) { return ScriptedAnswer{.body = "{}"}; });
  auto client = std::move(Client::open({.region = "eu-west-1", .endpoint = server.url()})).value();
  EXPECT_TRUE(client->call("ListTables", "-", "{}").ok());
  EXPECT_THAT(server.requests().at(0).header("authorization"), HasSubstr("Credential=local/"));
}

}  // namespace
}  // namespace offramp::ddb::client
