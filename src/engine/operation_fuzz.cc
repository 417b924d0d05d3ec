// Fuzzes every operation: each line of the input is an operation's name, a blank and a body,
// executed one after the other over a fresh store in memory with two tables, the first with a
// stream. Whatever comes, the answer is JSON, an error is one of the service's, and nothing is the
// engine's own fault (500).
#include <cstdlib>

#include "engine/engine.h"
#include "engine/json.h"
#include "engine/memory_log_test.h"
#include "io/fake_clock_test.h"

namespace {

using namespace offramp;

constexpr int kLinesMax = 8;
constexpr std::string_view kTables[] = {
    R"({"TableName":"tab","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],
        "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],
        "StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}})",
    R"({"TableName":"idx","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"N"},
        {"AttributeName":"sk","AttributeType":"B"},{"AttributeName":"g","AttributeType":"S"}],
        "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
        "GlobalSecondaryIndexes":[{"IndexName":"gsi","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],
          "Projection":{"ProjectionType":"KEYS_ONLY"}}],
        "LocalSecondaryIndexes":[{"IndexName":"lsi","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},
          {"AttributeName":"g","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}}]})"};

void require(bool condition) {
  if (!condition) std::abort();
}

class Server {
 public:
  Server() {
    engine::EngineOptions options;
    options.clock = &clock_;
    engine_ = std::move(engine::Engine::open(store_, options)).value();
    worker_ = std::move(engine_->worker()).value();
    for (std::string_view table : kTables) require(execute("CreateTable", table).status == 200);
  }
  const engine::Reply& execute(std::string_view operation, std::string_view body) {
    text_.assign(body).append(ddb::kJsonPadding, '\0');
    worker_->execute(operation, {text_.data(), body.size()}, reply_);
    return reply_;
  }

 private:
  io::FakeClock clock_;
  engine::LogStore store_{clock_};
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<engine::Worker> worker_;
  std::string text_;
  engine::Reply reply_;
};

void check(const engine::Reply& reply) {
  if (reply.status == 200 && reply.body.empty()) return;  // TagResource and its like
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  require(!parser.parse(reply.body).get(root) && root.is_object());
  require(reply.status == 200 || reply.status == 400);
  require((reply.status == 200) == reply.error_type.empty());
  if (reply.status == 200) return;
  std::string_view type = engine::Json(root)["__type"].text();
  require(type.ends_with("#" + reply.error_type));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  Server server;
  for (int line = 0; line < kLinesMax && !input.empty(); ++line) {
    size_t end = std::min(input.find('\n'), input.size());
    std::string_view text = input.substr(0, end);
    input.remove_prefix(std::min(end + 1, input.size()));
    size_t blank = std::min(text.find(' '), text.size());
    // The endpoint passes on names that it knows, never bytes of the header.
    if (!simdjson::validate_utf8(text.data(), blank)) continue;
    check(server.execute(text.substr(0, blank), text.substr(std::min(blank + 1, text.size()))));
  }
  return 0;
}
