#include "io/http/request_parser.h"

#include <boost/beast/http/basic_parser.hpp>
#include <cstring>
#include <optional>

#include "base/ascii.h"
#include "base/assert.h"
#include "io/http/text.h"

namespace offramp::io::http {
namespace {

namespace beast = boost::beast::http;
using BeastError = boost::beast::error_code;
using BeastView = boost::beast::string_view;

constexpr size_t kFirstBytes = 4 << 10;      // most requests fit
constexpr size_t kReadBytes = 64 << 10;      // what is read at once of a larger one
constexpr size_t kKeptBytes = 16 << 10;      // an idle connection's buffer is not larger
constexpr size_t kKeptBodyBytes = 64 << 10;  // neither is its body's

std::string_view plain(BeastView text) { return {text.data(), text.size()}; }

}  // namespace

// Beast's parser with the callbacks it asks for; a new one for each request.
class RequestParser::Beast : public beast::basic_parser<true> {
 public:
  explicit Beast(RequestParser& owner) : owner_(owner) {
    eager(true);
    header_limit(static_cast<uint32_t>(owner.header_bytes_max_) + 1);
    body_limit(owner.body_bytes_max_);
  }

 private:
  void on_request_impl(beast::verb, BeastView method, BeastView target, int version,
                       BeastError&) override {
    owner_.request_.method = plain(method);
    owner_.request_.target = plain(target);
    owner_.http_1_0_ = version == 10;
  }
  void on_field_impl(beast::field field, BeastView name, BeastView value,
                     BeastError& error) override {
    if (owner_.header_done_) return;  // trailers say nothing that is of use here
    // A folded line's value is put together elsewhere and would not outlive this call.
    if (!value.empty() && !owner_.holds(value.data())) {
      error = beast::error::bad_value;
      return;
    }
    owner_.request_.headers.emplace_back(plain(name), plain(value));
    if (field == beast::field::host) {
      ++hosts_;
    } else if (field == beast::field::transfer_encoding) {
      if (!base::same_letters(trimmed(plain(value)), "chunked"))
        error = beast::error::bad_transfer_encoding;
    } else if (field == beast::field::expect) {
      owner_.expects_continue_ = base::same_letters(trimmed(plain(value)), "100-continue");
    }
  }
  void on_header_impl(BeastError& error) override {
    owner_.header_done_ = true;
    if (hosts_ > 1 || (hosts_ == 0 && !owner_.http_1_0_)) error = beast::error::bad_field;
  }
  void on_body_init_impl(const boost::optional<uint64_t>&, BeastError&) override {}
  size_t on_body_impl(BeastView bytes, BeastError& error) override {
    if (owner_.body_.size() + bytes.size() > owner_.body_bytes_max_) {
      error = beast::error::body_limit;
      return 0;
    }
    owner_.body_.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_chunk_header_impl(uint64_t, BeastView, BeastError&) override {}
  size_t on_chunk_body_impl(uint64_t, BeastView bytes, BeastError& error) override {
    return on_body_impl(bytes, error);
  }
  void on_response_impl(int, BeastView, int, BeastError&) override {}
  void on_finish_impl(BeastError&) override {}

  RequestParser& owner_;
  int hosts_ = 0;
};

struct RequestParser::Slot {
  std::optional<Beast> beast;
};

RequestParser::RequestParser(size_t header_bytes_max, size_t body_bytes_max)
    : header_bytes_max_(header_bytes_max),
      body_bytes_max_(body_bytes_max),
      slot_(std::make_unique<Slot>()) {
  in_.reserve(kFirstBytes);
}

RequestParser::~RequestParser() = default;

bool RequestParser::holds(const char* at) const {
  return at >= in_.data() && at < in_.data() + end_;
}

std::span<char> RequestParser::prepare() {
  if (!header_done_) {
    if (begin_ > 0) {
      std::memmove(in_.data(), in_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      searched_ -= begin_;
      parsed_ = begin_ = 0;
    }
    if (end_ == in_.capacity()) resize(in_.capacity() * 2);
  } else {
    // What Beast has taken of the body is in body_.
    std::memmove(in_.data() + header_end_, in_.data() + parsed_, end_ - parsed_);
    end_ = header_end_ + (end_ - parsed_);
    parsed_ = header_end_;
    // Twice: a line between chunks may be as long as a header block.
    if (in_.capacity() - end_ < kReadBytes / 2) resize(end_ + kReadBytes);
  }
  return {in_.data() + end_, in_.capacity() - end_};
}

void RequestParser::resize(size_t capacity) {
  const char* from = in_.data();
  in_.set_size(end_);
  in_.reserve(capacity);
  if (!header_done_) return;
  auto moved = [&](std::string_view& view) {
    if (!view.empty()) view = {in_.data() + (view.data() - from), view.size()};
  };
  moved(request_.method);
  moved(request_.target);
  for (auto& [name, value] : request_.headers) {
    moved(name);
    moved(value);
  }
}

void RequestParser::commit(size_t size) {
  ASSERT(size <= in_.capacity() - end_);
  end_ += size;
}

// Beast is given a header block only when it is whole: it counts the limit anew for each piece.
RequestParser::Progress RequestParser::find_header() {
  // Empty lines before a request line are to be ignored (RFC 9112, 2.2).
  while (end_ - begin_ >= 2 && in_.data()[begin_] == '\r' && in_.data()[begin_ + 1] == '\n')
    begin_ += 2;
  searched_ = std::max(searched_, begin_);
  parsed_ = begin_;
  size_t last = std::min(end_, begin_ + header_bytes_max_);
  if (last > searched_) {
    const void* found = ::memmem(in_.data() + searched_, last - searched_, "\r\n\r\n", 4);
    if (found) {
      header_end_ = static_cast<size_t>(static_cast<const char*>(found) - in_.data()) + 4;
      return Progress::kRequest;
    }
    searched_ = std::max(searched_, last - std::min<size_t>(last, 3));
  }
  return end_ - begin_ >= header_bytes_max_ ? Progress::kMalformed : Progress::kMore;
}

RequestParser::Progress RequestParser::parse() {
  if (!header_done_) {
    if (Progress found = find_header(); found != Progress::kRequest) return found;
    request_.headers.clear();
    body_.set_size(0);
    slot_->beast.emplace(*this);
  }
  Beast& beast = *slot_->beast;
  BeastError error;
  while (!beast.is_done() && parsed_ < end_) {
    size_t taken =
        beast.put(boost::asio::const_buffer(in_.data() + parsed_, end_ - parsed_), error);
    parsed_ += taken;
    if (error || taken == 0) break;
  }
  if (error && error != beast::error::need_more) {
    return error == beast::error::body_limit ? Progress::kTooLarge : Progress::kMalformed;
  }
  if (!beast.is_done()) {
    // A line between chunks that does not end.
    if (header_done_ && end_ - parsed_ > header_bytes_max_) return Progress::kMalformed;
    return header_done_ ? Progress::kMore : Progress::kMalformed;
  }
  keep_alive_ = beast.keep_alive();
  if (body_.capacity() == 0) body_.reserve(kBodyPadding);
  request_.raw_body = request_.body = body_.view();
  return Progress::kRequest;
}

bool RequestParser::take_expects_continue() {
  bool expects = expects_continue_ && header_done_ && !http_1_0_ && body_.size() == 0;
  expects_continue_ = false;
  return expects;
}

void RequestParser::next() {
  header_done_ = expects_continue_ = false;
  begin_ = searched_ = parsed_;
  if (begin_ == end_) {
    begin_ = searched_ = parsed_ = end_ = 0;
    if (in_.capacity() > kKeptBytes) {
      in_.release();
      in_.reserve(kFirstBytes);
    }
  }
  if (body_.capacity() > kKeptBodyBytes) body_.release();
  body_.set_size(0);
}

}  // namespace offramp::io::http
