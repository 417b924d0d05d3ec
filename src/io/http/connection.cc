#include "io/http/connection.h"

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <type_traits>

#include "base/ascii.h"
#include "io/http/request_parser.h"
#include "io/http/text.h"

namespace offramp::io::http {
namespace {

namespace asio = boost::asio;
using AsioError = boost::system::error_code;

constexpr int kRequestsAtOnce = 16;        // of a pipelining client, before others have their turn
constexpr int64_t kLingerMs = 3'000;       // for a client to read its last answer
constexpr size_t kLingerBytes = 64 << 20;  // and to send what it had begun to send
constexpr size_t kLargeBytes = 1 << 20;    // counted against held_bytes_max
constexpr size_t kPendingKept = 64 << 10;
constexpr size_t kWriteProgressBytes = 32 << 10;  // a deadline, at least

template <class Stream>
class Connection : public Watched,
                   public Client,
                   public std::enable_shared_from_this<Connection<Stream>> {
  static constexpr bool kTls = !std::is_same_v<Stream, Socket>;

 public:
  template <class... Tls>
  Connection(Core& core, Loop& loop, Socket socket, Tls&... tls)
      : core_(core),
        loop_(loop),
        remote_(remote_of(socket)),
        stream_(std::move(socket), tls...),
        parser_(core.options.header_bytes_max, core.options.body_bytes_max) {
    fd_ = stream_.lowest_layer().native_handle();
    loop_.connected();
  }
  ~Connection() override {
    loop_.disconnected();
    core_.held_bytes -= counted_;
    core_.remove(this);
  }

  void start() {
    if constexpr (kTls) {
      due_in(core_.options.header_timeout.count());
      stream_.async_handshake(asio::ssl::stream_base::server,
                              [self = this->shared_from_this()](AsioError error) {
                                if (!error) self->read();
                              });
    } else {
      read();
    }
  }

 private:
  using Progress = RequestParser::Progress;

  static std::string remote_of(Socket& socket) {
    AsioError error;
    auto peer = socket.remote_endpoint(error);
    if (error) return {};
    std::string address = peer.address().to_string();
    if (peer.address().is_v6()) address = "[" + address + "]";
    return address + ":" + std::to_string(peer.port());
  }

  void due_in(int64_t ms) { deadline_ms.store(now_ms() + ms, std::memory_order_relaxed); }

  // The deadline of a header block or a body runs from its beginning, not from the last byte.
  void read() {
    const ServerOptions& options = core_.options;
    Reading reading = parser_.header_done() ? Reading::kBody
                      : parser_.begun()     ? Reading::kHeader
                                            : Reading::kNothing;
    if (reading != reading_) {
      reading_ = reading;
      due_in((reading == Reading::kBody     ? options.body_timeout
              : reading == Reading::kHeader ? options.header_timeout
                                            : options.idle_timeout)
                 .count());
      phase = reading == Reading::kNothing ? Phase::kIdle : Phase::kBusy;
      // drain() may have looked at the phase before it was set.
      if (reading == Reading::kNothing && core_.draining) take_no_more();
    }
    auto room = parser_.prepare();
    stream_.async_read_some(asio::buffer(room.data(), room.size()),
                            [self = this->shared_from_this()](AsioError error, size_t size) {
                              self->loop_.woken();
                              if (error) return self->end();
                              self->core_.bytes_in.fetch_add(size, std::memory_order_relaxed);
                              self->parser_.commit(size);
                              self->advance();
                            });
  }

  // Handles what has arrived, until it has to wait for the socket.
  void advance() {
    for (int handled = 0;; ++handled) {
      switch (parser_.parse()) {
        case Progress::kMore:
          if (!count_held()) return refuse(503);
          if (parser_.take_expects_continue()) return write_continue();
          return read();
        case Progress::kMalformed:
          return refuse(400);
        case Progress::kTooLarge:
          return refuse(413);
        case Progress::kRequest:
          break;
      }
      if (handled == kRequestsAtOnce) {
        asio::post(stream_.get_executor(), [self = this->shared_from_this()] { self->advance(); });
        return;
      }
      deadline_ms.store(INT64_MAX, std::memory_order_relaxed);
      phase = Phase::kBusy;
      reading_ = Reading::kAnswer;
      if (!loop_.handle(this->shared_from_this()) || !goes_on_) return;
    }
  }

  void handled() override {
    if (goes_on_) advance();
  }

  void handle(RequestWorker& worker) override {
    try {
      goes_on_ = respond(worker);
    } catch (...) {  // memory: the client sees its connection end
      goes_on_ = false;
      cut();
    }
  }

  // True when the answer is sent and the next request can be looked for.
  bool respond(RequestWorker& worker) {
    Request& request = parser_.request();
    if (int status = decode(request, worker.body); status != 0) {
      refuse(status);
      return false;
    }
    request.remote = remote_;
    Response& response = worker.response;
    response.status = 200;
    response.content_type = "application/x-amz-json-1.0";
    response.headers.clear();
    response.body.clear();
    response.add_crc32 = response.close = false;
    try {
      worker.handler->handle(request, response);
    } catch (...) {  // memory; a handler's own errors are answers
      response = Response{.status = 500, .close = true};
    }
    core_.requests.fetch_add(1, std::memory_order_relaxed);
    AnswerTo to;
    to.http_1_0 = parser_.http_1_0();
    to.head = request.method == "HEAD";
    to.keep_alive = parser_.keep_alive() && !response.close && !core_.draining;
    to.gzip = response.body.size() >= core_.options.answer_gzip_bytes_min &&
              accepts_gzip(request.header("accept-encoding"));
    loop_.answer.make(response, to, core_.options.answer_gzip_bytes_min);
    last_ = !to.keep_alive;
    parser_.next();
    count_held();
    return send();
  }

  // 0, or the status of the refusal.
  int decode(Request& request, ByteBuffer& inflated) {
    std::string_view encoding = request.header("content-encoding");
    if (encoding.empty() || base::same_letters(encoding, "identity")) return 0;
    if (!base::same_letters(encoding, "gzip")) return 400;
    switch (loop_.gunzip.run(request.raw_body, core_.options.body_bytes_max, inflated)) {
      case Gunzip::Outcome::kDamaged:
        return 400;
      case Gunzip::Outcome::kTooLarge:
        return 413;
      case Gunzip::Outcome::kDone:
        break;
    }
    request.body = inflated.view();
    return 0;
  }

  void refuse(int status) {
    core_.refused.fetch_add(1, std::memory_order_relaxed);
    loop_.refusal = Response{.status = status, .content_type = ""};
    if (core_.options.refuse) core_.options.refuse(status, loop_.refusal);
    loop_.answer.make(loop_.refusal, {.keep_alive = false}, SIZE_MAX);
    last_ = unread_ = true;
    parser_.next();
    count_held();
    send();
  }

  // True when all is sent and the connection goes on.
  bool send() {
    std::string_view head = loop_.answer.head(), body = loop_.answer.body();
    core_.bytes_out.fetch_add(head.size() + body.size(), std::memory_order_relaxed);
    size_t sent = 0;
    if constexpr (!kTls) {
      AsioError error;
      if (body.empty()) {
        sent = stream_.write_some(asio::buffer(head), error);
      } else {
        std::array<asio::const_buffer, 2> pieces{asio::buffer(head), asio::buffer(body)};
        sent = stream_.write_some(pieces, error);
      }
      if (error && error != asio::error::would_block) return false;
      if (sent == head.size() + body.size()) {
        if (!last_) return true;
        linger();
        return false;
      }
    }
    pending_.clear();
    if (sent < head.size()) pending_.append(head.substr(sent));
    pending_.append(body.substr(sent < head.size() ? 0 : sent - head.size()));
    if (!count_held()) return false;  // no room to keep it for the client: the connection ends
    due_in(core_.options.write_timeout.count());
    write_pending();
    return false;
  }

  void write_continue() {
    pending_.assign("HTTP/1.1 100 Continue\r\n\r\n");
    due_in(core_.options.write_timeout.count());
    write_pending();
  }

  // The deadline is moved when a fair piece went: a client that reads slowly is not cut, one that
  // reads next to nothing is.
  void write_pending() {
    reading_ = Reading::kAnswer;
    stream_.async_write_some(asio::buffer(pending_.data() + written_, pending_.size() - written_),
                             [self = this->shared_from_this()](AsioError error, size_t size) {
                               if (error) return;
                               self->written_ += size;
                               self->moved_ += size;
                               if (self->moved_ >= kWriteProgressBytes) {
                                 self->moved_ = 0;
                                 self->due_in(self->core_.options.write_timeout.count());
                               }
                               if (self->written_ < self->pending_.size())
                                 return self->write_pending();
                               self->written_ = 0;
                               self->pending_.clear();
                               if (self->pending_.capacity() > kPendingKept)
                                 std::string().swap(self->pending_);
                               if (self->last_) return self->linger();
                               self->advance();
                             });
  }

  // The client closed, or there was an error: nothing to say any more.
  void end() {
    if constexpr (kTls) {
      due_in(kLingerMs);
      stream_.async_shutdown([self = this->shared_from_this()](AsioError) {});
    }
  }

  // After the last answer: a socket closed with unread bytes resets the connection, and the client
  // may lose the answer. So what is known to be still coming is read first, within bounds.
  void linger() {
    due_in(kLingerMs);
    if constexpr (kTls) {
      stream_.async_shutdown([self = this->shared_from_this()](AsioError) {});
    } else {
      AsioError ignored;
      stream_.shutdown(Socket::shutdown_send, ignored);
      if (unread_ || parser_.begun()) drop();
    }
  }
  void drop() {
    pending_.resize(kPendingKept);
    stream_.async_read_some(asio::buffer(pending_),
                            [self = this->shared_from_this()](AsioError error, size_t size) {
                              self->dropped_ += size;
                              if (!error && self->dropped_ < kLingerBytes) self->drop();
                            });
  }

  // Counts a large body and a large answer that waits for its client against what all of them may
  // take; false when that is exceeded.
  bool count_held() {
    size_t held = 0;
    for (size_t bytes : {parser_.body_bytes_held(), pending_.capacity()})
      if (bytes >= kLargeBytes) held += bytes;
    if (held == counted_) return true;
    size_t all = core_.held_bytes += held - counted_;
    counted_ = held;
    return all <= core_.options.held_bytes_max;
  }

  enum class Reading : uint8_t { kNew, kNothing, kHeader, kBody, kAnswer };

  Core& core_;
  Loop& loop_;
  const std::string remote_;
  Stream stream_;
  RequestParser parser_;
  Reading reading_ = Reading::kNew;
  bool goes_on_ = false;  // the newest answer is sent, and it was not the last
  bool last_ = false;     // the answer that is written is the last one
  bool unread_ = false;   // a request was refused before all of it was read
  size_t counted_ = 0, written_ = 0, moved_ = 0, dropped_ = 0;
  std::string pending_;
};

}  // namespace

std::function<void()> make_connection(Core& core, Loop& loop, Socket socket) {
  auto connection = std::make_shared<Connection<Socket>>(core, loop, std::move(socket));
  core.add(connection);
  return [connection] { connection->start(); };
}

std::function<void()> make_tls_connection(Core& core, Loop& loop, Socket socket,
                                          asio::ssl::context& tls) {
  auto connection =
      std::make_shared<Connection<asio::ssl::stream<Socket>>>(core, loop, std::move(socket), tls);
  core.add(connection);
  return [connection] { connection->start(); };
}

}  // namespace offramp::io::http
