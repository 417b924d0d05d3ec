// EngineTest: an engine over a MemoryStore with one worker, asked in JSON.
#pragma once

#include <gtest/gtest.h>

#include "engine/engine.h"
#include "engine/json.h"
#include "engine/memory_store_test.h"
#include "io/fake_clock_test.h"

namespace offramp::engine {

class EngineTest : public testing::Test {
 protected:
  EngineTest() {
    EngineOptions options;
    options.clock = &clock;
    options.endpoint_address = "127.0.0.1:8000";
    options.log = [this](const Error& error) { logged.push_back(error.message()); };
    engine = std::move(Engine::open(store, options)).value();
    worker = std::move(engine->worker()).value();
  }

  Reply call(std::string_view operation, std::string_view body) {
    std::string padded(body);
    padded.append(ddb::kJsonPadding, '\0');
    Reply reply;
    worker->execute(operation, std::string_view(padded.data(), body.size()), reply);
    return reply;
  }
  // The answer's body; a failure when it is an error.
  std::string ok(std::string_view operation, std::string_view body) {
    Reply reply = call(operation, body);
    EXPECT_EQ(reply.status, 200) << operation << " " << body << "\n" << reply.body;
    EXPECT_EQ(reply.error_type, "");
    return reply.body;
  }
  // "Type: message" of an error.
  std::string error(std::string_view operation, std::string_view body) {
    Reply reply = call(operation, body);
    EXPECT_NE(reply.status, 200) << operation << " " << body << "\n" << reply.body;
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    EXPECT_FALSE(parser.parse(reply.body).get(root)) << reply.body;
    std::string_view message;
    if (root["message"].get(message)) [[maybe_unused]]
      auto none = root["Message"].get(message);
    return reply.error_type + ": " + std::string(message);
  }
  // A table of S keys: "t" with pk, or with pk and sk.
  void make_table(std::string_view name, bool sort = false) {
    std::string body =
        "{\"TableName\":\"" + std::string(name) + R"(","BillingMode":"PAY_PER_REQUEST",)";
    body +=
        sort
            ? R"("AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}],
                   "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}]})"
            : R"("AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],
                   "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]})";
    ok("CreateTable", body);
  }

  MemoryStore store;
  io::FakeClock clock;
  std::vector<std::string> logged;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Worker> worker;
};

}  // namespace offramp::engine
