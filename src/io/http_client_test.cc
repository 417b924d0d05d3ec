#include "io/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "io/scripted_server_test.h"

namespace offramp::io {
namespace {

using std::chrono::milliseconds;

TEST(HttpClient, SendsMethodHeadersAndBodyAndReadsTheAnswer) {
  ScriptedServer server([](const ScriptedRequest&, size_t) {
    return ScriptedAnswer{
        .status = 404, .body = "nothing here", .headers = {"X-Thing:  a b ", "X-Other: c"}};
  });
  HttpClient client;
  HttpResponse response;
  HttpRequest request{.method = "PUT",
                      .url = server.url() + "/a%20b?x=1",
                      .headers = {"x-mine: 7"},
                      .body = "payload"};
  ASSERT_TRUE(client.send(request, response).ok());
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, "nothing here");
  EXPECT_EQ(response.header("x-thing"), "a b");
  EXPECT_EQ(response.header("x-absent"), std::nullopt);
  auto got = server.requests().at(0);
  EXPECT_EQ(got.method, "PUT");
  EXPECT_EQ(got.target, "/a%20b?x=1");
  EXPECT_EQ(got.body, "payload");
  EXPECT_EQ(got.header("x-mine"), "7");
}

TEST(HttpClient, ReadsChunkedAnswersAndReusesItselfForAnotherMethod) {
  std::string big(50'000, 'x');
  ScriptedServer server([&](const ScriptedRequest& request, size_t) {
    return ScriptedAnswer{.body = request.method == "GET" ? big : "posted",
                          .framing = ScriptedAnswer::Framing::kChunked};
  });
  HttpClient client;
  HttpResponse response;
  ASSERT_TRUE(client.send({.method = "POST", .url = server.url(), .body = "b"}, response).ok());
  EXPECT_EQ(response.body, "posted");
  ASSERT_TRUE(client.send({.url = server.url()}, response).ok());
  EXPECT_EQ(response.body, big);
  EXPECT_EQ(server.requests().at(1).method, "GET");
  EXPECT_EQ(server.requests().at(1).body, "");
}

TEST(HttpClient, C10_BoundsTheBody) {
  ScriptedServer server([](const ScriptedRequest&, size_t) {
    return ScriptedAnswer{.body = std::string(1001, 'x')};
  });
  HttpClient client;
  HttpResponse response;
  Status status = client.send({.url = server.url(), .response_bytes_max = 1000}, response);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), "http.too_large");
  EXPECT_TRUE(client.send({.url = server.url(), .response_bytes_max = 1001}, response).ok());
}

TEST(HttpClient, C10_BoundsTheHeaders) {
  ScriptedServer server([](const ScriptedRequest&, size_t) {
    ScriptedAnswer answer;
    for (int i = 0; i < 100; ++i) answer.headers.push_back("x-h: " + std::string(1000, 'h'));
    return answer;
  });
  HttpClient client;
  HttpResponse response;
  Status status = client.send({.url = server.url()}, response);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kCorrupt);
}

TEST(HttpClient, ASinkGetsOnlyTheBodyOfSuccess) {
  ScriptedServer server([](const ScriptedRequest& request, size_t) {
    return ScriptedAnswer{.status = request.target == "/bad" ? 500 : 200, .body = "text"};
  });
  HttpClient client;
  HttpResponse response;
  std::string seen;
  HttpRequest request{.url = server.url() + "/bad"};
  request.sink = [&](const HttpResponse&, std::string_view piece) -> Status {
    seen += piece;
    return {};
  };
  ASSERT_TRUE(client.send(request, response).ok());
  EXPECT_EQ(seen, "");
  EXPECT_EQ(response.body, "text");
  request.url = server.url() + "/good";
  ASSERT_TRUE(client.send(request, response).ok());
  EXPECT_EQ(seen, "text");
  request.sink = [](const HttpResponse&, std::string_view) -> Status {
    return Error(ErrorKind::kUnavailable, "disk.full", "no space");
  };
  Status status = client.send(request, response);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), "disk.full");
}

TEST(HttpClient, ACutAnswerAndARefusedConnectionMayBeTriedAgain) {
  std::string address;
  {
    ScriptedServer server([](const ScriptedRequest&, size_t) {
      return ScriptedAnswer{.body = "long text", .cut_after = 4};
    });
    address = server.url();
    HttpClient client;
    HttpResponse response;
    Status status = client.send({.url = address}, response);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().kind(), ErrorKind::kRetry);
  }
  HttpClient client;
  HttpResponse response;
  Status status = client.send({.url = address + "/path?secret=1"}, response);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), "http.connection");
  EXPECT_THAT(status.error().message(), testing::HasSubstr(address));
  EXPECT_THAT(status.error().message(), testing::Not(testing::HasSubstr("secret")));
}

TEST(HttpClient, TimesOut) {
  ScriptedServer server(
      [](const ScriptedRequest&, size_t) { return ScriptedAnswer{.delay = milliseconds(400)}; });
  HttpClient client;
  HttpResponse response;
  Status status = client.send({.url = server.url(), .timeout = milliseconds(50)}, response);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), "http.timeout");
  EXPECT_EQ(status.error().kind(), ErrorKind::kRetry);
}

TEST(HttpClient, DoesNotFollowRedirects) {
  ScriptedServer server([](const ScriptedRequest&, size_t) {
    return ScriptedAnswer{.status = 302, .headers = {"location: http://127.0.0.1:1/elsewhere"}};
  });
  HttpClient client;
  HttpResponse response;
  ASSERT_TRUE(client.send({.url = server.url()}, response).ok());
  EXPECT_EQ(response.status, 302);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(HttpClient, OtherSchemesAreRefused) {
  HttpClient client;
  HttpResponse response;
  Status status = client.send({.url = "file:///etc/passwd"}, response);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kConfig);
}

TEST(HttpClient, AStopEndsTheTransfer) {
  ScriptedServer server([](const ScriptedRequest&, size_t) { return ScriptedAnswer{}; });
  HttpClient client;
  HttpResponse response;
  std::stop_source stop;
  stop.request_stop();
  Status status = client.send({.url = server.url(), .stop = stop.get_token()}, response);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kCancelled);
}

TEST(HttpClient, SignsForAws) {
  ScriptedServer server([](const ScriptedRequest&, size_t) { return ScriptedAnswer{}; });
  HttpClient client;
  HttpResponse response;
  HttpRequest request{.method = "POST",
                      .url = server.url() + "/",
                      .headers = {"x-amz-security-token: tok"},
                      .body = "{}"};
  request.signing = AwsSigning{"AKID", "very-secret", "eu-west-1", "dynamodb"};
  ASSERT_TRUE(client.send(request, response).ok());
  auto got = server.requests().at(0);
  EXPECT_THAT(got.header("authorization"),
              testing::StartsWith("AWS4-HMAC-SHA256 Credential=AKID/"));
  EXPECT_THAT(got.header("authorization"), testing::HasSubstr("/eu-west-1/dynamodb/aws4_request"));
  EXPECT_THAT(got.header("authorization"), testing::HasSubstr("x-amz-security-token"));
  EXPECT_THAT(got.header("authorization"), testing::Not(testing::HasSubstr("very-secret")));
  EXPECT_FALSE(got.header("x-amz-date").empty());
}

TEST(HttpPool, HandsAClientOutAgain) {
  ScriptedServer server(
      [](const ScriptedRequest&, size_t) { return ScriptedAnswer{.body = "ok"}; });
  HttpPool pool;
  std::vector<std::jthread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        HttpResponse response;
        auto client = pool.borrow();
        if (client->send({.url = server.url()}, response).ok() && response.body == "ok") ++good;
      }
    });
  threads.clear();
  EXPECT_EQ(good, 80);
}

TEST(Addresses, AreCheckedAndTakenApart) {
  EXPECT_EQ(percent_encode("a b/ü=+~", "/"), "a%20b/%C3%BC%3D%2B~");
  EXPECT_EQ(origin_of("https://h:1/p?q"), "https://h:1");
  EXPECT_EQ(origin_of("http://h?q"), "http://h");
  EXPECT_TRUE(is_loopback("http://127.0.0.1:8000/x"));
  EXPECT_TRUE(is_loopback("http://localhost"));
  EXPECT_TRUE(is_loopback("http://[::1]:80"));
  EXPECT_FALSE(is_loopback("http://127.0.0.1.evil.example"));
  EXPECT_FALSE(is_loopback("http://localhost.evil.example"));
  EXPECT_EQ(check_endpoint("http://h:1//").value(), "http://h:1");
  for (const char* bad : {"", "h:1", "ftp://h", "http://", "http:///x", "http://h x", "http://h?q",
                          "http://h\r\nx:y"})
    EXPECT_FALSE(check_endpoint(bad).ok()) << bad;
  auto secret = check_endpoint("http://user:hunter2@h");
  ASSERT_FALSE(secret.ok());
  EXPECT_THAT(secret.error().message(), testing::Not(testing::HasSubstr("hunter2")));
}

}  // namespace
}  // namespace offramp::io
