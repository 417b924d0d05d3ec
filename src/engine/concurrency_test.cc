// Several workers of two engines over one store: totals are exact, tables come and go, a token
// counts once.
#include <thread>

#include "engine/engine_fixture_test.h"

namespace offramp::engine {
namespace {

class ConcurrencyTest : public EngineTest {
 protected:
  // Runs `work(worker number, execute)` on as many threads, half of them with workers of another
  // engine.
  template <class Work>
  void on_threads(int count, Work work) {
    auto other = std::move(Engine::open(store, EngineOptions{.clock = &clock})).value();
    std::vector<std::thread> threads;
    for (int number = 0; number < count; ++number) {
      auto one = std::move((number % 2 ? *other : *engine).worker()).value();
      threads.emplace_back([number, work, one = std::move(one)] {
        Reply reply;
        work(number, [&](std::string_view operation, std::string body) -> const Reply& {
          size_t size = body.size();
          body.append(ddb::kJsonPadding, '\0');
          one->execute(operation, {body.data(), size}, reply);
          return reply;
        });
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
};

constexpr std::string_view kAdd =
    R"({"TableName":"tab","Key":{"pk":{"S":"sum"}},"UpdateExpression":"ADD n :one","ExpressionAttributeValues":{":one":{"N":"1"}}})";
constexpr std::string_view kGet =
    R"({"TableName":"tab","Key":{"pk":{"S":"sum"}},"ProjectionExpression":"n"})";

TEST_F(ConcurrencyTest, SumsAreExactWhileTablesComeAndGo) {
  make_table("tab");
  std::atomic<int> failed = 0;
  on_threads(4, [&](int number, auto execute) {
    std::string name = "own" + std::to_string(number);
    for (int i = 0; i < 50; ++i) {
      failed += execute("UpdateItem", std::string(kAdd)).status != 200;
      failed +=
          execute("CreateTable", "{\"TableName\":\"" + name + R"(","BillingMode":"PAY_PER_REQUEST",
        "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]})")
              .status != 200;
      failed +=
          execute("PutItem", "{\"TableName\":\"" + name + R"(","Item":{"pk":{"S":"a"}}})").status !=
          200;
      failed += execute("DeleteTable", "{\"TableName\":\"" + name + "\"}").status != 200;
    }
  });
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(ok("GetItem", kGet), R"({"Item":{"n":{"N":"200"}}})");
  EXPECT_EQ(ok("ListTables", "{}"), R"({"TableNames":["tab"]})");
}

TEST_F(ConcurrencyTest, ATokenThatManyUseAtOnceCountsOnce) {
  make_table("tab");
  std::atomic<int> failed = 0;
  on_threads(4, [&](int, auto execute) {
    for (int i = 0; i < 50; ++i) {
      std::string body = "{\"TransactItems\":[{\"Update\":" + std::string(kAdd) +
                         "}],\"ClientRequestToken\":\"t" + std::to_string(i) + "\"}";
      failed += execute("TransactWriteItems", body).status != 200;
    }
  });
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(ok("GetItem", kGet), R"({"Item":{"n":{"N":"50"}}})");
}

}  // namespace
}  // namespace offramp::engine
