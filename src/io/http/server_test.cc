#include "io/http/server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <mutex>
#include <thread>

#include "io/fiber.h"
#include "io/http/gzip.h"
#include "io/http/raw_client_test.h"

namespace offramp::io::http {
namespace {

using std::chrono::milliseconds;

// "/size/N": N bytes; "/wait": waits to be let go; "/throw"; else says what it was sent.
class Echo : public Handler {
 public:
  struct Gate {
    std::latch entered{1};
    void open() {
      if (!std::exchange(opened_, true)) opens_.notify();
    }
    void wait() { opens_.wait(); }

   private:
    bool opened_ = false;
    Wakeup opens_;
  };
  explicit Echo(Gate& gate) : gate_(gate) {}
  void handle(const Request& request, Response& response) override {
    response.content_type = "text/plain";
    if (request.target.starts_with("/size/")) {
      response.body.assign(std::stoul(std::string(request.target.substr(6))), 'z');
    } else if (request.target == "/wait") {
      gate_.entered.count_down();
      gate_.wait();
      response.body = "waited";
    } else if (request.target == "/throw") {
      throw std::bad_alloc();
    } else if (request.target == "/close") {
      response.close = true;
    } else {
      response.body.append(request.method).append(" ").append(request.target).append(" ");
      response.body.append(request.header("X-Test")).append(" ").append(request.body);
    }
    response.headers = "X-Seen: " + std::to_string(request.raw_body.size()) + "\r\n";
    response.add_crc32 = true;
  }

 private:
  Gate& gate_;
};

class ServerTest : public testing::Test {
 protected:
  void start(ServerOptions options = {}) {
    auto started = Server::start(std::move(options), [this]() -> Result<std::unique_ptr<Handler>> {
      return std::unique_ptr<Handler>(std::make_unique<Echo>(gate_));
    });
    ASSERT_TRUE(started.ok()) << started.error().message();
    server_ = std::move(started).value();
  }
  void TearDown() override { gate_.open(); }
  static std::string get(const std::string& target, const std::string& headers = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n";
  }
  static std::string post(const std::string& body, const std::string& headers = "") {
    return "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           headers + "\r\n" + body;
  }

  Echo::Gate gate_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
  start();
  RawClient client(server_->port());
  for (int i = 0; i < 3; ++i) {
    client.send(post("body", "X-Test: here\r\n"));
    RawAnswer answer = client.answer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "POST / here body");
    EXPECT_EQ(answer.header("content-type"), "text/plain");
    EXPECT_EQ(answer.header("x-amz-crc32"), "227738219");
    EXPECT_EQ(answer.header("connection"), "");
    EXPECT_TRUE(answer.header("date").ends_with(" GMT"));
  }
  Server::Counts counts = server_->counts();
  EXPECT_EQ(counts.connections, 1u);
  EXPECT_EQ(counts.connections_open, 1u);
  EXPECT_EQ(counts.requests, 3u);
  EXPECT_EQ(counts.bytes_in, 3 * post("body", "X-Test: here\r\n").size());
  EXPECT_GT(counts.bytes_out, 300u);
}

TEST_F(ServerTest, AnswersPipelinedRequestsInTheirOrder) {
  start();
  RawClient client(server_->port());
  std::string all;
  for (int i = 0; i < 500; ++i)
    all +=
        i % 3 ? get("/" + std::to_string(i)) : post(std::string(static_cast<size_t>(i) * 5, 'b'));
  std::jthread sender([&] { client.send(all); });
  for (int i = 0; i < 500; ++i) {
    RawAnswer answer = client.answer();
    ASSERT_EQ(answer.status, 200) << i;
    if (i % 3)
      EXPECT_EQ(answer.body, "GET /" + std::to_string(i) + "  ");
    else
      EXPECT_EQ(answer.header("x-seen"), std::to_string(i * 5));
  }
}

TEST_F(ServerTest, LargeAnswersToAClientThatReadsLate) {
  start();
  RawClient client(server_->port(), 4096);
  for (int i = 0; i < 8; ++i) client.send(get("/size/5000000"));
  for (int i = 0; i < 8; ++i) {
    RawAnswer answer = client.answer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, std::string(5'000'000, 'z'));
  }
}

TEST_F(ServerTest, HeadHasNoBody) {
  start();
  RawClient client(server_->port());
  client.send("HEAD /size/100 HTTP/1.1\r\nHost: h\r\n\r\n" + get("/after"));
  RawAnswer head = client.answer(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-length"), "100");
  EXPECT_EQ(client.answer().body, "GET /after  ");
}

TEST_F(ServerTest, ClosesWhenAskedTo) {
  start();
  {
    RawClient client(server_->port());
    client.send(get("/", "Connection: close\r\n"));
    EXPECT_EQ(client.answer().header("connection"), "close");
    EXPECT_TRUE(client.closed());
  }
  {
    RawClient client(server_->port());
    client.send(get("/close") + get("/never"));
    EXPECT_EQ(client.answer().header("connection"), "close");
    EXPECT_TRUE(client.closed());
  }
  {
    RawClient client(server_->port());
    client.send("GET / HTTP/1.0\r\n\r\n");
    EXPECT_EQ(client.answer().status, 200);
    EXPECT_TRUE(client.closed());
  }
  RawClient client(server_->port());
  client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(client.answer().header("connection"), "keep-alive");
  client.send(get("/again"));
  EXPECT_EQ(client.answer().body, "GET /again  ");
}

TEST_F(ServerTest, AnswersAClientThatHasSentAllAndClosedItsSide) {
  start();
  RawClient client(server_->port());
  client.send(get("/1") + get("/2"));
  client.end_sending();
  EXPECT_EQ(client.answer().body, "GET /1  ");
  EXPECT_EQ(client.answer().body, "GET /2  ");
  EXPECT_TRUE(client.closed());
}

TEST_F(ServerTest, RefusesMalformedRequests) {
  start();
  for (std::string bytes :
       {std::string("nonsense\r\n\r\n"), get("/", "A: " + std::string(20'000, 'a') + "\r\n"),
        std::string("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
        post("x", "Content-Encoding: deflate\r\n"),
        post("no gzip", "Content-Encoding: gzip\r\n")}) {
    RawClient client(server_->port());
    client.send(bytes);
    RawAnswer answer = client.answer();
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.header("connection"), "close");
    EXPECT_TRUE(client.closed());
  }
  EXPECT_EQ(server_->counts().refused, 5u);
  EXPECT_EQ(server_->counts().requests, 0u);
}

TEST_F(ServerTest, ALargeBodyIsRefusedAndTheClientReadsTheAnswer) {
  ServerOptions options;
  options.refuse = [](int status, Response& response) {
    response.headers = "X-Refused: " + std::to_string(status) + "\r\n";
  };
  start(options);
  const std::string body(17 << 20, 'x');
  for (bool chunked : {false, true}) {
    RawClient client(server_->port());
    std::string framed =
        chunked
            ? "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1100000\r\n" + body
            : post(body);
    // All of it is sent before anything is read, as most clients do.
    EXPECT_TRUE(client.send(framed));
    RawAnswer answer = client.answer();
    EXPECT_EQ(answer.status, 413);
    EXPECT_EQ(answer.header("x-refused"), "413");
  }
  RawClient client(server_->port());
  client.send(post(body.substr(0, 16 << 20)));
  EXPECT_EQ(client.answer().header("x-seen"), std::to_string(16 << 20));
}

TEST_F(ServerTest, TellsAWaitingClientToContinue) {
  start();
  RawClient client(server_->port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.answer().status, 100);
  client.send("body");
  EXPECT_EQ(client.answer().body, "POST /  body");
  // One that does not wait is not told.
  client.send(
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody");
  EXPECT_EQ(client.answer().status, 200);
  client.send(
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.answer().status, 413);
}

TEST_F(ServerTest, GzipBothWays) {
  start();
  RawClient client(server_->port());
  ByteBuffer bytes;
  const std::string body(100'000, 'b');
  ASSERT_TRUE(Gzip().run(body, bytes));
  client.send(
      post(std::string(bytes.view()), "Content-Encoding: gzip\r\nAccept-Encoding: gzip\r\n"));
  RawAnswer answer = client.answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-encoding"), "gzip");
  EXPECT_EQ(answer.header("x-seen"), std::to_string(bytes.size()));
  ByteBuffer plain;
  ASSERT_EQ(Gunzip().run(answer.body, 1 << 20, plain), Gunzip::Outcome::kDone);
  EXPECT_EQ(plain.view(), "POST /  " + body);
  // Small ones, and those for a client that does not want it, are not compressed.
  client.send(get("/size/1023", "Accept-Encoding: gzip\r\n"));
  EXPECT_EQ(client.answer().body, std::string(1023, 'z'));
  client.send(get("/size/2000", "Accept-Encoding: identity\r\n"));
  EXPECT_EQ(client.answer().body, std::string(2000, 'z'));
  client.send(get("/size/1024", "Accept-Encoding: gzip\r\n"));
  EXPECT_EQ(client.answer().header("content-encoding"), "gzip");
}

TEST_F(ServerTest, AGzipBombIsTooLarge) {
  start();
  ByteBuffer bomb;
  ASSERT_TRUE(Gzip().run(std::string(40 << 20, 0), bomb));
  RawClient client(server_->port());
  client.send(post(std::string(bomb.view()), "Content-Encoding: gzip\r\n"));
  EXPECT_EQ(client.answer().status, 413);
}

// Only what is to be cut off has a short deadline, so that a busy machine fails no test.
TEST_F(ServerTest, SlowClientsAreCutOff) {
  const std::string whole = post("body");
  const auto closes = [&](std::chrono::milliseconds ServerOptions::*deadline, std::string begun) {
    ServerOptions options;
    options.*deadline = milliseconds(60);
    start(options);
    RawClient client(server_->port());
    client.send(begun);
    EXPECT_TRUE(client.closed()) << begun;
  };
  closes(&ServerOptions::idle_timeout, "");
  closes(&ServerOptions::header_timeout, "P");
  closes(&ServerOptions::header_timeout, whole.substr(0, 30));
  closes(&ServerOptions::body_timeout, whole.substr(0, whole.size() - 1));
}

TEST_F(ServerTest, IdleClientsAreCutOffBetweenRequests) {
  ServerOptions options;
  options.idle_timeout = milliseconds(1000);
  start(options);
  RawClient client(server_->port());
  client.send(get("/"));
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_TRUE(client.closed());
}

// Each byte comes in time, but a header block must be whole by its deadline.
TEST_F(ServerTest, DrippingDoesNotMoveTheDeadline) {
  ServerOptions options;
  options.header_timeout = milliseconds(100);
  start(options);
  RawClient client(server_->port());
  const auto began = std::chrono::steady_clock::now();
  bool open = client.send("GET / HTTP/1.1\r\nHost: h\r\nA: ");
  while (open && std::chrono::steady_clock::now() - began < std::chrono::seconds(20)) {
    open = client.send("a");
    std::this_thread::sleep_for(milliseconds(2));
  }
  EXPECT_FALSE(open);
}

TEST_F(ServerTest, AClientThatDoesNotReadIsCutOff) {
  ServerOptions options;
  options.write_timeout = milliseconds(100);
  start(options);
  RawClient client(server_->port(), 4096);
  client.send(get("/size/50000000"));
  while (server_->counts().connections_open > 0 || server_->counts().requests == 0)
    std::this_thread::yield();
  EXPECT_LT(client.rest().size(), 50'000'000u);
}

TEST_F(ServerTest, AHandlerThatWaitsHoldsUpNobodyElse) {
  ServerOptions options;
  options.threads = 1;
  start(options);
  RawClient blocked(server_->port());
  blocked.send(get("/wait"));
  gate_.entered.wait();
  for (int i = 0; i < 20; ++i) {
    RawClient other(server_->port());
    for (int request = 0; request < 20; ++request) {
      other.send(get("/x"));
      ASSERT_EQ(other.answer().status, 200);
    }
  }
  gate_.open();
  EXPECT_EQ(blocked.answer().body, "waited");
}

TEST_F(ServerTest, RequestsWaitForAHandlerInTheirOrder) {
  ServerOptions options;
  options.threads = options.handlers_max = 1;
  start(options);
  RawClient first(server_->port()), second(server_->port()), third(server_->port());
  first.send(get("/wait") + get("/first"));
  gate_.entered.wait();
  uint64_t came = server_->counts().bytes_in;
  for (RawClient* next : {&second, &third}) {
    next->send(get("/next"));
    while (server_->counts().bytes_in == came) std::this_thread::yield();
    came = server_->counts().bytes_in;
  }
  EXPECT_EQ(server_->counts().requests, 0u);
  gate_.open();
  EXPECT_EQ(first.answer().body, "waited");
  EXPECT_EQ(second.answer().body, "GET /next  ");
  EXPECT_EQ(third.answer().body, "GET /next  ");
  EXPECT_EQ(first.answer().body, "GET /first  ");
  EXPECT_EQ(server_->counts().requests, 4u);
}

TEST_F(ServerTest, AHandlerMayTakeLongerThanAnyDeadline) {
  ServerOptions options;
  options.idle_timeout = options.header_timeout = options.write_timeout = milliseconds(400);
  start(options);
  RawClient blocked(server_->port());
  blocked.send(get("/wait"));
  gate_.entered.wait();
  RawClient silent(server_->port());
  EXPECT_TRUE(silent.closed());
  gate_.open();
  EXPECT_EQ(blocked.answer().body, "waited");
}

TEST_F(ServerTest, AHandlerThatThrowsIsAnInternalError) {
  start();
  RawClient client(server_->port());
  client.send(get("/throw"));
  EXPECT_EQ(client.answer().status, 500);
  EXPECT_TRUE(client.closed());
}

TEST_F(ServerTest, ConnectionsHaveALimit) {
  ServerOptions options;
  options.connections_max = 2;
  start(options);
  auto one = std::make_unique<RawClient>(server_->port());
  RawClient two(server_->port());
  for (RawClient* client : {one.get(), &two}) {
    client->send(get("/"));
    EXPECT_EQ(client->answer().status, 200);
  }
  {
    RawClient three(server_->port());
    EXPECT_EQ(three.answer().status, 503);
    EXPECT_TRUE(three.closed());
  }
  one.reset();
  while (server_->counts().connections_open > 1) std::this_thread::yield();
  RawClient four(server_->port());
  four.send(get("/"));
  EXPECT_EQ(four.answer().status, 200);
}

TEST_F(ServerTest, WhatIsHeldHasACommonLimit) {
  ServerOptions options;
  options.held_bytes_max = 12 << 20;
  start(options);
  RawClient first(server_->port()), second(server_->port());
  const std::string body(7 << 20, 'x'), whole = post(body);
  first.send(whole.substr(0, whole.size() - 1));
  while (server_->counts().bytes_in < whole.size() - 1) std::this_thread::yield();
  second.send(whole);
  EXPECT_EQ(second.answer().status, 503);
  first.send("x");
  EXPECT_EQ(first.answer().status, 200);
  RawClient third(server_->port());
  third.send(whole);
  EXPECT_EQ(third.answer().status, 200);
}

TEST_F(ServerTest, AnswersNobodyReadsCountToo) {
  ServerOptions options;
  options.held_bytes_max = 60'000'000;
  start(options);
  RawClient first(server_->port(), 4096), second(server_->port(), 4096);
  first.send(get("/size/40000000"));
  while (server_->counts().requests < 1) std::this_thread::yield();
  second.send(get("/size/40000000"));
  EXPECT_LT(second.rest().size(), 40'000'000u);
  EXPECT_EQ(first.answer().body.size(), 40'000'000u);
  RawClient third(server_->port());
  third.send(get("/size/40000000"));
  EXPECT_EQ(third.answer().body.size(), 40'000'000u);
}

TEST_F(ServerTest, StopsWhenAllIsAnswered) {
  start();
  RawClient idle(server_->port()), waiting(server_->port()), begun(server_->port());
  idle.send(get("/"));
  EXPECT_EQ(idle.answer().status, 200);
  waiting.send(get("/wait"));
  gate_.entered.wait();
  const std::string half = get("/half");
  begun.send(half.substr(0, 10));
  while (server_->counts().bytes_in < get("/").size() + get("/wait").size() + 10)
    std::this_thread::yield();
  std::jthread stopper([&] { server_->stop(std::chrono::seconds(20)); });
  EXPECT_TRUE(idle.closed());
  begun.send(half.substr(10));
  RawAnswer answer = begun.answer();
  EXPECT_EQ(answer.body, "GET /half  ");
  EXPECT_EQ(answer.header("connection"), "close");
  EXPECT_TRUE(begun.closed());
  gate_.open();
  EXPECT_EQ(waiting.answer().body, "waited");
  EXPECT_TRUE(waiting.closed());
  stopper.join();
  EXPECT_EQ(server_->counts().connections_open, 0u);
  EXPECT_EQ(server_->counts().requests, 3u);
}

TEST_F(ServerTest, StopDoesNotWaitLongerThanItsGrace) {
  start();
  RawClient begun(server_->port());
  begun.send("GET / HT");
  while (server_->counts().bytes_in == 0) std::this_thread::yield();
  server_->stop(milliseconds(20));
  EXPECT_TRUE(begun.closed());
}

TEST_F(ServerTest, ManyClientsAtOnce) {
  ServerOptions options;
  options.threads = 4;
  start(options);
  std::vector<std::jthread> clients;
  std::atomic<int> good{0};
  for (int c = 0; c < 16; ++c)
    clients.emplace_back([&, c] {
      RawClient client(server_->port());
      for (int i = 0; i < 200; ++i) {
        std::string body(static_cast<size_t>((c * 131 + i * 17) % 3000), 'a');
        client.send(post(body));
        if (client.answer().body == "POST /  " + body) ++good;
      }
    });
  clients.clear();
  EXPECT_EQ(good, 16 * 200);
  EXPECT_EQ(server_->counts().requests, 16u * 200);
}

TEST(ServerStart, SaysWhatIsWrong) {
  auto make = []() -> Result<std::unique_ptr<Handler>> {
    return Error(ErrorKind::kUnavailable, "x", "no handler");
  };
  ServerOptions options;
  options.address = "nowhere";
  auto refused = Server::start(options, make);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::kConfig);
  EXPECT_NE(refused.error().message().find("nowhere"), std::string::npos);
  options.address = "127.0.0.1";
  EXPECT_EQ(Server::start(options, make).error().message(), "no handler");
  options.address = "192.0.2.1";
  EXPECT_EQ(Server::start(options, make).error().kind(), ErrorKind::kConfig);
  options.address = "127.0.0.1";
  options.tls_certificate_file = "/nonexistent.pem";
  EXPECT_EQ(Server::start(options, make).error().kind(), ErrorKind::kConfig);
  options.tls_key_file = "/nonexistent.key";
  auto no_file = Server::start(options, make);
  ASSERT_FALSE(no_file.ok());
  EXPECT_NE(no_file.error().message().find("/nonexistent.pem"), std::string::npos);
}

}  // namespace
}  // namespace offramp::io::http
