// ProtocolHandler: one HTTP request in, one answer of the service out.
//
// The order is the service's: GET is a health check; anything but POST, or a body that is not said
// to be JSON, is no operation (404, XML); then a body that is no JSON, an unknown operation, the
// signature, and only then the executor. One per server thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "endpoint/endpoint.h"
#include "endpoint/metrics.h"
#include "endpoint/request_id.h"
#include "endpoint/sigv4.h"

namespace offramp::endpoint {

class ProtocolHandler : public io::http::Handler {
 public:
  // What all threads share; outlives the handlers.
  struct Shared {
    EndpointOptions options;
    Metrics metrics;
    std::function<io::http::Server::Counts()> counts;  // set before the first request
  };
  ProtocolHandler(Shared& shared, std::unique_ptr<Executor> executor);

  void handle(const io::http::Request& request, io::http::Response& response) override;

 private:
  // Returns the error's type, empty when it is none.
  std::string_view answer(const io::http::Request& request, io::http::Response& response,
                          size_t& operation);
  void get(const io::http::Request& request, io::http::Response& response);
  std::string_view refuse(const io::http::Request& request, io::http::Response& response,
                          const Refusal& refusal);
  std::optional<Refusal> authenticate(const io::http::Request& request);
  void add_id(io::http::Response& response);

  Shared& shared_;
  const std::unique_ptr<Executor> executor_;
  Metrics::Shard& shard_;
  Verifier verifier_;
  RequestIds ids_;
  Executor::Outcome outcome_;
};

// What an answer has that no handler made: an id and a checksum, no body.
void refuse_unread(int status, io::http::Response& response);

}  // namespace offramp::endpoint
