// TLS with a certificate made here; the client is OpenSSL's own.
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include <fstream>

#include "io/http/raw_client_test.h"
#include "io/http/server.h"

namespace offramp::io::http {
namespace {

class Hello : public Handler {
 public:
  void handle(const Request& request, Response& response) override {
    response.body = std::string(request.target) + std::string(200'000, 'h') +
                    std::to_string(request.body.size());
  }
};

Result<std::unique_ptr<Handler>> make_hello() {
  return std::unique_ptr<Handler>(std::make_unique<Hello>());
}

class TlsTest : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/offramp-tls-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
    options_.tls_certificate_file = folder_ + "/cert.pem";
    options_.tls_key_file = folder_ + "/key.pem";
    make_pair(options_.tls_certificate_file, options_.tls_key_file);
  }
  void TearDown() override { ASSERT_EQ(0, ::system(("rm -r " + folder_).c_str())); }

  static void make_pair(const std::string& certificate, const std::string& key) {
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout " +
        key + " -out " + certificate + " 2>/dev/null";
    ASSERT_EQ(0, ::system(command.c_str()));
  }

  // The answer to `request`, over the given versions; empty when there is no connection.
  std::string ask(uint16_t port, const std::string& request, int version_min = TLS1_2_VERSION,
                  int version_max = TLS1_3_VERSION) {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_load_verify_locations(context, options_.tls_certificate_file.c_str(), nullptr);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, version_min);
    SSL_CTX_set_max_proto_version(context, version_max);
    BIO* bio = BIO_new_ssl_connect(context);
    BIO_set_conn_hostname(bio, ("127.0.0.1:" + std::to_string(port)).c_str());
    std::string answer;
    if (BIO_do_connect(bio) == 1) {
      EXPECT_EQ(static_cast<int>(request.size()),
                BIO_write(bio, request.data(), static_cast<int>(request.size())));
      char piece[8192];
      for (int got; (got = BIO_read(bio, piece, sizeof piece)) > 0;)
        answer.append(piece, static_cast<size_t>(got));
      SSL* ssl = nullptr;
      BIO_get_ssl(bio, &ssl);
      EXPECT_TRUE(SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) << "not closed as TLS has it";
    }
    BIO_free_all(bio);
    SSL_CTX_free(context);
    ERR_clear_error();
    return answer;
  }

  std::string folder_;
  ServerOptions options_;
};

TEST_F(TlsTest, AnswersOverTls12AndLater) {
  auto server = std::move(Server::start(options_, make_hello)).value();
  const std::string request = "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" +
                              std::string(100'000, 'b') +
                              "GET /2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    std::string answer = ask(server->port(), request, version, version);
    EXPECT_NE(answer.find("/1hhh"), answer.npos);
    EXPECT_NE(answer.find("h100000HTTP/1.1 200"), answer.npos);
    EXPECT_NE(answer.find("/2hhh"), answer.npos);
    EXPECT_TRUE(answer.ends_with("h0"));
  }
  EXPECT_EQ(ask(server->port(), request, TLS1_VERSION, TLS1_1_VERSION), "");
}

TEST_F(TlsTest, ClientsThatSpeakNoTlsAreCutOff) {
  options_.header_timeout = std::chrono::milliseconds(60);
  auto server = std::move(Server::start(options_, make_hello)).value();
  {
    RawClient plain(server->port());
    plain.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(plain.rest().find("HTTP/1.1"), std::string::npos);
  }
  {
    RawClient silent(server->port());
    EXPECT_TRUE(silent.closed());
  }
  EXPECT_EQ(server->counts().requests, 0u);
}

TEST_F(TlsTest, StopsGracefully) {
  auto server = std::move(Server::start(options_, make_hello)).value();
  EXPECT_NE(ask(server->port(), "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), "");
  RawClient never_shakes_hands(server->port());
  while (server->counts().connections < 2) {
  }
  server->stop(std::chrono::milliseconds(10));
  EXPECT_TRUE(never_shakes_hands.closed());
}

TEST_F(TlsTest, TheKeyMustBeThatOfTheCertificate) {
  const std::string other = folder_ + "/other.pem";
  make_pair(folder_ + "/unused.pem", other);
  ServerOptions options = options_;
  options.tls_key_file = other;
  auto refused = Server::start(options, make_hello);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::kConfig);
  EXPECT_NE(refused.error().message().find(other), std::string::npos);
  std::ofstream(other) << "no key";
  EXPECT_EQ(Server::start(options, make_hello).error().kind(), ErrorKind::kConfig);
}

}  // namespace
}  // namespace offramp::io::http
