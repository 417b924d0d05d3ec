// A request's target, header lines and body through the endpoint's protocol: any bytes are
// answered, what is no good signature never reaches the executor, and what is refused is said in
// JSON.
//
// Input: the target, then header lines "Name: value", an empty line, the body.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "endpoint/protocol_handler.h"
#include "io/http/text.h"

namespace {

// So that the fuzzer keeps the input: ASSERT ends the process before it can.
void check(bool holds) {
  if (!holds) __builtin_trap();
}

using namespace offramp::endpoint;  // NOLINT: a fuzzer is one file
using offramp::io::http::Request;
using offramp::io::http::Response;

constexpr std::string_view kSigned = "7baf0a21568a6b8e3283fb5dca3bcf8b84e9d0e08fab";

class Frozen : public offramp::io::Clock {
 public:
  Steady now() override { return {}; }
  Wall wall() override { return Wall(std::chrono::seconds(1'772'409'598)); }
  bool sleep(std::chrono::nanoseconds, std::stop_token) override { return true; }
};

class Counting : public Executor {
 public:
  void execute(std::string_view, std::string_view, std::string_view, Outcome& outcome) override {
    executed = true;
    outcome.body = "{}";
  }
  bool executed = false;
};

struct World {
  Frozen clock;
  ProtocolHandler::Shared shared;
  Counting* counting = nullptr;
  std::unique_ptr<ProtocolHandler> handler;
  World() {
    shared.options.clock = &clock;
    shared.options.keys.add("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    shared.counts = [] { return offramp::io::http::Server::Counts{}; };
    auto executor = std::make_unique<Counting>();
    counting = executor.get();
    handler = std::make_unique<ProtocolHandler>(shared, std::move(executor));
  }
};

std::string_view line(std::string_view& rest) {
  const std::string_view found = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(found.size() + 1, rest.size()));
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static World* world = new World;  // lives as long as the process
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  Request request;
  request.method = "POST";
  request.target = line(rest);
  request.remote = "192.0.2.1:1";
  for (std::string_view header; !(header = line(rest)).empty();) {
    const size_t colon = std::min(header.find(':'), header.size());
    request.headers.emplace_back(
        header.substr(0, colon),
        offramp::io::http::trimmed(header.substr(std::min(colon + 1, header.size()))));
  }
  const std::string body(rest);
  request.body = request.raw_body = body;
  Response response;
  world->counting->executed = false;
  world->handler->handle(request, response);
  if (world->counting->executed) {
    // Only the seed's own signature is a good one.
    const bool seed = std::string_view(reinterpret_cast<const char*>(data), size).find(kSigned) !=
                      std::string_view::npos;
    check(seed);
    check(response.status == 200);
  } else if (response.status == 400) {
    check(nlohmann::json::accept(response.body.begin(), response.body.end()));
  } else {
    check(response.status == 404);
  }
  check(response.headers.size() == 18 + 52 + 2);
  return 0;
}
