#include "endpoint/endpoint.h"

#include <fmt/format.h>

#include <atomic>

#include "endpoint/protocol_handler.h"

namespace offramp::endpoint {
namespace {

Error config(std::string_view code, std::string message) {
  return Error(ErrorKind::kConfig, fmt::format("endpoint.{}", code), std::move(message));
}

bool loopback_address(std::string_view address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

}  // namespace

struct Endpoint::Impl {
  ProtocolHandler::Shared shared;
  std::function<Result<std::unique_ptr<Executor>>()> make_executor;
  std::atomic<io::http::Server*> server_at{nullptr};  // for requests that come while it starts
  std::unique_ptr<io::http::Server> server;           // below what its handlers use
};

Endpoint::Endpoint(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Endpoint::~Endpoint() = default;

Result<std::unique_ptr<Endpoint>> Endpoint::start(
    EndpointOptions options, std::function<Result<std::unique_ptr<Executor>>()> make_executor) {
  if (options.any_key && !loopback_address(options.http.address))
    return config("any_key",
                  fmt::format("any access key can be accepted only where no other machine can "
                              "connect, not at {}; listen at 127.0.0.1, or give a file of keys",
                              options.http.address));
  if (!options.any_key && options.keys.empty())
    return config("keys", "no access key is given, so that every request would be refused");
  auto impl = std::make_unique<Impl>();
  impl->make_executor = std::move(make_executor);
  ProtocolHandler::Shared& shared = impl->shared;
  shared.options = std::move(options);
  // Asked by a request, and so after start() has returned the server or is about to.
  shared.counts = [impl = impl.get()] {
    io::http::Server* server = impl->server_at.load();
    return server ? server->counts() : io::http::Server::Counts{};
  };
  io::http::ServerOptions http = shared.options.http;
  http.refuse = refuse_unread;
  impl->server = TRY(io::http::Server::start(
      std::move(http), [impl = impl.get()]() -> Result<std::unique_ptr<io::http::Handler>> {
        auto executor = TRY(impl->make_executor());
        return std::unique_ptr<io::http::Handler>(
            std::make_unique<ProtocolHandler>(impl->shared, std::move(executor)));
      }));
  impl->server_at = impl->server.get();
  return std::unique_ptr<Endpoint>(new Endpoint(std::move(impl)));
}

uint16_t Endpoint::port() const { return impl_->server->port(); }
void Endpoint::stop(std::chrono::milliseconds grace) { impl_->server->stop(grace); }

}  // namespace offramp::endpoint
