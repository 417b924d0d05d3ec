// Fiber: a function on a stack of its own, which can stop in the middle and go on later; and what
// code waits with that may run on one.
//
// A server thread runs many requests' fibers by turns, so that a request that waits for its
// database does not hold up the others. The code that waits is the same on a fiber and on a plain
// thread: on a fiber it suspends, on a thread it blocks. A fiber belongs to one thread for life,
// and must not wait here while it holds a mutex: another fiber of the thread would block on it for
// ever.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace offramp::io {

class Fiber;

// Waits until a socket can be read or written, without holding up the thread.
class SocketWaiter {
 public:
  virtual ~SocketWaiter() = default;
  // `events`: POLLIN, POLLOUT or both; errors and hang-ups always end it. On the fiber that runs.
  virtual void wait(short events) = 0;
};

// What runs fibers: a thread's event loop.
class FiberScheduler {
 public:
  virtual ~FiberScheduler() = default;
  // Has fiber.resume() called on the scheduler's thread, soon. Any thread.
  virtual void wake(Fiber& fiber) = 0;
  // The rest: the scheduler's thread only.
  // Whether nobody else would be held up if the fiber that runs blocked for some milliseconds.
  virtual bool alone() const = 0;
  // The waiter must go before its socket is closed.
  virtual std::unique_ptr<SocketWaiter> watch(int socket) = 0;
};

class Fiber {
 public:
  // Runs `body` from the first resume() on; it must not throw.
  Fiber(FiberScheduler& scheduler, std::function<void()> body);
  // Only when it has ended, or never began.
  ~Fiber();
  Fiber(const Fiber&) = delete;

  // Runs it until it suspends or ends. Not from within a fiber.
  void resume();
  bool ended() const { return ended_; }
  FiberScheduler& scheduler() const { return scheduler_; }

  // The one that runs on this thread, if any.
  static Fiber* current();
  // Back to resume(); returns with the next one. From within a fiber only.
  static void suspend();
  // Lets everything else that is ready on this thread go first.
  static void yield();

 private:
  struct Context;
  FiberScheduler& scheduler_;
  bool ended_ = false;
  const std::unique_ptr<Context> context_;
};

// One wait for one notify(), which may come first and from any thread. Reusable after wait().
class Wakeup {
 public:
  void wait();
  // The waiter may destroy this as soon as it has been called.
  void notify();

 private:
  enum State : int { kNothing, kFiberWaits, kNotified };
  std::atomic<int> state_{kNothing};
  Fiber* fiber_ = nullptr;
};

// Runs `work`, which blocks, and returns when it is done: on a fiber, on another thread meanwhile.
void run_blocking(const std::function<void()>& work);

}  // namespace offramp::io
