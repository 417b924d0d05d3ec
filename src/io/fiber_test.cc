#include "io/fiber.h"

#include <gtest/gtest.h>

#include <deque>
#include <mutex>
#include <semaphore>
#include <string>
#include <thread>

namespace offramp::io {
namespace {

// Runs what was woken, in order; on the thread that calls run().
class Queue final : public FiberScheduler {
 public:
  void wake(Fiber& fiber) override {
    std::lock_guard lock(mutex_);
    ready_.push_back(&fiber);
    count_.release();
  }
  bool alone() const override { return false; }
  std::unique_ptr<SocketWaiter> watch(int) override { return nullptr; }
  void run_until_ended(std::initializer_list<Fiber*> fibers) {
    for (;;) {
      bool all = true;
      for (Fiber* fiber : fibers) all = all && fiber->ended();
      if (all) return;
      count_.acquire();
      Fiber* next;
      {
        std::lock_guard lock(mutex_);
        next = ready_.front();
        ready_.pop_front();
      }
      next->resume();
    }
  }

 private:
  std::mutex mutex_;
  std::deque<Fiber*> ready_;
  std::counting_semaphore<> count_{0};
};

TEST(Fiber, StopsInTheMiddleAndGoesOn) {
  Queue queue;
  std::string said;
  Fiber fiber(queue, [&] {
    said += "a";
    Fiber::suspend();
    said += "c";
  });
  EXPECT_EQ(Fiber::current(), nullptr);
  fiber.resume();
  EXPECT_EQ(Fiber::current(), nullptr);
  EXPECT_FALSE(fiber.ended());
  said += "b";
  fiber.resume();
  EXPECT_TRUE(fiber.ended());
  EXPECT_EQ(said, "abc");
}

TEST(Fiber, YieldLetsTheOthersGoFirst) {
  Queue queue;
  std::string said;
  Fiber one(queue, [&] {
    said += "1";
    Fiber::yield();
    said += "3";
  });
  Fiber two(queue, [&] { said += "2"; });
  queue.wake(one);
  queue.wake(two);
  queue.run_until_ended({&one, &two});
  EXPECT_EQ(said, "123");
}

TEST(Fiber, ExceptionsStayOnTheirFiber) {
  Queue queue;
  int caught = 0;
  auto body = [&] {
    try {
      Fiber::yield();
      throw std::runtime_error("mine");
    } catch (const std::runtime_error&) {
      ++caught;
    }
    Fiber::yield();
  };
  Fiber one(queue, body), two(queue, body);
  queue.wake(one);
  queue.wake(two);
  queue.run_until_ended({&one, &two});
  EXPECT_EQ(caught, 2);
}

TEST(Fiber, HasRoomOnItsStack) {
  Queue queue;
  int deep = 0;
  std::function<int(int)> down = [&](int left) {
    volatile char room[1024] = {};
    room[0] = static_cast<char>(left);
    return left == 0 ? room[0] : 1 + down(left - 1) + 0 * room[1];
  };
  Fiber fiber(queue, [&] { deep = down(200); });
  fiber.resume();
  EXPECT_EQ(deep, 200);
}

TEST(Wakeup, WaitsOnAThread) {
  Wakeup ping, pong;
  std::jthread other([&] {
    for (int i = 0; i < 1000; ++i) {
      ping.wait();
      pong.notify();
    }
  });
  for (int i = 0; i < 1000; ++i) {
    ping.notify();
    pong.wait();
  }
}

TEST(Wakeup, SuspendsAFiberThatOthersWake) {
  Queue queue;
  Wakeup ping, pong;
  int rounds = 0;
  Fiber fiber(queue, [&] {
    for (; rounds < 1000; ++rounds) {
      ping.notify();
      pong.wait();
    }
  });
  std::jthread other([&] {
    for (int i = 0; i < 1000; ++i) {
      ping.wait();
      pong.notify();
    }
  });
  queue.wake(fiber);
  queue.run_until_ended({&fiber});
  EXPECT_EQ(rounds, 1000);
}

TEST(Wakeup, MayBeNotifiedFirst) {
  Wakeup wakeup;
  wakeup.notify();
  wakeup.wait();
  Queue queue;
  Fiber fiber(queue, [&] { wakeup.wait(); });
  wakeup.notify();
  fiber.resume();
  EXPECT_TRUE(fiber.ended());
}

TEST(RunBlocking, LetsOtherFibersRunMeanwhile) {
  Queue queue;
  std::binary_semaphore other_ran(0);
  Fiber one(queue, [&] { run_blocking([&] { other_ran.acquire(); }); });
  Fiber two(queue, [&] { other_ran.release(); });
  queue.wake(one);
  queue.wake(two);
  queue.run_until_ended({&one, &two});
  int done = 0;
  run_blocking([&] { done = 1; });
  EXPECT_EQ(done, 1);
}

}  // namespace
}  // namespace offramp::io
