// RequestParser: the bytes of one connection, cut into HTTP/1.1 requests.
//
// What is true:
// - Boost.Beast's parser decides what a request is; what it leaves open is refused here: a header
//   block longer than the limit, folded lines, other transfer codings than chunked, HTTP/1.1 with
//   no or several Host lines.
// - The views of request() lie in this object and are good until next().
// - Memory: a header block is held whole (at most header_bytes_max), a body whole (at most
//   body_bytes_max), beside them one read's worth. Memory grows with what has arrived, never with
//   what a header promises, and what a large request took is given back by next().
// One thread at a time; no I/O, no clock.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "io/http/byte_buffer.h"
#include "io/http/server.h"

namespace offramp::io::http {

class RequestParser {
 public:
  RequestParser(size_t header_bytes_max, size_t body_bytes_max);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Where the next bytes from the wire go, never empty; then how many came.
  std::span<char> prepare();
  void commit(size_t size);

  enum class Progress {
    kMore,       // not yet a whole request
    kRequest,    // request() is whole
    kMalformed,  // nothing more can be read from this connection
    kTooLarge,   // neither: the body is, or is said to be, larger than the limit
  };
  Progress parse();

  // A request has begun to arrive; its header block is whole.
  bool begun() const { return end_ > begin_ || header_done_; }
  bool header_done() const { return header_done_; }
  // The client waits for "100 Continue" before it sends the body. True once.
  bool take_expects_continue();
  size_t body_bytes_held() const { return body_.capacity(); }

  // After kRequest. `body` is set as `raw_body` is: what was sent.
  Request& request() { return request_; }
  bool keep_alive() const { return keep_alive_; }
  bool http_1_0() const { return http_1_0_; }
  // Drops the request; what came behind it stays.
  void next();

 private:
  class Beast;
  struct Slot;
  Progress find_header();
  bool holds(const char* at) const;
  void resize(size_t capacity);

  const size_t header_bytes_max_, body_bytes_max_;
  ByteBuffer in_;          // [begin_, end_): the request's header block and what came behind it
  size_t begin_ = 0;       // where the request's first byte is
  size_t searched_ = 0;    // no end of the header block begins before
  size_t header_end_ = 0;  // behind the header block, once header_done_
  size_t parsed_ = 0;      // up to here Beast has taken the bytes
  size_t end_ = 0;         // behind the last byte that came
  bool header_done_ = false, keep_alive_ = false, http_1_0_ = false;
  bool expects_continue_ = false;
  ByteBuffer body_;
  Request request_;
  std::unique_ptr<Slot> slot_;
};

}  // namespace offramp::io::http
