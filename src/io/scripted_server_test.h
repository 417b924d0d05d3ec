// ScriptedServer: a tiny HTTP/1.1 server for tests, whose answers are a function of the request.
//
// Listens on 127.0.0.1 at a free port; one thread per connection; requests are recorded. An answer
// can be cut after some bytes, delayed or chunked. Not for production: it trusts its client.
// requests() is guarded by mutex_.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace offramp::io {

struct ScriptedRequest {
  std::string method, target, body;
  std::map<std::string, std::string> headers;  // lower-case names
  std::string header(const std::string& name) const {
    auto at = headers.find(name);
    return at == headers.end() ? "" : at->second;
  }
};

struct ScriptedAnswer {
  int status = 200;
  std::string body;
  std::vector<std::string> headers;
  std::optional<size_t> cut_after;  // send only this much of the body, then close
  std::chrono::milliseconds delay{0};
  enum class Framing { kLength, kChunked } framing = Framing::kLength;
};

class ScriptedServer {
 public:
  using Handler = std::function<ScriptedAnswer(const ScriptedRequest& request, size_t index)>;

  explicit ScriptedServer(Handler handler) : handler_(std::move(handler)) {
    listen_fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      std::abort();
    socklen_t size = sizeof address;
    ::getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    ::listen(listen_fd_, 64);
    acceptor_ = std::jthread([this](std::stop_token stop) { accept_loop(stop); });
  }
  ~ScriptedServer() {
    acceptor_.request_stop();
    ::shutdown(listen_fd_, SHUT_RDWR);
    acceptor_.join();
    ::close(listen_fd_);
    {
      std::lock_guard lock(mutex_);
      for (int fd : open_fds_) ::shutdown(fd, SHUT_RDWR);
    }
    connections_.clear();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<ScriptedRequest> requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void accept_loop(std::stop_token stop) {
    while (!stop.stop_requested()) {
      int fd = ::accept(listen_fd_, nullptr, nullptr);
      if (fd < 0) continue;
      {
        std::lock_guard lock(mutex_);
        open_fds_.push_back(fd);
      }
      connections_.emplace_back([this, fd] { serve(fd); });
    }
  }

  void serve(int fd) {
    std::string input;
    while (auto request = read_request(fd, input)) {
      size_t index;
      {
        std::lock_guard lock(mutex_);
        index = requests_.size();
        requests_.push_back(*request);
      }
      ScriptedAnswer answer = handler_(*request, index);
      std::this_thread::sleep_for(answer.delay);
      if (!write_answer(fd, *request, answer)) break;
    }
    std::lock_guard lock(mutex_);
    std::erase(open_fds_, fd);
    ::close(fd);
  }

  static bool fill(int fd, std::string& input) {
    char piece[16 * 1024];
    ssize_t got = ::recv(fd, piece, sizeof piece, 0);
    if (got <= 0) return false;
    input.append(piece, static_cast<size_t>(got));
    return true;
  }

  static std::optional<ScriptedRequest> read_request(int fd, std::string& input) {
    size_t end;
    while ((end = input.find("\r\n\r\n")) == input.npos)
      if (!fill(fd, input)) return std::nullopt;
    ScriptedRequest request;
    size_t line_end = input.find("\r\n");
    std::string first = input.substr(0, line_end);
    request.method = first.substr(0, first.find(' '));
    request.target = first.substr(request.method.size() + 1);
    request.target.resize(request.target.rfind(' '));
    for (size_t at = line_end + 2; at < end;) {
      size_t next = input.find("\r\n", at);
      std::string line = input.substr(at, next - at);
      at = next + 2;
      size_t colon = line.find(':');
      if (colon == line.npos) continue;
      std::string name = line.substr(0, colon), value = line.substr(colon + 1);
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      value.erase(0, value.find_first_not_of(' '));
      request.headers[name] = value;
    }
    input.erase(0, end + 4);
    size_t length =
        request.headers.count("content-length") ? std::stoul(request.headers["content-length"]) : 0;
    while (input.size() < length)
      if (!fill(fd, input)) return std::nullopt;
    request.body = input.substr(0, length);
    input.erase(0, length);
    return request;
  }

  static bool write_answer(int fd, const ScriptedRequest& request, const ScriptedAnswer& answer) {
    std::string out = "HTTP/1.1 " + std::to_string(answer.status) + " Scripted\r\n";
    for (const std::string& header : answer.headers) out += header + "\r\n";
    std::string body = request.method == "HEAD" ? "" : answer.body;
    if (answer.framing == ScriptedAnswer::Framing::kChunked) {
      out += "transfer-encoding: chunked\r\n\r\n";
      constexpr size_t kChunk = 1000;
      char size[32];
      for (size_t at = 0; at < body.size(); at += kChunk) {
        std::string piece = body.substr(at, kChunk);
        std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
        out += size + piece + "\r\n";
      }
      out += "0\r\n\r\n";
    } else {
      out += "content-length: " + std::to_string(answer.body.size()) + "\r\n\r\n";
      if (answer.cut_after) body.resize(std::min(body.size(), *answer.cut_after));
      out += body;
    }
    for (size_t at = 0; at < out.size();) {
      ssize_t sent = ::send(fd, out.data() + at, out.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      at += static_cast<size_t>(sent);
    }
    if (answer.cut_after) {
      ::shutdown(fd, SHUT_RDWR);
      return false;
    }
    return true;
  }

  const Handler handler_;
  int listen_fd_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<ScriptedRequest> requests_;  // guarded by mutex_
  std::vector<int> open_fds_;              // guarded by mutex_
  std::vector<std::jthread> connections_;  // acceptor_ only
  std::jthread acceptor_;
};

}  // namespace offramp::io
