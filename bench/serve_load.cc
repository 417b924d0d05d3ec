// Load on an HTTP server: requests made beforehand, on connections that stay open, one at a time on
// each.
//
//   bench_serve_load PORT CONNECTIONS SECONDS FILE [START]
// FILE holds whole HTTP/1.1 requests (signed or not), each behind its length as eight decimal
// digits; they are sent in turn, from a different place for each connection (START requests further
// on), until the time is over. Every answer must be a 200. Prints JSON: how many requests in how
// many seconds, and the latencies' 50th and 99th percentile in microseconds. One thread, epoll.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <vector>

#include "program.h"

namespace offramp::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kLengthDigits = 8;
constexpr size_t kReadBytes = 256 * 1024;

size_t number(std::string_view text, int base) {
  size_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value, base).ec != std::errc{}) {
    die("no number: " + std::string(text));
  }
  return value;
}

std::vector<std::string_view> cut(std::string_view file) {
  std::vector<std::string_view> requests;
  while (!file.empty()) {
    if (file.size() < kLengthDigits) die("the file of requests is cut");
    size_t length = number(file.substr(0, kLengthDigits), 10);
    file.remove_prefix(kLengthDigits);
    if (length == 0 || file.size() < length) die("the file of requests is cut");
    requests.push_back(file.substr(0, length));
    file.remove_prefix(length);
  }
  if (requests.empty()) die("no requests");
  return requests;
}

// Where the header of that name (written small, with its line's beginning) ends; npos: not there.
size_t header(std::string_view head, std::string_view name) {
  for (size_t at = head.find("\r\n"); at != std::string_view::npos;
       at = head.find("\r\n", at + 2)) {
    std::string_view line = head.substr(at, name.size());
    bool same = std::equal(line.begin(), line.end(), name.begin(), name.end(), [](char c, char n) {
      return c == n || (c >= 'A' && c <= 'Z' && c - 'A' + 'a' == n);
    });
    if (same) return at + name.size();
  }
  return std::string_view::npos;
}

// The bytes of a whole answer at the start of `got`; 0 when more must come. Dies unless it is a
// 200.
size_t answer_bytes(std::string_view got) {
  size_t end = got.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  if (!got.starts_with("HTTP/1.1 200")) die("not a 200: " + std::string(got.substr(0, 600)));
  std::string_view head = got.substr(0, end);
  if (size_t length = header(head, "\r\ncontent-length:"); length != std::string_view::npos) {
    size_t digits = head.find_first_of("0123456789", length);
    size_t whole = end + 4 + number(head.substr(digits), 10);
    return got.size() >= whole ? whole : 0;
  }
  if (header(head, "\r\ntransfer-encoding:") == std::string_view::npos)
    die("an answer without length");
  for (size_t at = end + 4;;) {
    size_t line = got.find("\r\n", at);
    if (line == std::string_view::npos) return 0;
    size_t size = number(got.substr(at, line - at), 16);
    at = line + 2 + size + 2;
    if (at > got.size()) return 0;
    if (size == 0) return at;
  }
}

struct Connection {
  int fd = -1;
  size_t next = 0;  // the request that comes next
  std::string got;
  Clock::time_point sent;
};

class Load {
 public:
  Load(uint16_t port, size_t connections, std::vector<std::string_view> requests, size_t start)
      : requests_(std::move(requests)), connections_(connections), poll_(epoll_create1(0)) {
    for (size_t i = 0; i < connections; ++i) {
      open(connections_[i], port);
      connections_[i].next = (start + i * requests_.size() / connections) % requests_.size();
    }
    latencies_us_.reserve(1 << 22);
  }

  void run(double seconds) {
    Clock::time_point end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                               std::chrono::duration<double>(seconds));
    size_t busy = connections_.size();
    for (Connection& connection : connections_) send(connection);
    std::vector<epoll_event> events(connections_.size());
    while (busy > 0) {
      int count = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), 10'000);
      if (count <= 0) die("no answer for ten seconds");
      for (int i = 0; i < count; ++i) {
        Connection& connection = *static_cast<Connection*>(events[static_cast<size_t>(i)].data.ptr);
        if (!receive(connection)) continue;
        if (Clock::now() < end) {
          send(connection);
        } else {
          --busy;
        }
      }
    }
  }

  void print(double seconds) {
    std::sort(latencies_us_.begin(), latencies_us_.end());
    auto at = [this](double share) {
      return latencies_us_[std::min(
          latencies_us_.size() - 1,
          static_cast<size_t>(share * static_cast<double>(latencies_us_.size())))];
    };
    std::printf("{\"requests\": %zu, \"seconds\": %.6f, \"p50_us\": %u, \"p99_us\": %u}\n",
                latencies_us_.size(), seconds, at(0.5), at(0.99));
  }

 private:
  void open(Connection& connection, uint16_t port) {
    connection.fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(connection.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      die("cannot connect");
    int on = 1;
    setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
    epoll_ctl(poll_, EPOLL_CTL_ADD, connection.fd, &event);
  }

  // Requests are smaller than a socket's buffer.
  void send(Connection& connection) {
    std::string_view request = requests_[connection.next];
    connection.next = (connection.next + 1) % requests_.size();
    connection.sent = Clock::now();
    while (!request.empty()) {
      ssize_t written = write(connection.fd, request.data(), request.size());
      if (written <= 0) die("the server closed a connection");
      request.remove_prefix(static_cast<size_t>(written));
    }
  }

  // True when the answer is whole.
  bool receive(Connection& connection) {
    ssize_t count = read(connection.fd, read_.data(), read_.size());
    if (count <= 0) die("the server closed a connection");
    // Most answers come in one piece, which is looked at in place.
    std::string_view got(read_.data(), static_cast<size_t>(count));
    if (!connection.got.empty()) got = connection.got.append(got);
    size_t bytes = answer_bytes(got);
    if (bytes == 0) {
      if (connection.got.empty()) connection.got.assign(got);
      return false;
    }
    if (bytes != got.size()) die("more than an answer");
    connection.got.clear();
    latencies_us_.push_back(static_cast<uint32_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - connection.sent)
            .count()));
    return true;
  }

  std::vector<std::string_view> requests_;
  std::vector<Connection> connections_;
  int poll_;
  std::vector<uint32_t> latencies_us_;
  std::vector<char> read_ = std::vector<char>(kReadBytes);
};

}  // namespace
}  // namespace offramp::bench

int main(int argc, char** argv) {
  using namespace offramp::bench;
  if (argc != 5 && argc != 6) die("usage: bench_serve_load PORT CONNECTIONS SECONDS FILE [START]");
  std::string file = read_file(argv[4]);
  Load load(static_cast<uint16_t>(number(argv[1], 10)), std::max<size_t>(1, number(argv[2], 10)),
            cut(file), argc == 6 ? number(argv[5], 10) : 0);
  Stopwatch watch;
  load.run(std::strtod(argv[3], nullptr));
  load.print(watch.seconds());
}
