// RawClient: a socket that sends exactly the bytes a test says and takes answers apart, for tests.
//
// One thread. Every wait ends after kPatience, so that a server that does not answer fails the test
// instead of hanging it.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <string>
#include <string_view>

#include "base/ascii.h"
#include "io/http/text.h"

namespace offramp::io::http {

struct RawAnswer {
  int status = 0;                              // 0: the connection ended instead
  std::map<std::string, std::string> headers;  // lower-case names
  std::string body;
  std::string header(const std::string& name) const {
    auto at = headers.find(name);
    return at == headers.end() ? "" : at->second;
  }
};

class RawClient {
 public:
  explicit RawClient(uint16_t port, int receive_buffer = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer)
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(0, ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address));
  }
  ~RawClient() { ::close(fd_); }
  RawClient(const RawClient&) = delete;

  // False when the server has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  void end_sending() { ::shutdown(fd_, SHUT_WR); }

  // The next answer; `head`: one without a body whatever its header says.
  RawAnswer answer(bool head = false) {
    RawAnswer found;
    size_t end;
    while ((end = input_.find("\r\n\r\n")) == input_.npos)
      if (!fill()) return found;
    std::string block = input_.substr(0, end + 2);
    input_.erase(0, end + 4);
    for (size_t at = block.find("\r\n") + 2; at < block.size();) {
      size_t next = block.find("\r\n", at), colon = block.find(':', at);
      std::string name = base::lowered(std::string_view(block).substr(at, colon - at));
      found.headers[name] = std::string(trimmed(block.substr(colon + 1, next - colon - 1)));
      at = next + 2;
    }
    size_t size = found.headers.count("content-length") && !head
                      ? std::stoul(found.headers["content-length"])
                      : 0;
    while (input_.size() < size)
      if (!fill()) return found;
    found.body = input_.substr(0, size);
    input_.erase(0, size);
    found.status = std::stoi(block.substr(9, 3));
    return found;
  }

  // True when the server closes without another byte.
  bool closed() { return input_.empty() && !fill() && !timed_out_; }
  // Everything up to the end of the connection.
  std::string rest() {
    while (fill()) {
    }
    return std::move(input_);
  }

 private:
  static constexpr int kPatienceMs = 20'000;

  bool fill() {
    pollfd waiting{fd_, POLLIN, 0};
    if (::poll(&waiting, 1, kPatienceMs) != 1) {
      timed_out_ = true;
      ADD_FAILURE() << "no answer in time";
      return false;
    }
    char piece[64 * 1024];
    ssize_t got = ::recv(fd_, piece, sizeof piece, 0);
    if (got <= 0) return false;
    input_.append(piece, static_cast<size_t>(got));
    return true;
  }

  int fd_ = -1;
  bool timed_out_ = false;
  std::string input_;
};

}  // namespace offramp::io::http
