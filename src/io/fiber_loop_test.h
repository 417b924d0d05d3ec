// An event loop for tests: a thread that runs fibers, by poll(2).
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <deque>
#include <map>
#include <mutex>
#include <semaphore>
#include <thread>
#include <vector>

#include "io/fiber.h"

namespace offramp::io {

class FiberLoop final : public FiberScheduler {
 public:
  FiberLoop() : event_(eventfd(0, EFD_NONBLOCK)), thread_([this] { run_thread(); }) {}
  // Nothing may run any more.
  ~FiberLoop() override {
    post([this] { ended_ = true; });
    thread_.join();
    close(event_);
  }

  // Runs `body` on a fiber of the loop, and returns when it has ended.
  void run(const std::function<void()>& body) {
    std::binary_semaphore done(0);
    std::unique_ptr<Fiber> fiber;
    post([&] {
      fiber = std::make_unique<Fiber>(*this, body);
      fiber->resume();
      if (!fiber->ended()) ending_.emplace_back(fiber.get(), &done);
      if (fiber->ended()) done.release();
    });
    done.acquire();
  }

  void wake(Fiber& fiber) override {
    post([&fiber] { fiber.resume(); });
  }
  bool alone() const override { return false; }
  std::unique_ptr<SocketWaiter> watch(int socket) override {
    return std::make_unique<Waiter>(*this, socket);
  }

 private:
  class Waiter final : public SocketWaiter {
   public:
    Waiter(FiberLoop& loop, int socket) : loop_(loop), socket_(socket) {}
    void wait(short events) override {
      loop_.watched_[socket_] = {events, Fiber::current()};
      Fiber::suspend();
    }

   private:
    FiberLoop& loop_;
    const int socket_;
  };
  struct Watched {
    short events;
    Fiber* fiber;
  };

  void post(std::function<void()> task) {
    std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    eventfd_write(event_, 1);
  }
  void run_thread() {
    while (!ended_) {
      std::vector<pollfd> sockets{{event_, POLLIN, 0}};
      for (const auto& [socket, watched] : watched_) sockets.push_back({socket, watched.events, 0});
      poll(sockets.data(), sockets.size(), -1);
      for (const pollfd& ready : sockets) {
        auto found = watched_.find(ready.fd);
        if (ready.fd == event_ || !ready.revents || found == watched_.end()) continue;
        Fiber* fiber = found->second.fiber;
        watched_.erase(found);
        fiber->resume();
      }
      run_tasks();
      std::erase_if(ending_, [](const auto& entry) {
        if (!entry.first->ended()) return false;
        entry.second->release();
        return true;
      });
    }
  }
  void run_tasks() {
    std::deque<std::function<void()>> tasks;
    {
      std::lock_guard lock(mutex_);
      eventfd_t count;
      eventfd_read(event_, &count);
      tasks.swap(tasks_);
    }
    for (auto& task : tasks) task();
  }

  const int event_;
  std::mutex mutex_;
  std::deque<std::function<void()>> tasks_;  // guarded by mutex_
  // Of the thread.
  std::map<int, Watched> watched_;
  std::vector<std::pair<Fiber*, std::binary_semaphore*>> ending_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace offramp::io
