// A server that has few connections to give: callers wait for each other, batches of points give
// theirs up, and connections that were all lost come back.
#include "target/postgres/serve/session_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <optional>
#include <thread>

#include "target/postgres/connection.h"
#include "target/postgres/postgres_fixture_test.h"

namespace offramp::target::postgres {
namespace {

// A role of its own, which may have so many connections.
class FewConnections : public testing::Test {
 protected:
  void allow(int connections) {
    url_ = PostgresServer::instance().new_database();
    role_ = "few" + std::to_string(connections) + url_.substr(url_.rfind('/') + 1);
    sql("CREATE ROLE " + role_ + " LOGIN CONNECTION LIMIT " + std::to_string(connections));
    pool_.emplace(as_role(), "public", std::make_shared<LogHorizons>());
  }
  void sql(const std::string& text) {
    auto connection = Connection::open(url_);
    ASSERT_TRUE(connection.ok()) << connection.error().message();
    Status status = connection->execute(text, "prepare a test");
    EXPECT_TRUE(status.ok()) << status.error().message();
  }
  std::string as_role() const {
    std::string url = url_;
    return url.replace(url.find("postgres@"), 8, role_);
  }
  // A server counts a connection for a moment after its end.
  static bool soon(const std::function<bool()>& holds) {
    for (int i = 0; i < 1000; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  void lose_all() {
    sql("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = '" + role_ +
        "'");
  }
  // What a call with the pool's session does first.
  Status use() {
    return pool_->run({}, [](Session& session) { return session.connect(); });
  }
  // Whether a batch of points has a session; it has been given back.
  bool points() {
    auto session = pool_->take_for_points();
    if (!session) return false;
    pool_->give_back_from_points(std::move(session));
    return true;
  }

  std::string url_, role_;
  std::optional<SessionPool> pool_;
};

TEST_F(FewConnections, PointsGiveTheirsUp) {
  allow(1);
  ASSERT_TRUE(points());
  ASSERT_TRUE(use().ok());
  EXPECT_FALSE(points());
}

TEST_F(FewConnections, PointsGiveUpTheOneInUse) {
  allow(1);
  auto session = pool_->take_for_points();
  ASSERT_TRUE(session);
  Status used;
  std::jthread caller([&] { used = use(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  pool_->give_back_from_points(std::move(session));
  caller.join();
  EXPECT_TRUE(used.ok());
}

TEST_F(FewConnections, OneIsSharedByAll) {
  allow(1);
  std::atomic<int> failed = 0;
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 20; ++i)
      callers.emplace_back([&] {
        for (int n = 0; n < 20; ++n) failed += !use().ok();
      });
  }
  EXPECT_EQ(failed, 0);
}

TEST_F(FewConnections, AllAreLostAndComeBack) {
  allow(3);
  for (int round = 0; round < 3; ++round) {
    std::atomic<int> failed = 0;
    {
      std::vector<std::jthread> callers;
      for (int i = 0; i < 20; ++i)
        callers.emplace_back([&] {
          for (int n = 0; n < 20; ++n) {
            failed += !use().ok();
            points();
          }
        });
    }
    EXPECT_EQ(failed, 0) << "round " << round;
    lose_all();
  }
}

TEST_F(FewConnections, WithoutAnyItIsSaid) {
  allow(1);
  auto other = Connection::open(as_role());
  ASSERT_TRUE(other.ok()) << other.error().message();
  Status used = use();
  ASSERT_FALSE(used.ok());
  EXPECT_TRUE(is_no_connection_left(used.error())) << used.error().message();
  other->close();
  EXPECT_TRUE(soon([&] { return use().ok(); }));
}

// The server's memory may be all that is short.
TEST_F(FewConnections, AnErrorOfAStatementEndsTheCall) {
  allow(1);
  int calls = 0;
  Status used = pool_->run({}, [&](Session& session) -> Status {
    ++calls;
    TRY(session.connect());
    return Error(ErrorKind::kUnavailable, "postgres.resources", "out of memory");
  });
  EXPECT_FALSE(used.ok());
  EXPECT_EQ(calls, 1);
}

TEST_F(FewConnections, RoomIsMadeByAnIdleSession) {
  allow(1);
  ASSERT_TRUE(use().ok());
  EXPECT_TRUE(pool_->open_beside().ok());
}

TEST_F(FewConnections, RoomIsMadeWhileCallersWait) {
  allow(2);
  std::atomic<int> failed = 0;
  std::atomic<bool> stop = false;
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 20; ++i)
      callers.emplace_back([&] {
        while (!stop) failed += !use().ok();
      });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    auto beside = pool_->open_beside();
    EXPECT_TRUE(beside.ok()) << beside.error().message();
    stop = true;
  }
  EXPECT_EQ(failed, 0);
}

}  // namespace
}  // namespace offramp::target::postgres
