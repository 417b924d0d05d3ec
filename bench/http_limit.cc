// The HTTP layer alone: answers every request with the same body, until its input ends.
//
//   bench_http_limit BODY_BYTES THREADS [wait-us]     prints {"port": N}
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "io/http/server.h"

namespace {

using offramp::io::http::Request;
using offramp::io::http::Response;

class Static : public offramp::io::http::Handler {
 public:
  explicit Static(size_t size) : body_(size, 'x') {}
  void handle(const Request&, Response& response) override {
    response.content_type = "text/plain";
    response.body = body_;
  }

 private:
  const std::string body_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_http_limit BODY_BYTES THREADS\n");
    return 2;
  }
  const size_t size = std::strtoul(argv[1], nullptr, 10);
  offramp::io::http::ServerOptions options;
  options.threads = std::atoi(argv[2]);
  auto server = offramp::io::http::Server::start(
      options, [size]() -> offramp::Result<std::unique_ptr<offramp::io::http::Handler>> {
        return std::unique_ptr<offramp::io::http::Handler>(std::make_unique<Static>(size));
      });
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message().c_str());
    return 1;
  }
  std::printf("{\"port\": %d}\n", (*server)->port());
  std::fflush(stdout);
  char byte;
  while (::read(0, &byte, 1) > 0) {
  }
  (*server)->stop(std::chrono::milliseconds(1000));
}
