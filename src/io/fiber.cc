// Boost.Context switches the stacks; the sanitizers must be told of each switch.
#include "io/fiber.h"

#include <boost/context/fiber.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>
#include <thread>

#include "base/assert.h"

#if defined(__SANITIZE_ADDRESS__)
#define OFFRAMP_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OFFRAMP_ASAN 1
#endif
#endif
#ifdef OFFRAMP_ASAN
#include <sanitizer/asan_interface.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace offramp::io {
namespace {

// Taken from the system as it is used. Sanitized frames are several times as large.
#if defined(OFFRAMP_ASAN) || defined(__SANITIZE_THREAD__)
constexpr size_t kStackBytes = 2 << 20;
#else
constexpr size_t kStackBytes = 512 << 10;
#endif

thread_local Fiber* running = nullptr;

}  // namespace

struct Fiber::Context {
  std::function<void()> body;
  boost::context::fiber own, caller;
#ifdef OFFRAMP_ASAN
  const void* own_bottom = nullptr;
  const void* caller_bottom = nullptr;
  size_t own_size = 0, caller_size = 0;
  void *own_fake = nullptr, *caller_fake = nullptr;
#endif
#ifdef __SANITIZE_THREAD__
  void *own_tsan = nullptr, *caller_tsan = nullptr;
#endif

  void before_entering() {
#ifdef OFFRAMP_ASAN
    __sanitizer_start_switch_fiber(&caller_fake, own_bottom, own_size);
#endif
#ifdef __SANITIZE_THREAD__
    caller_tsan = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(own_tsan, 0);
#endif
  }
  void entered() {
#ifdef OFFRAMP_ASAN
    __sanitizer_finish_switch_fiber(own_fake, &caller_bottom, &caller_size);
#endif
  }
  void before_leaving(bool for_ever) {
    (void)for_ever;
#ifdef OFFRAMP_ASAN
    __sanitizer_start_switch_fiber(for_ever ? nullptr : &own_fake, caller_bottom, caller_size);
#endif
#ifdef __SANITIZE_THREAD__
    __tsan_switch_to_fiber(caller_tsan, 0);
#endif
  }
  void left() {
#ifdef OFFRAMP_ASAN
    __sanitizer_finish_switch_fiber(caller_fake, nullptr, nullptr);
#endif
  }
};

Fiber::Fiber(FiberScheduler& scheduler, std::function<void()> body)
    : scheduler_(scheduler), context_(std::make_unique<Context>()) {
  Context& context = *context_;
  context.body = std::move(body);
  boost::context::protected_fixedsize_stack stacks(kStackBytes);
  auto stack = stacks.allocate();
#ifdef OFFRAMP_ASAN
  context.own_size = stack.size;
  context.own_bottom = static_cast<char*>(stack.sp) - stack.size;
  // Frames that another fiber or thread has left here for ever without a return are still marked.
  __asan_unpoison_memory_region(context.own_bottom, context.own_size);
#endif
#ifdef __SANITIZE_THREAD__
  context.own_tsan = __tsan_create_fiber(0);
#endif
  context.own = boost::context::fiber(std::allocator_arg,
                                      boost::context::preallocated(stack.sp, stack.size, stack),
                                      stacks, [this](boost::context::fiber&& caller) {
                                        Context& context = *context_;
                                        context.caller = std::move(caller);
                                        context.entered();
                                        context.body();
                                        ended_ = true;
                                        context.before_leaving(true);
                                        return std::move(context.caller);
                                      });
}

Fiber::~Fiber() {
  // Its stack could only be unwound by an exception through all that is on it.
  ASSERT(ended_ || !context_->caller);
#ifdef __SANITIZE_THREAD__
  __tsan_destroy_fiber(context_->own_tsan);
#endif
}

Fiber* Fiber::current() { return running; }

void Fiber::resume() {
  ASSERT(!running && !ended_);
  Context& context = *context_;
  running = this;
  context.before_entering();
  context.own = std::move(context.own).resume();
  context.left();
  running = nullptr;
}

void Fiber::suspend() {
  ASSERT(running);
  Context& context = *running->context_;
  context.before_leaving(false);
  context.caller = std::move(context.caller).resume();
  context.entered();
}

void Fiber::yield() {
  ASSERT(running);
  running->scheduler().wake(*running);
  suspend();
}

void Wakeup::wait() {
  fiber_ = Fiber::current();
  if (!fiber_) {
    state_.wait(kNothing, std::memory_order_acquire);
  } else {
    int nothing = kNothing;
    // The fiber cannot be woken before it has suspended: that happens on this thread.
    if (state_.compare_exchange_strong(nothing, kFiberWaits)) Fiber::suspend();
  }
  state_.store(kNothing, std::memory_order_relaxed);
}

void Wakeup::notify() {
  if (state_.exchange(kNotified) == kFiberWaits)
    fiber_->scheduler().wake(*fiber_);
  else
    state_.notify_one();
}

void run_blocking(const std::function<void()>& work) {
  if (!Fiber::current()) return work();
  Wakeup done;
  std::jthread thread([&] {
    work();
    done.notify();
  });
  done.wait();
}

}  // namespace offramp::io
