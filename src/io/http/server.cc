// Server: listening, the threads, the watch, and the way down.
//
// Each thread runs a loop of its own; a new connection goes to the one that has the fewest. The
// watch has a thread of its own and works even when all others block.
#include "io/http/server.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <thread>

#include "base/ascii.h"
#include "base/assert.h"
#include "io/http/connection.h"
#include "io/http/text.h"

namespace offramp::io::http {
namespace {

namespace asio = boost::asio;
using AsioError = boost::system::error_code;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;

constexpr int kThreadsMax = 8;                         // by default
constexpr std::chrono::milliseconds kAcceptPause{50};  // when there is no file descriptor left

Error config(std::string code, std::string message) {
  return Error(ErrorKind::kConfig, "http." + std::move(code), std::move(message));
}

Result<asio::ip::tcp::endpoint> endpoint_of(const ServerOptions& options) {
  AsioError error;
  auto address =
      asio::ip::make_address(options.address == "localhost" ? "127.0.0.1" : options.address, error);
  if (error)
    return config("address", fmt::format("{} is no IP address; give one of this machine, such as "
                                         "127.0.0.1, or 0.0.0.0 for all",
                                         options.address));
  return asio::ip::tcp::endpoint(address, options.port);
}

Result<std::unique_ptr<asio::ssl::context>> tls_of(const ServerOptions& options) {
  const std::string &certificate = options.tls_certificate_file, &key = options.tls_key_file;
  if (certificate.empty() && key.empty()) return std::unique_ptr<asio::ssl::context>();
  if (certificate.empty() || key.empty())
    return config("tls", "TLS needs both a certificate file and its key file");
  AsioError error;
  auto tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(tls->native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(tls->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  tls->use_certificate_chain_file(certificate, error);
  if (error)
    return config("tls", fmt::format("{}: cannot be used as a TLS certificate: {}; give a PEM file",
                                     certificate, error.message()));
  tls->use_private_key_file(key, asio::ssl::context::pem, error);
  if (!error && SSL_CTX_check_private_key(tls->native_handle()) != 1)
    return config("tls",
                  fmt::format("{}: is not the key of the certificate in {}", key, certificate));
  if (error)
    return config("tls", fmt::format("{}: cannot be used as a TLS key: {}; give a PEM file", key,
                                     error.message()));
  return tls;
}

std::chrono::milliseconds tick_of(const ServerOptions& options) {
  auto shortest = std::min(
      {options.header_timeout, options.body_timeout, options.idle_timeout, options.write_timeout});
  return std::clamp(shortest / 4, std::chrono::milliseconds(5), std::chrono::milliseconds(500));
}

}  // namespace

std::string_view Request::header(std::string_view name) const {
  for (const auto& [has, value] : headers)
    if (base::same_letters(has, name)) return value;
  return {};
}

struct Server::Impl {
  Impl(ServerOptions options, Loop::MakeHandler make)
      : core(std::move(options)),
        make_handler(std::move(make)),
        loops(make_loops()),
        acceptor(loops[0]->context()),
        pause(loops[0]->context()) {}

  Core core;
  const Loop::MakeHandler make_handler;
  std::unique_ptr<asio::ssl::context> tls;
  std::atomic<size_t> connections{0};
  // Above them what connections refer to: they destroy those left over.
  const std::vector<std::unique_ptr<Loop>> loops;
  Acceptor acceptor;  // of the first loop, as is `pause`
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>, Executor>
      pause;
  uint16_t port = 0;
  std::vector<std::jthread> threads;
  std::mutex watch_mutex;
  std::condition_variable_any watch_wakes;
  std::jthread watch;
  bool stopped = false;  // of the owner's thread

  std::vector<std::unique_ptr<Loop>> make_loops() {
    int threads = core.options.threads;
    if (threads <= 0)
      threads = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kThreadsMax);
    const size_t workers = static_cast<size_t>(std::max(1, core.options.handlers_max / threads));
    std::vector<std::unique_ptr<Loop>> made;
    for (int i = 0; i < threads; ++i)
      made.push_back(std::make_unique<Loop>(make_handler, workers, connections));
    return made;
  }

  Status listen(const asio::ip::tcp::endpoint& at) {
    AsioError error;
    acceptor.open(at.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(at, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      return config("listen",
                    fmt::format("cannot listen at {}:{}: {}; give an address of this "
                                "machine and a port that is free",
                                core.options.address, core.options.port, error.message()));
    port = acceptor.local_endpoint(error).port();
    return {};
  }

  Loop& emptiest() const {
    return **std::min_element(loops.begin(), loops.end(), [](const auto& a, const auto& b) {
      return a->connections() < b->connections();
    });
  }

  void accept() {
    Loop& loop = emptiest();
    acceptor.async_accept(loop.context(), [this, &loop](AsioError error, Socket socket) {
      if (error == asio::error::operation_aborted || core.draining) return;
      if (!error) {
        take(loop, std::move(socket));
        return accept();
      }
      // No descriptor or memory left: accepting again at once would spin.
      pause.expires_after(kAcceptPause);
      pause.async_wait([this](AsioError waited) {
        if (!waited) accept();
      });
    });
  }

  void take(Loop& loop, Socket socket) {
    AsioError error;
    core.connections.fetch_add(1, std::memory_order_relaxed);
    socket.set_option(asio::ip::tcp::no_delay(true), error);
    socket.non_blocking(true, error);
    if (error) return;
    if (core.open() >= core.options.connections_max) {
      core.refused.fetch_add(1, std::memory_order_relaxed);
      if (!tls)
        socket.write_some(asio::buffer(std::string_view(
                              "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
                              "Connection: close\r\n\r\n")),
                          error);
      return;
    }
    asio::dispatch(loop.context(), tls ? make_tls_connection(core, loop, std::move(socket), *tls)
                                       : make_connection(core, loop, std::move(socket)));
  }

  void start_threads() {
    for (const auto& loop : loops)
      threads.emplace_back([at = loop.get()] {
        ::pthread_setname_np(::pthread_self(), "http");
        at->run();
      });
    watch = std::jthread([this](std::stop_token stop) {
      std::unique_lock lock(watch_mutex);
      const auto tick = tick_of(core.options);
      while (!watch_wakes.wait_for(lock, stop, tick, [&] { return stop.stop_requested(); }))
        core.sweep();
    });
  }

  void stop(std::chrono::milliseconds grace) {
    if (std::exchange(stopped, true)) return;
    core.drain();
    asio::post(loops[0]->context(), [this] {
      AsioError ignored;
      acceptor.close(ignored);
      pause.cancel();
    });
    if (!core.wait_closed(grace)) core.cut_all();
    for (const auto& loop : loops) loop->finish();
    watch.request_stop();
    threads.clear();
    core.cut_all();  // also those that their loops had not started
    if (watch.joinable()) watch.join();
  }
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { impl_->stop(std::chrono::milliseconds(0)); }

Result<std::unique_ptr<Server>> Server::start(
    ServerOptions options, std::function<Result<std::unique_ptr<Handler>>()> make_handler) {
  const auto at = TRY(endpoint_of(options));
  auto impl = std::make_unique<Impl>(std::move(options), std::move(make_handler));
  impl->tls = TRY(tls_of(impl->core.options));
  TRY(impl->listen(at));
  for (const auto& loop : impl->loops) TRY(loop->start());
  impl->accept();
  impl->start_threads();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

uint16_t Server::port() const { return impl_->port; }
void Server::stop(std::chrono::milliseconds grace) { impl_->stop(grace); }

Server::Counts Server::counts() const {
  const Core& core = impl_->core;
  return {.connections = core.connections,
          .connections_open = core.open(),
          .requests = core.requests,
          .refused = core.refused,
          .bytes_in = core.bytes_in,
          .bytes_out = core.bytes_out};
}

}  // namespace offramp::io::http
