#include "migrate/metrics/endpoint.h"

#include <civetweb.h>
#include <fmt/format.h>

#include <string_view>

#include "migrate/metrics/address.h"

namespace offramp::migrate::metrics {
namespace {

constexpr std::chrono::seconds kObserve{2};

int answer(mg_connection* connection, int status, std::string_view status_text,
           std::string_view type, std::string_view body) {
  bool head = std::string_view(mg_get_request_info(connection)->request_method) == "HEAD";
  std::string head_text = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: "
      "no-store\r\nConnection: close\r\n\r\n",
      status, status_text, type, body.size());
  mg_write(connection, head_text.data(), head_text.size());
  if (!head) mg_write(connection, body.data(), body.size());
  return status;
}

constexpr std::string_view kPlain = "text/plain; charset=utf-8";

bool reads(mg_connection* connection) {
  std::string_view method = mg_get_request_info(connection)->request_method;
  return method == "GET" || method == "HEAD";
}

int only_reading(mg_connection* connection) {
  return answer(connection, 405, "Method Not Allowed", kPlain, "only GET and HEAD\n");
}

// A handler of civetweb's must not throw.
template <class Body>
int guarded(mg_connection* connection, Body body) {
  try {
    return reads(connection) ? body() : only_reading(connection);
  } catch (...) {
    return answer(connection, 500, "Internal Server Error", kPlain,
                  "the metrics could not be gathered\n");
  }
}

}  // namespace

int Endpoint::on_log(const mg_connection* connection, const char* message) {
  const mg_context* context = connection ? mg_get_context(connection) : nullptr;
  auto* endpoint = context ? static_cast<Endpoint*>(mg_get_user_data(context)) : nullptr;
  if (endpoint) {
    std::lock_guard lock(endpoint->mutex_);
    if (endpoint->first_words_.empty())
      endpoint->first_words_ = std::string_view(message).substr(0, 300);
  }
  return 1;  // not to stderr
}

int Endpoint::on_metrics(mg_connection* connection, void* endpoint) {
  return guarded(connection, [&] {
    std::string_view path = mg_get_request_info(connection)->local_uri;
    if (path != "/metrics")
      return answer(connection, 404, "Not Found", kPlain, "see /metrics and /healthz\n");
    return answer(connection, 200, "OK", "text/plain; version=0.0.4; charset=utf-8",
                  static_cast<Endpoint*>(endpoint)->metrics_.text());
  });
}

int Endpoint::on_health(mg_connection* connection, void* endpoint) {
  return guarded(connection, [&] {
    std::string_view path = mg_get_request_info(connection)->local_uri;
    if (path != "/healthz")
      return answer(connection, 404, "Not Found", kPlain, "see /metrics and /healthz\n");
    Metrics::Verdict verdict = static_cast<Endpoint*>(endpoint)->metrics_.health();
    return answer(connection, verdict.healthy ? 200 : 503,
                  verdict.healthy ? "OK" : "Service Unavailable", kPlain, verdict.text);
  });
}

int Endpoint::on_other(mg_connection* connection, void*) {
  return guarded(connection, [&] {
    return answer(connection, 404, "Not Found", kPlain, "see /metrics and /healthz\n");
  });
}

Result<std::unique_ptr<Endpoint>> Endpoint::open(const std::string& address, Metrics& metrics) {
  Address at = TRY(parse_address(address));
  std::unique_ptr<Endpoint> endpoint(new Endpoint(metrics));
  const std::string ports = at.text();
  const char* options[] = {"listening_ports",
                           ports.c_str(),
                           "num_threads",
                           "4",
                           "request_timeout_ms",
                           "5000",
                           "max_request_size",
                           "8192",
                           "enable_keep_alive",
                           "no",
                           "connection_queue",
                           "16",
                           "linger_timeout_ms",
                           "0",
                           nullptr};
  mg_callbacks callbacks{};
  callbacks.log_message = on_log;
  char text[256] = "";
  unsigned code = 0;
  mg_error_data error{&code, text, sizeof(text)};
  mg_init_data init{&callbacks, endpoint.get(), options};
  endpoint->server_ = mg_start2(&init, &error);
  if (!endpoint->server_)
    return Error(
        ErrorKind::kConfig, "metrics.listen",
        fmt::format("metrics cannot be served at {}: {}; give --metrics an address of this machine "
                    "whose port is "
                    "free",
                    ports,
                    !endpoint->first_words_.empty() ? endpoint->first_words_ : std::string(text)));
  mg_server_port opened[1] = {};
  if (mg_get_server_ports(endpoint->server_, 1, opened) == 1)
    at.port = static_cast<uint16_t>(opened[0].port);
  endpoint->url_ = "http://" + at.text();
  mg_set_request_handler(endpoint->server_, "/metrics", &Endpoint::on_metrics, endpoint.get());
  mg_set_request_handler(endpoint->server_, "/healthz", &Endpoint::on_health, endpoint.get());
  mg_set_request_handler(endpoint->server_, "**", &Endpoint::on_other, endpoint.get());
  endpoint->observer_ = std::jthread([&metrics](std::stop_token stop) {
    while (io::system_clock().sleep(kObserve, stop)) metrics.observe();
  });
  return endpoint;
}

Endpoint::~Endpoint() {
  if (server_) mg_stop(server_);
}

}  // namespace offramp::migrate::metrics
