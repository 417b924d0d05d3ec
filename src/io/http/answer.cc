#include "io/http/answer.h"

#include <isa-l/crc.h>
#include <time.h>

#include <charconv>

namespace offramp::io::http {
namespace {

// Up to this the body is copied behind the header block: one piece is cheaper to send than two.
constexpr size_t kCopiedBytes = 16 << 10;

void append_number(std::string& out, uint64_t number) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

}  // namespace

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Request Entity Too Large";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Status";
  }
}

// SDKs take the service's clock from this header when a signature was out of time.
void Answer::add_date() {
  timespec now;
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != date_second_) {
    tm parts;
    ::gmtime_r(&now.tv_sec, &parts);
    date_size_ = ::strftime(date_, sizeof date_, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
    date_second_ = now.tv_sec;
  }
  head_.append(date_, date_size_);
}

void Answer::make(const Response& response, const AnswerTo& to, size_t gzip_bytes_min) {
  body_ = response.body;
  const bool gzipped = to.gzip && body_.size() >= gzip_bytes_min && gzip_.run(body_, compressed_);
  if (gzipped) body_ = compressed_.view();
  head_.assign("HTTP/1.1 ");
  append_number(head_, static_cast<uint64_t>(response.status));
  head_ += ' ';
  head_ += reason(response.status);
  head_ += "\r\n";
  add_date();
  if (!response.content_type.empty()) {
    head_ += "Content-Type: ";
    head_ += response.content_type;
    head_ += "\r\n";
  }
  head_ += "Content-Length: ";
  append_number(head_, body_.size());
  head_ += "\r\n";
  if (gzipped) head_ += "Content-Encoding: gzip\r\n";
  if (response.add_crc32) {
    head_ += "x-amz-crc32: ";
    append_number(head_,
                  crc32_gzip_refl(0, reinterpret_cast<const uint8_t*>(body_.data()), body_.size()));
    head_ += "\r\n";
  }
  head_ += response.headers;
  if (!to.keep_alive) {
    head_ += "Connection: close\r\n";
  } else if (to.http_1_0) {
    head_ += "Connection: keep-alive\r\n";
  }
  head_ += "\r\n";
  if (to.head) body_ = {};
  if (body_.size() <= kCopiedBytes) {
    head_ += body_;
    body_ = {};
  }
}

}  // namespace offramp::io::http
