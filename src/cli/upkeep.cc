#include "cli/upkeep.h"

#include "engine/expiry.h"
#include "engine/index_builds.h"
#include "io/clock.h"

namespace offramp::cli {
namespace {

constexpr std::chrono::milliseconds kBetweenBuilds{500};

}  // namespace

Upkeep::Upkeep(engine::Engine& engine, std::chrono::seconds between_expiries)
    : expiry_(engine.expiry()), builds_(engine.index_builds()) {
  io::Clock& clock = io::system_clock();
  expires_ = std::jthread([this, between_expiries, &clock](std::stop_token stop) {
    while (clock.sleep(between_expiries, stop)) expiry_->sweep(stop);
  });
  builds_thread_ = std::jthread([this, &clock](std::stop_token stop) {
    do builds_->sweep(stop);
    while (clock.sleep(kBetweenBuilds, stop));
  });
}

// Both are asked before either is waited for.
Upkeep::~Upkeep() {
  expires_.request_stop();
  builds_thread_.request_stop();
}

}  // namespace offramp::cli
