#include "io/http/loop.h"

#include <poll.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include "base/assert.h"

namespace offramp::io::http {
namespace {

namespace asio = boost::asio;
using AsioError = boost::system::error_code;
using Executor = asio::io_context::executor_type;

class AsioWaiter final : public SocketWaiter {
 public:
  AsioWaiter(Loop& loop, int socket) : shared_(std::make_shared<Shared>(loop, socket)) {}
  ~AsioWaiter() override {
    ++shared_->wait;
    shared_->descriptor.release();  // the socket is its owner's
  }

  void wait(short events) override {
    Shared& shared = *shared_;
    shared.fiber = Fiber::current();
    ASSERT(shared.fiber);
    uint64_t number = ++shared.wait;
    if (events & POLLIN) begin(asio::posix::descriptor_base::wait_read, number);
    if (events & POLLOUT) begin(asio::posix::descriptor_base::wait_write, number);
    Fiber::suspend();
    if (events == (POLLIN | POLLOUT)) shared.descriptor.cancel();
  }

 private:
  struct Shared {
    Shared(Loop& loop, int socket) : loop(loop), descriptor(loop.context(), socket) {}
    Loop& loop;
    asio::posix::basic_stream_descriptor<Executor> descriptor;
    uint64_t wait = 0;  // the number of the newest
    Fiber* fiber = nullptr;
  };
  void begin(asio::posix::descriptor_base::wait_type type, uint64_t number) {
    shared_->descriptor.async_wait(type, [shared = shared_, number](AsioError) {
      if (shared->wait != number) return;  // over already, by the other event
      ++shared->wait;
      shared->loop.woken();
      shared->loop.go_on(static_cast<RequestWorker&>(*shared->fiber));
    });
  }
  const std::shared_ptr<Shared> shared_;
};

}  // namespace

RequestWorker::RequestWorker(Loop& loop, std::unique_ptr<Handler> made)
    : Fiber(loop, [this] { run(); }), handler(std::move(made)) {}

RequestWorker::~RequestWorker() {
  leaving_ = true;
  resume();
}

void RequestWorker::run() {
  for (;; suspend()) {
    if (leaving_) return;
    client_->handle(*this);
    client_.reset();
  }
}

Status Loop::start() {
  auto worker = std::make_unique<RequestWorker>(*this, TRY(make_handler_()));
  idle_.push_back(worker.get());
  workers_.push_back(std::move(worker));
  return {};
}

void Loop::run() {
  auto guard = asio::make_work_guard(context_);
  while (!context_.stopped()) {
    try {
      if (connections_of_all_ > 1 || !look()) context_.run_one();
    } catch (...) {  // memory; the connection it happened in is gone
    }
  }
}

// One client alone waits for each of its requests, and then it pays to look for what comes next;
// several keep the threads awake, and need the processors. True: something came, and is handled.
bool Loop::look() {
  lookout_ = idle_.size() == workers_.size() ? &for_clients_ : &for_databases_;
  lookout_->begin();
  if (!lookout_->worth_it()) return false;
  do {
    if (context_.poll_one() > 0 || context_.stopped()) return true;
  } while (lookout_->goes_on());
  lookout_->missed();
  return false;
}

void Loop::finish() {
  asio::post(context_, [this] {
    finishing_ = true;
    waiting_.clear();
    if (idle_.size() == workers_.size()) context_.stop();
  });
}

RequestWorker* Loop::idle_worker() {
  if (idle_.empty() && workers_.size() < workers_max_) {
    // Without another one the request waits: there is one at least.
    auto handler = make_handler_();
    if (handler.ok()) {
      workers_.push_back(std::make_unique<RequestWorker>(*this, std::move(*handler)));
      idle_.reserve(workers_.size());
      return workers_.back().get();
    }
  }
  if (idle_.empty()) return nullptr;
  RequestWorker* worker = idle_.back();
  idle_.pop_back();
  return worker;
}

bool Loop::handle(const std::shared_ptr<Client>& client) {
  RequestWorker* worker = idle_worker();
  if (!worker) {
    waiting_.push_back(client);
    return false;
  }
  worker->client_ = client;
  worker->resume();
  if (worker->client_) return false;
  release(*worker);
  return true;
}

void Loop::release(RequestWorker& worker) {
  idle_.push_back(&worker);
  if (finishing_ && idle_.size() == workers_.size()) context_.stop();
}

void Loop::go_on(RequestWorker& worker) {
  std::shared_ptr<Client> client = worker.client_;
  worker.resume();
  if (worker.client_) return;
  release(worker);
  // Those who waited for a worker come before the next request of this client.
  while (!waiting_.empty() && !idle_.empty()) {
    std::shared_ptr<Client> next = std::move(waiting_.front());
    waiting_.pop_front();
    if (handle(next)) next->handled();
  }
  client->handled();
}

void Loop::wake(Fiber& fiber) {
  asio::post(context_, [this, &fiber] { go_on(static_cast<RequestWorker&>(fiber)); });
}

std::unique_ptr<SocketWaiter> Loop::watch(int socket) {
  return std::make_unique<AsioWaiter>(*this, socket);
}

}  // namespace offramp::io::http
