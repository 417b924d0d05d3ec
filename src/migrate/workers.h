// Threads of one step, and the one place where an exception of a library in them becomes an Error.
//
// Our own code does not throw; std::filesystem, std::thread and the allocator do. Thread-safe by
// construction: each worker only gets its number.
#pragma once

#include <exception>
#include <functional>

#include "base/result.h"

namespace offramp::migrate {

// kUnavailable for a lack of memory or a failing system call, kInternal for everything else.
Error error_of(std::exception_ptr exception);

// Calls work(0) … work(count - 1), each on a thread, and waits for all. The first error to be
// returned or thrown is the result; `failed` (may be empty) is called at once with it, so that the
// others can be told to end. When the system gives fewer threads the work is done by those there
// are: workers must take their tasks from a common list.
Status run_workers(int count, const std::function<Status(int worker)>& work,
                   const std::function<void()>& failed);

}  // namespace offramp::migrate
