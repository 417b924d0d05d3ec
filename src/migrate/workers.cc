// Starting, catching, joining.
#include "migrate/workers.h"

#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace offramp::migrate {

Error error_of(std::exception_ptr exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::bad_alloc&) {
    return Error(ErrorKind::kUnavailable, "process.memory",
                 "the memory that this process may use is exhausted; give it more, or run the same "
                 "command with fewer --jobs");
  } catch (const std::system_error& error) {  // std::filesystem's too
    return Error(ErrorKind::kUnavailable, "process.system",
                 std::string("the system refused a call: ") + error.what() +
                     "; mend that and run the same command again");
  } catch (const std::exception& error) {
    return Error(ErrorKind::kInternal, "defect", std::string("unexpected: ") + error.what());
  } catch (...) {
    return Error(ErrorKind::kInternal, "defect", "unexpected: an exception without a name");
  }
}

Status run_workers(int count, const std::function<Status(int worker)>& work,
                   const std::function<void()>& failed) {
  std::mutex mutex;
  std::optional<Error> first;  // guarded by mutex
  auto keep = [&](Error error) {
    {
      std::lock_guard lock(mutex);
      if (!first) first = std::move(error);
    }
    if (failed) failed();
  };
  auto guarded = [&](int worker) noexcept {
    try {
      Status status = work(worker);
      if (!status.ok()) keep(std::move(status).error());
    } catch (...) {
      keep(error_of(std::current_exception()));
    }
  };
  {
    std::vector<std::jthread> threads;
    try {
      threads.reserve(static_cast<size_t>(count));
      for (int i = 0; i < count; ++i) threads.emplace_back(guarded, i);
    } catch (...) {
      if (threads.empty()) keep(error_of(std::current_exception()));
    }
  }
  if (first) return std::move(*first);
  return {};
}

}  // namespace offramp::migrate
