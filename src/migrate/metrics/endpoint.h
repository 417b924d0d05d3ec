// Endpoint: /metrics and /healthz over HTTP, while it lives; and the thread that lets the metrics
// observe progress.
//
// Served by civetweb, the library below prometheus-cpp's own Exposer. The Exposer is not used
// because it serves collectables only, keeps its server to itself (so /healthz would need a hack),
// and its error does not say why a port could not be opened. No file is served and nothing can be
// sent but GET and HEAD; a request is bounded in size and time. Threads: open() and the destructor
// are the owner's.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.h"
#include "migrate/metrics/metrics.h"

struct mg_connection;
struct mg_context;

namespace offramp::migrate::metrics {

class Endpoint {
 public:
  // `address`: see address.h. kConfig when it is none or cannot be opened. `metrics` must outlive
  // the endpoint.
  static Result<std::unique_ptr<Endpoint>> open(const std::string& address, Metrics& metrics);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  // "http://127.0.0.1:9464", with the port that was opened.
  const std::string& url() const { return url_; }

 private:
  explicit Endpoint(Metrics& metrics) : metrics_(metrics) {}
  static int on_log(const mg_connection* connection, const char* message);
  static int on_metrics(mg_connection* connection, void* endpoint);
  static int on_health(mg_connection* connection, void* endpoint);
  static int on_other(mg_connection* connection, void* endpoint);

  Metrics& metrics_;
  std::string url_;               // constant after open()
  mg_context* server_ = nullptr;  // constant after open()
  std::mutex mutex_;
  std::string first_words_;  // guarded by mutex_; civetweb's first message: why it could not start
  std::jthread observer_;
};

}  // namespace offramp::migrate::metrics
