// HTTP/1.1 server: keep-alive, pipelining, gzip both ways, TLS, bounds on everything a client can
// make it hold.
//
// Boost.Asio does the sockets, Boost.Beast's parser reads requests; the answer is written as one
// piece. Handlers run on fibers of the server's threads: one that waits for a database (io/fiber.h)
// holds up nobody. One connection's requests are handled one after the other.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace offramp::io::http {

// What the handler sees of a request. Views live during the call. `body` is decoded (gzip) and
// followed by kBodyPadding readable bytes.
constexpr size_t kBodyPadding = 64;
struct Request {
  std::string_view method, target;
  std::string_view body;
  std::string_view raw_body;  // as sent, before gzip was undone: what a signature speaks of
  std::string_view remote;    // "127.0.0.1:53122"
  std::vector<std::pair<std::string_view, std::string_view>> headers;  // in order, names as sent
  // The first header of that name (case does not count), or an empty view.
  std::string_view header(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string_view content_type = "application/x-amz-json-1.0";
  std::string headers;     // further header lines, each "Name: value\r\n"
  std::string body;        // reused between calls
  bool add_crc32 = false;  // x-amz-crc32 of the body's bytes as sent
  bool close = false;      // close the connection after this answer
};

// Handles one request at a time, always on the same thread, so it may keep memory and a database
// session.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual void handle(const Request& request, Response& response) = 0;
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: any free one
  int threads = 0;    // 0: by the machine's cores, at most 8
  // Requests that are handled at once, over all threads; as many handlers are made when needed.
  int handlers_max = 128;
  std::string tls_certificate_file, tls_key_file;  // both or none
  size_t header_bytes_max = 16 << 10;              // more: 400
  size_t body_bytes_max = 16 << 20;                // more, also after gzip: 413
  size_t connections_max = 4096;                   // more: 503
  // What large bodies, and answers whose clients are slow to read them, may take together; more:
  // 503, or the connection ends.
  size_t held_bytes_max = 1 << 30;
  size_t answer_gzip_bytes_min = 1024;  // smaller answers are never compressed
  // From the first byte of a request to the end of its headers, and to the end of its body; between
  // requests; and for a client to read some of its answer.
  std::chrono::milliseconds header_timeout{20'000};
  std::chrono::milliseconds body_timeout{60'000};
  std::chrono::milliseconds idle_timeout{120'000};
  std::chrono::milliseconds write_timeout{60'000};
  // Makes the answer of a request that never reaches a handler: too large (413), malformed or too
  // much header (400), no room (503). Without it such an answer has no body.
  std::function<void(int status, Response&)> refuse;
};

class Server {
 public:
  // Binds and listens; kConfig when the address cannot be used, naming it. `make_handler` is called
  // once per thread at first, and on any of the server's threads when more are needed.
  static Result<std::unique_ptr<Server>> start(
      ServerOptions options, std::function<Result<std::unique_ptr<Handler>>()> make_handler);
  ~Server();
  uint16_t port() const;
  // No new connections and requests; those in progress are answered, at most for `grace`; then all
  // is closed.
  void stop(std::chrono::milliseconds grace);
  struct Counts {
    uint64_t connections = 0, connections_open = 0, requests = 0, refused = 0, bytes_in = 0,
             bytes_out = 0;
  };
  Counts counts() const;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace offramp::io::http
