#include "cli/upkeep.h"

#include <string>

#include "cli/command.h"
#include "engine/expiry.h"
#include "engine/index_builds.h"
#include "io/clock.h"

namespace offramp::cli {
namespace {

constexpr std::chrono::seconds kBetweenStreams{1};
constexpr std::chrono::milliseconds kBetweenIndexes{500};

// An error is told once, until there is another or none.
void keep_streams(engine::Engine& engine, const std::stop_token& stop) {
  std::string told;
  while (io::system_clock().sleep(kBetweenStreams, stop)) {
    Status status = engine.maintain_streams();
    std::string now = status.ok() ? std::string() : status.error().message();
    if (!now.empty() && now != told) print_error(status.error());
    told = std::move(now);
  }
}

}  // namespace

Upkeep::Upkeep(engine::Engine& engine, std::chrono::seconds between_expiries)
    : expiry_(engine.expiry()), builds_(engine.index_builds()) {
  io::Clock& clock = io::system_clock();
  streams_ = std::jthread([&engine](std::stop_token stop) { keep_streams(engine, stop); });
  expiries_ = std::jthread([this, between_expiries, &clock](std::stop_token stop) {
    while (clock.sleep(between_expiries, stop)) expiry_->sweep(stop);
  });
  indexes_ = std::jthread([this, &clock](std::stop_token stop) {
    do builds_->sweep(stop);
    while (clock.sleep(kBetweenIndexes, stop));
  });
}

// All are asked before any is waited for.
Upkeep::~Upkeep() {
  for (std::jthread* thread : {&streams_, &expiries_, &indexes_}) thread->request_stop();
}

}  // namespace offramp::cli
