// One thread waits for the signals that all others block.
#include "cli/signals.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <semaphore>

namespace offramp::cli {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

StopOnSignal::StopOnSignal() {
  sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  waiter_ = std::jthread([this](std::stop_token done) {
    sigset_t wanted = stop_signals();
    const timespec poll{0, 100'000'000};
    while (!done.stop_requested()) {
      if (sigtimedwait(&wanted, nullptr, &poll) < 0) continue;
      if (stop_.stop_requested()) std::_Exit(3);
      {
        std::lock_guard lock(mutex_);
        const char* what = "stopping at the next checkpoint; a second signal stops at once";
        if (say_)
          say_(what);
        else
          std::fprintf(stderr, "\n%s\n", what);
      }
      stop_.request_stop();
    }
  });
}

void StopOnSignal::wait() const {
  std::binary_semaphore come(0);
  std::stop_callback tell(stop_.get_token(), [&] { come.release(); });
  come.acquire();
}

void StopOnSignal::listen(std::function<void(const std::string&)> say) {
  std::lock_guard lock(mutex_);
  say_ = std::move(say);
}

StopOnSignal::Listener::Listener(StopOnSignal& signals, std::function<void(const std::string&)> say)
    : signals_(signals) {
  signals_.listen(std::move(say));
}

StopOnSignal::Listener::~Listener() { signals_.listen(nullptr); }

StopOnSignal::~StopOnSignal() { waiter_.request_stop(); }

}  // namespace offramp::cli
