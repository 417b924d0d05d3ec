// The bytes of an answer: its header block, and the body gzipped when the client takes that.
//
// One Answer per server thread, so that memory is reused; one thread at a time.
#pragma once

#include <string>
#include <string_view>

#include "io/http/byte_buffer.h"
#include "io/http/gzip.h"
#include "io/http/server.h"

namespace offramp::io::http {

struct AnswerTo {
  bool http_1_0 = false;
  bool keep_alive = true;
  bool head = false;  // the header block of the answer only
  bool gzip = false;  // the client takes gzip
};

class Answer {
 public:
  // Makes head() and body() of `response`. They are good until the next call, or until the response
  // changes.
  void make(const Response& response, const AnswerTo& to, size_t gzip_bytes_min);
  // The header block, and behind it the body when that is small.
  std::string_view head() const { return head_; }
  // What is to be sent behind head().
  std::string_view body() const { return body_; }

 private:
  void add_date();

  Gzip gzip_;
  ByteBuffer compressed_;
  std::string head_;
  std::string_view body_;
  time_t date_second_ = 0;
  char date_[40];  // "Date: …\r\n"
  size_t date_size_ = 0;
};

std::string_view reason(int status);

}  // namespace offramp::io::http
