// Workers: every error and every exception comes out as one Error, and all threads end.
#include "migrate/workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <new>
#include <thread>

namespace offramp::migrate {
namespace {

TEST(WorkersTest, AllNumbersAreCalled) {
  std::atomic<int> sum{0};
  ASSERT_TRUE(run_workers(4, [&](int worker) { return sum += 1 << worker, Status(); }, {}).ok());
  EXPECT_EQ(sum, 15);
}

TEST(WorkersTest, TheFirstErrorIsKeptAndTheOthersAreTold) {
  std::atomic<bool> failed{false};
  Status status = run_workers(
      3,
      [&](int worker) -> Status {
        if (worker == 1) return Error(ErrorKind::kGap, "the.first", "x");
        while (!failed) std::this_thread::yield();
        return Error(ErrorKind::kInternal, "a.later", "y");
      },
      [&] { failed = true; });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), "the.first");
}

Error thrown(const std::function<void()>& what) {
  Status status =
      run_workers(2, [&](int worker) { return worker ? Status() : (what(), Status()); }, {});
  EXPECT_FALSE(status.ok());
  return status.error();
}

TEST(WorkersTest, ExceptionsBecomeErrors) {
  EXPECT_EQ(thrown([] { throw std::bad_alloc(); }).code(), "process.memory");
  Error system = thrown([] { (void)std::filesystem::file_size("/none/at/all"); });
  EXPECT_EQ(system.code(), "process.system");
  EXPECT_EQ(system.kind(), ErrorKind::kUnavailable);
  EXPECT_NE(system.message().find("/none/at/all"), std::string::npos);
  EXPECT_EQ(thrown([] { throw std::logic_error("what"); }).kind(), ErrorKind::kInternal);
  EXPECT_EQ(thrown([] { throw 7; }).kind(), ErrorKind::kInternal);
}

}  // namespace
}  // namespace offramp::migrate
