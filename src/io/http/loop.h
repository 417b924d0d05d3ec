// Loop: one server thread: its event loop, and the workers that handle requests on fibers.
//
// What is true:
// - A connection belongs to one loop, and all that happens to it happens on that loop's thread.
// - A request is handled on a worker's fiber. A handler that waits (io/fiber.h) gives the thread to
//   the others; one that blocks holds up the connections of this loop.
// - When all workers are taken, requests wait for one in the order in which they came.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <memory>
#include <vector>

#include "io/fiber.h"
#include "io/http/core.h"
#include "io/http/lookout.h"

namespace offramp::io::http {

class Loop;

// What handles a request, with what lives as long as that takes.
class RequestWorker final : public Fiber {
 public:
  RequestWorker(Loop& loop, std::unique_ptr<Handler> handler);
  ~RequestWorker();

  const std::unique_ptr<Handler> handler;
  Response response;
  ByteBuffer body;  // inflated

 private:
  friend class Loop;
  void run();
  std::shared_ptr<class Client> client_;  // whose request it handles; none: idle
  bool leaving_ = false;
};

// A connection, as its loop sees it.
class Client {
 public:
  virtual ~Client() = default;
  // On the worker's fiber: handles the request and begins to send the answer.
  virtual void handle(RequestWorker& worker) = 0;
  // On the loop, after a handle() that had to wait.
  virtual void handled() = 0;
};

class Loop final : public FiberScheduler {
 public:
  using MakeHandler = std::function<Result<std::unique_ptr<Handler>>()>;
  // `connections_of_all`: of all loops together.
  Loop(const MakeHandler& make_handler, size_t workers_max, std::atomic<size_t>& connections_of_all)
      : make_handler_(make_handler),
        workers_max_(workers_max),
        connections_of_all_(connections_of_all) {}

  // The first worker; before run().
  Status start();
  // Until finish(); on the loop's thread.
  void run();
  // Ends run() when no request is handled any more. Any thread.
  void finish();

  // True when the client's request has been handled; else handled() will be called.
  bool handle(const std::shared_ptr<Client>& client);

  void wake(Fiber& fiber) override;
  bool alone() const override { return connections() <= 1; }
  std::unique_ptr<SocketWaiter> watch(int socket) override;
  // Goes on with a worker that waited; on the loop.
  void go_on(RequestWorker& worker);

  // What the loop waited for has happened; in the handler, first.
  void woken() { lookout_->woken(); }

  boost::asio::io_context& context() { return context_; }
  // For answers and refusals that are made without waiting in between.
  Answer answer;
  Response refusal;
  Gunzip gunzip;

  // Any thread.
  size_t connections() const { return connections_.load(std::memory_order_relaxed); }
  void connected() {
    ++connections_;
    ++connections_of_all_;
  }
  void disconnected() {
    --connections_;
    --connections_of_all_;
  }

 private:
  bool look();
  RequestWorker* idle_worker();
  void release(RequestWorker& worker);

  const MakeHandler& make_handler_;
  const size_t workers_max_;
  std::atomic<size_t> connections_{0};
  std::atomic<size_t>& connections_of_all_;
  boost::asio::io_context context_{1};  // destroys the connections that are left over
  // Of the loop's thread. Their handlers may watch sockets, and go before the context.
  std::vector<std::unique_ptr<RequestWorker>> workers_;
  std::vector<RequestWorker*> idle_;
  std::deque<std::shared_ptr<Client>> waiting_;
  bool finishing_ = false;
  // Apart, because what they wait for takes different times.
  Lookout for_clients_, for_databases_, *lookout_ = &for_clients_;
};

}  // namespace offramp::io::http
